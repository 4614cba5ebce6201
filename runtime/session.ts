/** Streaming: one step at a time, with the state in the open. */
import { problem } from "./catalogue.ts";
import type { BufferKey, Data, Instance, Program } from "./device/program.ts";
import { decodeSafetensors, safetensorsBytes, type Tensor } from "./files/safetensors.ts";
import type { BufferSpec, EntrySpec, StateSpec } from "./format/program.ts";
import { entryOf, firstStates, Instances, parameterMemory, type Values } from "./instances.ts";
import { suggestion } from "./suggest.ts";
import { checkInput } from "./values.ts";

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const show = (sizes: readonly number[]): string => `[${sizes.join(", ")}]`;
const POSITION = "position";

/** A state that grows: rows so far in memory that doubles, so that growing costs a constant per step and row. */
interface Growing {
  readonly spec: StateSpec;
  /** Numbers in a row. */
  readonly row: number;
  /** `[batch][past, row]`, each sequence in memory of its own. */
  memory: (Float32Array | Float64Array)[];
  /** Memory of the element type that the program computes with. */
  readonly allocate: (length: number) => Float32Array | Float64Array;
}

/**
 * Runs a model token by token. Steps of all `batch` sequences are taken together. Its results equal those of the whole
 * sequences at once, up to the rounding of another order of additions.
 */
export class Session {
  readonly #instances: Instances;
  readonly #entry: EntrySpec;
  readonly #batch: number;
  readonly #growing: readonly Growing[];
  readonly #fixed: readonly BufferSpec[];
  /** The one instance there is, when nothing grows; else the one of the current length. */
  #instance: Instance | null = null;
  #position = 0;

  /**
   * `parameters` by name, as `initialize` and `loadWeights` give them; they are not copied when they are an `Instances`.
   * @throws DiagnosticError fwp6300 when the program has no entry `step`.
   */
  constructor(program: Program, parameters: Values | Instances, batch: number = 1) {
    const { manifest } = program;
    this.#instances =
      parameters instanceof Instances
        ? parameters
        : new Instances(program, parameterMemory(manifest, parameters, program.allocate));
    this.#entry = entryOf(manifest, "step");
    this.#batch = batch;
    this.#growing = manifest.states
      .filter((spec) => spec.growing)
      .map((spec) => ({
        spec,
        row: product(spec.shape.slice(1)),
        memory: [],
        allocate: this.#entry.inputs.some(
          ({ role, name, type }) => role === "state" && name === spec.name && type === "f64",
        )
          ? (length) => new Float64Array(length)
          : (length) => new Float32Array(length),
      }));
    const growing = new Set(this.#growing.map((g) => g.spec.name));
    this.#fixed = this.#entry.inputs.filter((i) => i.role === "state" && !growing.has(i.name));
    this.reset();
  }

  get batch(): number {
    return this.#batch;
  }

  /** Steps taken since the start or the last `reset`; part of the state. */
  get position(): number {
    return this.#position;
  }

  /** Back to before the first step. */
  reset(): void {
    const { manifest } = this.#instances.program;
    this.#position = 0;
    this.#write(firstStates(manifest, this.#instances.parameters, this.#batch));
  }

