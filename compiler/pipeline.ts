/** The whole way from a step to a program that runs: numbers for sizes, staging, gradients, kernels. */
import type { FormSpec, ProgramManifest, SignalSpec, InitSpec } from "../runtime/format/program.ts";
import type { TrainSettings } from "../runtime/format/training.ts";
import {
  DiagnosticError,
  InternalError,
  unreachable,
  type Diagnostic,
} from "../diagnostics/diagnostic.ts";
import { Chooser, USUAL, type Choice, type FormName, type Use } from "./choose/index.ts";
import { nativeSpeed, typescriptSpeed } from "./cost/index.ts";
import { chunk, stage } from "./derive/index.ts";
import { constant, type Dim, type Shape } from "./dims.ts";
import { withGradients } from "./graph/adjoint/index.ts";
import { concretize, type SizeValues } from "./graph/concretize.ts";
import type { Init, StepProgram } from "./graph/ir.ts";
import { LOSS, METRIC, WEIGHT } from "./graph/objective.ts";
import type { SequenceProgram } from "./graph/program.ts";
import { simplifyProgram, simplifyStep } from "./graph/simplify.ts";
import { unroll } from "./graph/unroll.ts";
import { optimiseProgram } from "./optimise/index.ts";
import { compileEntry, type CompiledEntry } from "./plan/entry.ts";
import { SCALAR, type Machine } from "./plan/machine.ts";
import type { Precision } from "./plan/memory.ts";
import { javascriptOf } from "./targets/typescript/index.ts";
import { evaluationProgram, trainingProgram } from "./train/index.ts";

/** What a program can be asked to do. */
export type EntryName = "forward" | "gradient" | "step" | "train" | "evaluate";

/**
 * How time is run. `auto`: as the cost model chooses, or as the spec schedules it, loop by loop. `sequential`, `chunk`,
 * `scan`: that form in all loops, an error where one does not have it. For comparisons: `derived`, a loop over chunks or a
 * scan wherever there is one, and `plain`, everything step after step in one loop, as the spec reads.
 */
export type Form = "auto" | FormName | "derived" | "plain";

/** Steps per chunk of the form `derived` where nothing else is asked for. */
const CHUNK = 16;

export interface Compiled {
  /** The step with a number for every size but those of the run. */
  readonly step: StepProgram;
  /** The graph behind each entry: what the oracle runs. */
  readonly programs: ReadonlyMap<EntryName, SequenceProgram>;
  readonly entries: readonly CompiledEntry[];
  /** The form of every loop over time, for each entry that has some, and why. */
  readonly choices: ReadonlyMap<EntryName, readonly Choice[]>;
  readonly manifest: ProgramManifest;
  /** An ES module that exports a function for each entry. */
  readonly javascript: string;
}

