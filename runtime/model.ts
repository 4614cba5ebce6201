/** A model at work: what the class of a generated package is built on. */
import { problem } from "./catalogue.ts";
import type { Data, Program } from "./device/program.ts";
import { decodeSafetensors, safetensorsBytes, type Tensor } from "./files/safetensors.ts";
import type { ProgramManifest } from "./format/program.ts";
import { entryOf, fillStates, firstStates, Instances, parameterMemory } from "./instances.ts";
import { initialize } from "./parameters/initialise.ts";
import { matchParameters, tensorsOf } from "./parameters/match.ts";
import { Session } from "./session.ts";
import { suggestion } from "./suggest.ts";
import { checkInput } from "./values.ts";

/**
 * Random first weights from a seed, or weights in memory: tensors by name, or the bytes of a safetensors file. `from` names
 * them in diagnostics.
 */
export type WeightSource =
  | { readonly seed: number }
  | { readonly weights: ReadonlyMap<string, Tensor> | Uint8Array; readonly from?: string };

/** Sequences for each input: `[batch, time, …shape]`, row-major. Tokens are whole numbers. */
export type Sequences<Input extends string> = Readonly<Record<Input, ArrayLike<number>>>;

export interface RunSizes {
  /** Sequences that are run side by side. */
  readonly batch: number;
  /** Steps of each. */
  readonly time: number;
}

export interface RunResult<Output extends string, State extends string> {
  /** `[batch, time, …shape]` each. */
  readonly outputs: Readonly<Record<Output, Data>>;
  /** After the last step: `[batch, …]`, of a growing one `[batch, steps so far, …]`. */
  readonly states: ReadonlyMap<State, Tensor>;
}

function weightsIn(
  manifest: ProgramManifest,
  weights: ReadonlyMap<string, Tensor> | Uint8Array,
  from: string,
): ReadonlyMap<string, Data> {
  const tensors =
    weights instanceof Uint8Array ? decodeSafetensors(weights, from).tensors : weights;
  return matchParameters(manifest, tensors, from);
}

function firstWeights(program: Program, source: WeightSource): ReadonlyMap<string, Data> {
  const { manifest } = program;
  if ("seed" in source) return initialize(manifest, source.seed);
  return weightsIn(manifest, source.weights, source.from ?? "weights");
}

/**
 * A compiled model with its weights. The type parameters are the names of its inputs, outputs and states; a generated
 * package fixes them.
 *
 * @example
 * const model = new Model(program, { weights: new Uint8Array(bytesOfAFile) });
 * const { outputs } = model.run({ tokens: [3, 1, 4] }, { batch: 1, time: 3 });
 */
export class Model<
  Input extends string = string,
  Output extends string = string,
  State extends string = string,
> {
  readonly program: Program;
  readonly #instances: Instances;

  /** @throws DiagnosticError fwp6301 for a program of another format, and those of reading weights. */
  constructor(program: Program, source: WeightSource) {
    this.program = program;
    const memory = parameterMemory(
      program.manifest,
      firstWeights(program, source),
      program.allocate,
    );
    this.#instances = new Instances(program, memory);
  }

  /** The weights by name. Changing the numbers changes the model, its sessions included. */
  get parameters(): ReadonlyMap<string, Data> {
    return this.#instances.parameters;
  }

  /** How many numbers the weights are. */
  get parameterCount(): number {
    return [...this.parameters.values()].reduce((n, data) => n + data.length, 0);
  }

  /**
   * Runs whole sequences, from the model's own first state or from `states`, which an earlier run gave: running a
   * sequence in pieces equals running it at once.
   * @throws DiagnosticError fwp6302 missing or fwp6303 unknown input, fwp6032 wrong length, fwp6034 bad token.
   */
  run(
    sequences: Sequences<Input>,
    sizes: RunSizes,
    states: ReadonlyMap<State, Tensor> = new Map(),
  ): RunResult<Output, State> {
    const { manifest } = this.program;
    const { batch, time } = sizes;
    const entry = entryOf(manifest, "forward");
    const names = manifest.inputs.map((signal) => signal.name);
    for (const name of Object.keys(sequences)) {
      if (!names.includes(name)) {
        throw problem("fwp6303", name, { name, ...suggestion(name, names) });
      }
    }
    const first = firstStates(manifest, this.parameters, batch);
    let past = 0;
    for (const { name, growing } of manifest.states) {
      const given = states.get(name as State);
      if (given === undefined) continue;
      first.set(name, given.data);
      if (growing) past = Math.max(past, given.shape[1] ?? 0);
    }
    const instance = this.#instances.get("forward", { batch, time, past });
    const read = new Set(entry.inputs.filter((i) => i.role === "input").map((i) => i.name));
    for (const signal of manifest.inputs) {
      const values = checkInput(signal, sequences, batch * time);
      if (read.has(signal.name)) instance.input("input", signal.name).set(values);
    }
    fillStates(instance, entry, first);
    instance.run();
    const outputs: Record<string, Data> = {};
    const last = new Map<State, Tensor>();
    for (const { role, name } of entry.outputs) {
      if (role === "output") outputs[name] = instance.output("output", name).slice();
      if (role !== "state") continue;
      const spec = manifest.states.find((state) => state.name === name);
      if (spec === undefined) continue;
      const shape = spec.growing ? [past + time, ...spec.shape.slice(1)] : spec.shape;
      const data = instance.output("state", name).slice();
      last.set(name as State, { shape: [batch, ...shape], data });
    }
    return { outputs: outputs as Record<Output, Data>, states: last };
  }

  /** A stream of steps with a state of its own, over the same weights. */
  session(batch: number = 1): Session {
    return new Session(this.program, this.#instances, batch);
  }

  /** Replaces the weights, all or none. `from` names them in diagnostics. @throws DiagnosticError when they do not fit. */
  setWeights(weights: ReadonlyMap<string, Tensor> | Uint8Array, from: string = "weights"): void {
    for (const [name, data] of weightsIn(this.program.manifest, weights, from)) {
      this.parameters.get(name)?.set(data);
    }
  }

  /** The weights as the bytes of a safetensors file. */
  weightsBytes(): Uint8Array {
    return safetensorsBytes(tensorsOf(this.program.manifest, this.parameters));
  }
}
