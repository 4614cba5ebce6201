/** From a step to the graphs that its entries are compiled from: numbers for sizes, staging, forms of time, gradients. */
import type { TrainSettings } from "../runtime/format/training.ts";
import {
  DiagnosticError,
  InternalError,
  unreachable,
  type Diagnostic,
} from "../diagnostics/diagnostic.ts";
import { Chooser, USUAL, type Choice, type FormName, type Use } from "./choose/index.ts";
import { nativeSpeed, typescriptSpeed } from "./cost/index.ts";
import { chunk, countsLast, stage } from "./derive/index.ts";
import { withGradients } from "./graph/adjoint/index.ts";
import { concretize, type SizeValues } from "./graph/concretize.ts";
import type { StepProgram } from "./graph/ir.ts";
import { LOSS, METRIC, WEIGHT } from "./graph/objective.ts";
import type { SequenceProgram } from "./graph/program.ts";
import { simplifyProgram, simplifyStep } from "./graph/simplify.ts";
import { unroll } from "./graph/unroll.ts";
import { optimiseProgram } from "./optimise/index.ts";
import { SCALAR, type Machine } from "./plan/machine.ts";
import type { Precision } from "./plan/memory.ts";
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
export const isObjective = (name: string): boolean =>
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

/**
 * A step with its objective, staged. Of one that counts at the last step only nothing is computed for others, but what
 * `outputs`, the model's own, need where they are wanted.
 */
export function stageObjective(step: StepProgram, outputs: boolean): SequenceProgram {
  if (!countsLast(step)) return stage(step);
  const wanted = step.outputs.filter((o) => outputs || isObjective(o.name));
  const objective = wanted.flatMap((o) => (isObjective(o.name) ? [o.name] : []));
  return stage({ ...step, outputs: wanted }, new Set(objective));
}

/** Makes the sequence programs of one step. What entries and machines have in common is made once. */
class Former {
  readonly #options: Omit<PipelineOptions, "machine" | "precision">;
  readonly #chooser = new Chooser();
  readonly #staged = new Map<string, SequenceProgram>();
  readonly #formed = new Map<string, SequenceProgram>();
  readonly #step: StepProgram;
  readonly #model: StepProgram;

  /** `step` must have numbers for its sizes. */
  constructor(step: StepProgram, options: Omit<PipelineOptions, "machine" | "precision">) {
    this.#step = step;
    this.#model = modelOf(step);
    this.#options = options;
  }

  /** The sequence program of one entry and the choices in it. */
  form(entry: EntryName, machine: Machine): Formed {
    const ofModel = entry === "forward" || entry === "step" || entry === "gradient";
    const step = ofModel ? this.#model : this.#step;
    const { form } = this.#options;
    if (form === "plain")
      return { program: this.#whole(entry, null, () => unroll(step)), choices: [] };
    // Elsewhere training and evaluation are staged alike, once.
    const outputs = entry === "train" && this.#options.train?.carry === true && countsLast(step);
    const staged = ofModel
      ? kept(this.#staged, "model", () => stage(step))
      : kept(this.#staged, `objective ${outputs}`, () => stageObjective(step, outputs));
    const options = { ...this.#options, machine };
    const choices = chooseForms(staged, USES[entry], options, this.#chooser);
    const lengths =
      form === "derived" ? (entry === "step" ? [] : null) : choices.map((c) => c.length);
    const program = this.#whole(entry, lengths, () => this.#chunked(staged, lengths));
    return { program, choices };
  }

  /** In chunks of these lengths, loop by loop; `null`: all in the length that was asked for. */
  #chunked(staged: SequenceProgram, lengths: readonly (number | null)[] | null): SequenceProgram {
    if (lengths?.every((l) => l === null) === true) return staged;
    const length = lengths === null ? (this.#options.chunk ?? CHUNK) : (at: number) => lengths[at]!;
    return chunk(staged, { length, elementwise: true }).program;
  }

  /** What an entry makes of a program over time. */
  #whole(
    entry: EntryName,
    lengths: readonly (number | null)[] | null,
    inTime: () => SequenceProgram,
  ): SequenceProgram {
    const key = [entry, ...(lengths ?? ["all"])].join(" ");
    return kept(this.#formed, key, () => simplifyProgram(this.#entry(entry, inTime())));
  }

  #entry(entry: EntryName, program: SequenceProgram): SequenceProgram {
    switch (entry) {
      case "forward":
      case "step":
        return program;
      case "gradient":
        return withGradients(program);
      case "train":
      case "evaluate": {
        const { train } = this.#options;
        if (train === undefined)
          throw new InternalError(`the entry ${entry} needs training settings`);
        const { carry, optimizer, clip } = train;
        if (entry === "evaluate") return evaluationProgram(program, { carry });
        const outputs = this.#step.outputs.filter((o) => !isObjective(o.name)).map((o) => o.name);
        return trainingProgram(program, { carry, optimizer, clip, outputs: carry ? outputs : [] });
      }
      default:
        return unreachable(entry);
    }
  }
}

/** What was made for a key before, or is made now. */
function kept<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}

/** The sequence program of one entry. `step` must have numbers for its sizes. */
export function entryProgram(
  step: StepProgram,
  entry: EntryName,
  { machine = SCALAR, ...options }: PipelineOptions,
): SequenceProgram {
  return new Former(step, options).form(entry, machine).program;
}

/** A step in the graphs that its entries are compiled from: right for every machine and precision. */
export interface Prepared {
  readonly step: StepProgram;
  readonly programs: ReadonlyMap<EntryName, SequenceProgram>;
  /** The same programs with cheaper ways to compute their products, as kernels want them. */
  readonly optimised: ReadonlyMap<EntryName, SequenceProgram>;
  readonly choices: ReadonlyMap<EntryName, readonly Choice[]>;
}

/**
 * Everything up to the kernels, for one machine after the other: those that forms of time are chosen for. For some of the
 * entries first, if they are wanted before the others.
 */
export function preparer(
  symbolic: StepProgram,
  values: SizeValues,
  options: Omit<PipelineOptions, "machine" | "precision">,
): (machine: Machine, entries?: readonly EntryName[]) => Prepared {
  const step = fixSizes(symbolic, values);
  const former = new Former(step, options);
  const cheaper = new Map<SequenceProgram, SequenceProgram>();
  return (machine, entries = options.entries) => {
    const programs = new Map<EntryName, SequenceProgram>();
    const optimised = new Map<EntryName, SequenceProgram>();
    const choices = new Map<EntryName, readonly Choice[]>();
    for (const name of entries) {
      const { program, choices: chosen } = former.form(name, machine);
      if (chosen.length > 0) choices.set(name, chosen);
      programs.set(name, program);
      optimised.set(
        name,
        kept(cheaper, program, () => optimiseProgram(program)),
      );
    }
    return { step, programs, optimised, choices };
  };
}

/** Everything up to the kernels. `machine` is the one that forms of time are chosen for. */
export function prepareStep(
  symbolic: StepProgram,
  values: SizeValues,
  { machine = SCALAR, ...options }: Omit<PipelineOptions, "precision">,
): Prepared {
  return preparer(symbolic, values, options)(machine);
}