  /** The instance for the next step, its growing states filled. */
  #prepare(): Instance {
    const past = this.#growing.length === 0 ? 0 : this.#position;
    if (this.#instance?.sizes.past === past) return this.#instance;
    const bound = new Map<BufferKey, Data>();
    for (const { spec, row, memory } of this.#growing) {
      // One sequence lies as the program wants it: its memory is used as it is.
      if (this.#batch === 1) bound.set(`state:${spec.name}`, memory[0]!.subarray(0, past * row));
    }
    const made = this.#instances.make("step", { batch: this.#batch, time: 1, past }, bound);
    for (const { spec, row, memory } of this.#growing) {
      if (this.#batch === 1) continue;
      const input = made.input("state", spec.name);
      for (const [b, rows] of memory.entries()) {
        input.set(rows.subarray(0, past * row), b * past * row);
      }
    }
    // States that do not grow go on from the instance of the step before.
    if (this.#instance !== null) {
      for (const { name } of this.#fixed) {
        made.input("state", name).set(this.#instance.input("state", name));
      }
      this.#instance.release?.();
    }
    this.#instance = made;
    return made;
  }

  /** Keeps what a step wrote of the growing states: their last row. */
  #grow(instance: Instance): void {
    const past = this.#position;
    for (const growing of this.#growing) {
      const { spec, row } = growing;
      const written = instance.output("state", spec.name);
      growing.memory = growing.memory.map((old, b) => {
        const enough = old.length >= (past + 1) * row;
        const rows = enough ? old : growing.allocate(Math.max(16, 2 * past) * row);
        if (!enough) rows.set(old);
        const end = (b + 1) * (past + 1) * row;
        rows.set(written.subarray(end - row, end), past * row);
        return rows;
      });
    }
  }

  /**
   * Takes one step: `[batch, …shape]` for each input, row-major. The arrays that come back are the program's own: they
   * hold `[batch, …shape]` until the next step.
   * @throws DiagnosticError fwp6302 missing or fwp6303 unknown input, fwp6032 wrong length, fwp6034 bad token.
   */
  step(inputs: Readonly<Record<string, ArrayLike<number>>>): Record<string, Data> {
    const { manifest } = this.#instances.program;
    const instance = this.#prepare();
    const names = manifest.inputs.map((signal) => signal.name);
    for (const name of Object.keys(inputs)) {
      if (names.includes(name)) continue;
      throw problem("fwp6303", name, { name, ...suggestion(name, names) });
    }
    const read = new Set(this.#entry.inputs.filter((i) => i.role === "input").map((i) => i.name));
    for (const signal of manifest.inputs) {
      const values = checkInput(signal, inputs, this.#batch);
      if (read.has(signal.name)) instance.input("input", signal.name).set(values);
    }
    instance.run();
    this.#grow(instance);
    for (const { name } of this.#fixed) {
      instance.input("state", name).set(instance.output("state", name));
    }
    this.#position++;
    const outputs: Record<string, Data> = {};
    for (const { role, name } of this.#entry.outputs) {
      if (role === "output") outputs[name] = instance.output("output", name);
    }
    return outputs;
  }

  /** The state after the steps so far, by name: `[batch, …]`, of a growing one `[batch, position, …]`. Copies. */
  get state(): Map<string, Tensor> {
    const { manifest } = this.#instances.program;
    const state = new Map<string, Tensor>();
    for (const { name, shape, growing } of manifest.states) {
      if (growing) continue;
      const data = this.#instance!.input("state", name);
      state.set(name, { shape: [this.#batch, ...shape], data: data.slice() });
    }
    for (const { spec, row, memory, allocate } of this.#growing) {
      const length = this.#position * row;
      const data = allocate(this.#batch * length);
      for (const [b, rows] of memory.entries()) data.set(rows.subarray(0, length), b * length);
      state.set(spec.name, { shape: [this.#batch, this.#position, ...spec.shape.slice(1)], data });
    }
    return state;
  }

  /**
   * Goes on from a state that `state` gave, of a session of the same model and batch.
   * @throws DiagnosticError fwp6030 missing, fwp6031 unknown, fwp6032 of another shape.
   */
  restore(state: ReadonlyMap<string, Tensor>, position: number): void {
    const { manifest } = this.#instances.program;
    const names = manifest.states.map((s) => s.name);
    for (const name of state.keys()) {
      if (names.includes(name)) continue;
      throw problem("fwp6031", "state", { name, ...suggestion(name, names) });
    }
    const values = new Map<string, Data>();
    for (const { name, shape, growing } of manifest.states) {
      const found = state.get(name);
      if (found === undefined) throw problem("fwp6030", "state", { name, path: "state" });
      const own = growing ? [position, ...shape.slice(1)] : shape;
      const expected = [this.#batch, ...own];
      if (found.shape.join() !== expected.join() || found.data.length !== product(expected)) {
        const facts = { name, expected: show(expected), found: show(found.shape) };
        throw problem("fwp6032", "state", facts);
      }
      values.set(name, found.data);
    }
    this.#position = position;
    this.#write(values);
  }

  /** Replaces all states; growing ones have `position` rows. */
  #write(values: Values): void {
    for (const growing of this.#growing) {
      const length = this.#position * growing.row;
      const data = values.get(growing.spec.name)!;
      growing.memory = Array.from({ length: this.#batch }, (_, b) => {
        const rows = growing.allocate(length);
        rows.set(data.subarray(b * length, (b + 1) * length));
        return rows;
      });
    }
    if (this.#growing.length > 0) this.#instance = null;
    const instance = this.#prepare();
    for (const { name } of this.#fixed) {
      const data = values.get(name);
      if (data !== undefined) instance.input("state", name).set(data);
    }
  }

  /** The state as the bytes of a safetensors file. */
  serialize(): Uint8Array {
    return safetensorsBytes(this.state, new Map([[POSITION, String(this.#position)]]));
  }

  /** Goes on from what `serialize` gave. @throws DiagnosticError fwp6020–fwp6032. */
  deserialize(bytes: Uint8Array): void {
    const { tensors, metadata } = decodeSafetensors(bytes, "state");
    const position = Number(metadata.get(POSITION));
    if (!Number.isSafeInteger(position) || position < 0) {
      const reason = "it does not say how many steps were taken";
      throw problem("fwp6021", "state", { path: "state", reason });
    }
    this.restore(tensors, position);
  }
}
