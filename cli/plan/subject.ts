/** What a plan or a profile is of: an entry of an experiment, a layer or a model, compiled for a device. */
import { dirname } from "node:path";
import { USUAL } from "../../compiler/choose/index.ts";
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import type { SizeValues } from "../../compiler/graph/concretize.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { compileStep, type Compiled, type EntryName } from "../../compiler/pipeline.ts";
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { InternalError } from "../../diagnostics/diagnostic.ts";
import type { ExperimentDecl, LayerDecl, ModelDecl } from "../../grammar/ast.ts";
import type { Sizes } from "../../runtime/format/program.ts";
import type { TrainSettings } from "../../runtime/format/training.ts";
import type { Batch } from "../../runtime/tasks/task.ts";
import type { Device } from "../devices.ts";
import { UsageError } from "../exit.ts";
import type { FormWish } from "../forms.ts";
import { instantiateStep } from "../project.ts";
import { openExperiment } from "../train/experiment.ts";
import { machineOf, type Target } from "../targets.ts";
import { targetOf } from "./target.ts";

const ENTRIES = ["train", "evaluate", "forward", "gradient", "step"] as const;
export const entryNames = ENTRIES.join(", ");

export interface SubjectOptions {
  readonly settings: readonly Setting[];
  readonly wish: FormWish;
  readonly device: Device;
  /** `train` of experiments, `gradient` of layers and models by default. */
  readonly entry?: string;
  readonly batch?: number;
  readonly time?: number;
}

export interface Subject {
  readonly name: string;
  readonly device: Target;
  readonly sizes: Sizes;
  readonly compiled: Compiled;
  readonly entry: CompiledEntry;
  readonly train: TrainSettings | null;
  /** Of the task, for an experiment. */
  readonly batch: Batch | null;
}

function entryOf(name: string, trains: boolean): EntryName {
  const found = ENTRIES.find((e) => e === name);
  if (found === undefined) throw new UsageError(`there is no entry ${name}; there are: ${entryNames}`); // prettier-ignore
  if (!trains && (found === "train" || found === "evaluate")) {
    throw new UsageError(`--entry ${found} needs an experiment`);
  }
  return found;
}

/** Batch and length that an entry usually runs at. */
const usual = (entry: EntryName): { readonly batch: number; readonly time: number } =>
  entry === "step" ? USUAL.streaming : entry === "forward" ? USUAL.prefill : USUAL.training;

/** @throws DiagnosticError with every problem of the spec, UsageError for an entry that there is not. */
export async function openSubject(
  project: Project,
  decl: LayerDecl | ModelDecl | ExperimentDecl,
  options: SubjectOptions,
): Promise<Subject> {
  const { settings, wish } = options;
  const device = targetOf(options.device);
  const machine = machineOf(device);
  const trains = decl.kind === "experiment";
  const entry = entryOf(options.entry ?? (trains ? "train" : "gradient"), trains);
  const make = (
    step: StepProgram,
    values: SizeValues,
    { batch, time }: { readonly batch: number; readonly time: number },
    train: TrainSettings | null,
    data: Batch | null,
  ): Subject => {
    const sizes = { batch, time };
    const more = train === null ? {} : { train };
    const compiled = compileStep(step, values, { entries: [entry], machine, sizes, ...wish, ...more }); // prettier-ignore
    const [found] = compiled.entries;
    if (found === undefined) throw new InternalError(`${entry} was not compiled`);
    const name = decl.name.text;
    return { name, device, sizes: { ...sizes, past: 0 }, compiled, entry: found, train, batch: data }; // prettier-ignore
  };
  const asked = (own: { readonly batch: number; readonly time: number }) => ({
    batch: options.batch ?? own.batch,
    time: options.time ?? own.time,
  });
  if (decl.kind !== "experiment") {
    const { step, values } = instantiateStep(project, decl.name.text, settings);
    return make(step, values, asked(usual(entry)), null, null);
  }
  const { experiment, task } = await openExperiment(project, decl, settings, dirname(project.main.file)); // prettier-ignore
  const { step, values, train } = experiment;
  if (entry !== "train" && entry !== "evaluate") {
    return make(step, values, asked(usual(entry)), train, null);
  }
  if (options.time !== undefined) {
    throw new UsageError(`the task says how long the sequences of --entry ${entry} are: --set task.length=${options.time}`); // prettier-ignore
  }
  const data = task.batch("train", 0, options.batch ?? train.batch);
  return make(step, values, data, train, data);
}