export interface PipelineOptions {
  readonly entries: readonly EntryName[];
  /** `auto` by default. */
  readonly form?: Form;
  /** Steps per chunk, 1 or more; by default the spec's schedule, else the compiler's choice. */
  readonly chunk?: number;
  /** What to choose forms for; by default the batch of the training, and lengths that are usual. Programs run at any. */
  readonly sizes?: { readonly batch: number; readonly time: number };
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

/** What an entry is used for. */
const USES: Readonly<Record<EntryName, Use>> = {
  forward: "prefill",
  evaluate: "prefill",
  gradient: "training",
  train: "training",
  step: "streaming",
};

interface Formed {
  readonly program: SequenceProgram;
  readonly choices: readonly Choice[];
}

/** The forms that the options or the cost model choose for a use. @throws DiagnosticError fwp4601, fwp4602. */
export function chooseForms(
  staged: SequenceProgram,
  use: Use,
  { form = "auto", chunk: length, sizes, train, machine }: Omit<PipelineOptions, "entries">,
  chooser: Chooser = new Chooser(),
): Choice[] {
  if (form === "derived" || form === "plain") return [];
  const usual = USUAL[use];
  const batch = use === "streaming" ? usual.batch : (train?.batch ?? usual.batch);
  const asked = use === "streaming" ? usual : (sizes ?? { ...usual, batch });
  return chooser.choose(staged, {
    use,
    sizes: asked,
    wish: { form, length: length ?? null },
    speed: machine?.kind === "vector" ? nativeSpeed : typescriptSpeed,
  });
}

/** What is wrong with the schedules of a step with numbers for its sizes. */
export function scheduleProblems(step: StepProgram): readonly Diagnostic[] {
  try {
    chooseForms(stage(step), "prefill", {});
    return [];
  } catch (problem) {
    if (problem instanceof DiagnosticError) return problem.diagnostics;
    throw problem;
  }
}

/** A step over time in the form that the options ask for. */
function inForm(
  step: StepProgram,
  entry: EntryName,
  options: PipelineOptions,
  chooser: Chooser,
): Formed {
  if (options.form === "plain") return { program: unroll(step), choices: [] };
  const staged = stage(step);
  if (options.form === "derived") {
    const all = { length: options.chunk ?? CHUNK, elementwise: true };
    return { program: entry === "step" ? staged : chunk(staged, all).program, choices: [] };
  }
  const choices = chooseForms(staged, USES[entry], options, chooser);
  if (choices.every((c) => c.length === null)) return { program: staged, choices };
  const length = (place: number): number | null => choices[place]!.length;
  return { program: chunk(staged, { length, elementwise: true }).program, choices };
}

/** The sequence program of one entry and the choices in it. `step` must have numbers for its sizes. */
function formEntry(
  step: StepProgram,
  entry: EntryName,
  options: PipelineOptions,
  chooser: Chooser,
): Formed {
  const formed = (s: StepProgram, more: (p: SequenceProgram) => SequenceProgram): Formed => {
    const { program, choices } = inForm(s, entry, options, chooser);
    return { program: simplifyProgram(more(program)), choices };
  };
  switch (entry) {
    case "forward":
    case "step":
      return formed(modelOf(step), (program) => program);
    case "gradient":
      return formed(modelOf(step), (program) => withGradients(program));
    case "train":
    case "evaluate": {
      const { train } = options;
      if (train === undefined)
        throw new InternalError(`the entry ${entry} needs training settings`);
      const { carry, optimizer, clip } = train;
      const outputs = step.outputs.filter((o) => !isObjective(o.name)).map((o) => o.name);
      return formed(step, (program) =>
        entry === "train"
          ? trainingProgram(program, { carry, optimizer, clip, outputs: carry ? outputs : [] })
          : evaluationProgram(program, { carry }),
      );
    }
    default:
      return unreachable(entry);
  }
}

/** The sequence program of one entry. `step` must have numbers for its sizes. */
export function entryProgram(
  step: StepProgram,
  entry: EntryName,
  options: PipelineOptions,
): SequenceProgram {
  return formEntry(step, entry, options, new Chooser()).program;
}

/** A step in the graphs that its entries are compiled from: right for every machine and precision. */
export interface Prepared {
  readonly step: StepProgram;
  readonly programs: ReadonlyMap<EntryName, SequenceProgram>;
  /** The same programs with cheaper ways to compute their products, as kernels want them. */
  readonly optimised: ReadonlyMap<EntryName, SequenceProgram>;
  readonly choices: ReadonlyMap<EntryName, readonly Choice[]>;
}

/** Everything up to the kernels. `machine` is the one that forms of time are chosen for. */
export function prepareStep(
  symbolic: StepProgram,
  values: SizeValues,
  options: Omit<PipelineOptions, "precision">,
): Prepared {
  const step = fixSizes(symbolic, values);
  const programs = new Map<EntryName, SequenceProgram>();
  const optimised = new Map<EntryName, SequenceProgram>();
  const choices = new Map<EntryName, readonly Choice[]>();
  const chooser = new Chooser();
  for (const name of options.entries) {
    const { program, choices: chosen } = formEntry(step, name, options, chooser);
    if (chosen.length > 0) choices.set(name, chosen);
    programs.set(name, program);
    optimised.set(name, optimiseProgram(program));
  }
  return { step, programs, optimised, choices };
}

/** The kernels of a prepared step. */
export function compilePrepared(
  { step, programs, optimised, choices }: Prepared,
  { precision = "f32", machine = SCALAR }: Pick<PipelineOptions, "precision" | "machine">,
): Compiled {
  const entries = [...optimised].map(([name, program]) =>
    compileEntry(program, name, { precision, machine }),
  );
  const manifest: ProgramManifest = {
    ...describe(step, "typescript"),
    entries: entries.map((e) => e.spec),
    forms: [...choices].flatMap(([entry, list]) =>
      list.map(({ states, form, length }): FormSpec => ({ entry, states, form, length })),
    ),
  };
  return {
    step,
    programs,
    entries,
    choices,
    manifest,
    get javascript() {
      return javascriptOf(step.name, entries);
    },
  };
}

/** Compiles a step for the `typescript` target. */
export const compileStep = (
  symbolic: StepProgram,
  values: SizeValues,
  options: PipelineOptions,
): Compiled => compilePrepared(prepareStep(symbolic, values, options), options);

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
