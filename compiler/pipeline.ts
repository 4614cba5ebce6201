/** The whole way from a step to a program that runs: numbers for sizes, staging, gradients, kernels. */
import type { ProgramManifest, SignalSpec, InitSpec } from "../runtime/format/program.ts";
import type { TrainSettings } from "../runtime/format/training.ts";
import { InternalError, unreachable } from "../diagnostics/diagnostic.ts";
import { chunk, stage } from "./derive/index.ts";
import { constant, type Dim, type Shape } from "./dims.ts";
import { withGradients } from "./graph/adjoint/index.ts";
import { concretize, type SizeValues } from "./graph/concretize.ts";
import type { Init, StepProgram } from "./graph/ir.ts";
import type { SequenceProgram } from "./graph/program.ts";
import { simplifyProgram, simplifyStep } from "./graph/simplify.ts";
import { unroll } from "./graph/unroll.ts";
import { optimiseProgram } from "./optimise/index.ts";
import { compileEntry, type CompiledEntry } from "./plan/entry.ts";
import { SCALAR, type Machine } from "./plan/machine.ts";
import type { Precision } from "./plan/memory.ts";
import { javascriptOf } from "./targets/typescript/javascript.ts";
import { evaluationProgram, LOSS, METRIC, trainingProgram, WEIGHT } from "./train/index.ts";

/** What a program can be asked to do. */
export type EntryName = "forward" | "gradient" | "step" | "train" | "evaluate";

/**
 * How time is run: all that can be at once outside time loops (`staged`), the same with loops over chunks of time for the
 * recurrences that have such a form (`chunk`), or the plain meaning, step after step.
 */
export type Form = "staged" | "chunk" | "sequential";

/** Steps per chunk where nothing else is asked for: the fastest of 16, 32 and 64 on the `typescript` target. */
const CHUNK = 16;

export interface Compiled {
  /** The step with a number for every size but those of the run. */
  readonly step: StepProgram;
  /** The graph behind each entry: what the oracle runs. */
  readonly programs: ReadonlyMap<EntryName, SequenceProgram>;
  readonly entries: readonly CompiledEntry[];
  readonly manifest: ProgramManifest;
  /** An ES module that exports a function for each entry. */
  readonly javascript: string;
}

export interface PipelineOptions {
  readonly entries: readonly EntryName[];
  readonly form?: Form;
  /** Steps per chunk of the form `chunk`, 1 or more. */
  readonly chunk?: number;
  readonly precision?: Precision;
  /** What the kernels are for; JavaScript can be printed only of those for a scalar machine, the default. */
  readonly machine?: Machine;
  /** For the entries `train` and `evaluate`. */
  readonly train?: TrainSettings;
}

/** A step with numbers for its sizes, simplified: what every later phase starts from. */
export function fixSizes(step: StepProgram, values: SizeValues): StepProgram {
  return simplifyStep(concretize(step, values));
}

/** The outputs that belong to training and not to the model. */
const isObjective = (name: string): boolean =>
  name === LOSS || name === WEIGHT || name.startsWith(METRIC);

/** A step without loss, weight and metrics, and without the inputs and states that only they need. */
export function modelOf(step: StepProgram): StepProgram {
  const outputs = step.outputs.filter((o) => !isObjective(o.name));
  if (outputs.length === step.outputs.length) return step;
  return simplifyStep({ ...step, outputs });
}

/** The sequence program of one entry. `step` must have numbers for its sizes. */
export function entryProgram(
  step: StepProgram,
  entry: EntryName,
  options: PipelineOptions,
): SequenceProgram {
  const form = (s: StepProgram): SequenceProgram => {
    if (options.form === "sequential") return unroll(s);
    const staged = stage(s);
    // A session takes one step at a time, for which chunks would be mostly filling.
    if (options.form !== "chunk" || entry === "step") return staged;
    return chunk(staged, { length: options.chunk ?? CHUNK }).program;
  };
  switch (entry) {
    case "forward":
    case "step":
      return simplifyProgram(form(modelOf(step)));
    case "gradient":
      return simplifyProgram(withGradients(form(modelOf(step))));
    case "train":
    case "evaluate": {
      const { train } = options;
      if (train === undefined)
        throw new InternalError(`the entry ${entry} needs training settings`);
      const { carry, optimizer, clip } = train;
      const program = form(step);
      const outputs = step.outputs.filter((o) => !isObjective(o.name)).map((o) => o.name);
      return simplifyProgram(
        entry === "train"
          ? trainingProgram(program, { carry, optimizer, clip, outputs: carry ? outputs : [] })
          : evaluationProgram(program, { carry }),
      );
    }
    default:
      return unreachable(entry);
  }
}

/** Compiles a step for the `typescript` target. */
export function compileStep(
  symbolic: StepProgram,
  values: SizeValues,
  options: PipelineOptions,
): Compiled {
  const step = fixSizes(symbolic, values);
  const programs = new Map<EntryName, SequenceProgram>();
  const entries: CompiledEntry[] = [];
  for (const name of options.entries) {
    const program = entryProgram(step, name, options);
    programs.set(name, program);
    entries.push(
      compileEntry(optimiseProgram(program), name, {
        precision: options.precision ?? "f32",
        machine: options.machine ?? SCALAR,
      }),
    );
  }
  const manifest: ProgramManifest = {
    ...describe(step, "typescript"),
    entries: entries.map((e) => e.spec),
  };
  return {
    step,
    programs,
    entries,
    manifest,
    get javascript() {
      return javascriptOf(entries);
    },
  };
}

const numberOf = (d: Dim): number => {
  const value = constant(d);
  if (value === undefined) throw new InternalError("a size without a number in a manifest");
  return value;
};
const numbersOf = (shape: Shape): number[] => shape.map(numberOf);

function initSpec(init: Init): InitSpec {
  if (init.kind !== "blocks") return init;
  return {
    ...init,
    pieces: init.pieces.map((p) => ({ size: numberOf(p.size), init: initSpec(p.init) })),
  };
}

/** What a program says of itself, entries apart. */
export function describe(step: StepProgram, target: string): Omit<ProgramManifest, "entries"> {
  const node = (id: number) => step.body.nodes[id]!;
  const outputs = step.outputs.filter((o) => !isObjective(o.name));
  return {
    format: "fwp-program",
    version: 1,
    name: step.name,
    target,
    inputs: step.inputs.map((i): SignalSpec => ({
      name: i.name,
      shape: numbersOf(i.shape),
      type: i.dtype === "int" ? "token" : "float",
      vocab: i.vocab === null ? null : numberOf(i.vocab),
    })),
    outputs: outputs.map((o): SignalSpec => ({
      name: o.name,
      shape: numbersOf(node(o.node).shape),
      type: "float",
      vocab: null,
    })),
    parameters: step.parameters.map((p) => ({
      name: p.name,
      shape: numbersOf(p.shape),
      init: initSpec(p.init),
      trained: p.trained,
    })),
    states: step.states.map((s) => ({
      name: s.name,
      shape: s.growing ? [0, ...numbersOf(s.shape.slice(1))] : numbersOf(s.shape),
      growing: s.growing,
      init: s.init,
    })),
  };
}
