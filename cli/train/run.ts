/** A run on disk: a checkpoint together with all that it takes to compile its program again. */
import { createHash } from "node:crypto";
import { dirname, relative, resolve } from "node:path";
import type { TaskDescription } from "../../compiler/check/experiments.ts";
import type { Project } from "../../compiler/check/project.ts";
import type { SizeValues } from "../../compiler/graph/concretize.ts";
import { reachable } from "../../compiler/graph/rebuild.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { fixSizes, modelOf } from "../../compiler/pipeline.ts";
import type { Data, Program } from "../../runtime/device/program.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { Instances, parameterMemory } from "../../runtime/instances.ts";
import { matchParameters } from "../../runtime/parameters/match.ts";
import { type Checkpoint, hasCheckpoint, loadCheckpoint } from "../../runtime/train/checkpoint.ts";
import type { Task } from "../../runtime/tasks/task.ts";
import { UsageError } from "../exit.ts";
import { asksForForm, type FormFlags, type FormWish } from "../forms.ts";
import { specsFolder } from "../install.ts";
import { parseSettings } from "../settings.ts";
import { type Bundle, bundleHost, bundleOf } from "./bundle.ts";
import { trainProblem } from "./catalogue.ts";
import {
  instantiateWith,
  openExperiment,
  type OpenExperiment,
  chooseExperiment,
  soundText,
} from "./experiment.ts";

/** What `fwp train` keeps beside the numbers. */
export interface RunSource {
  readonly bundle: Bundle;
  readonly experiment: string;
  /** As given by `--set`. */
  readonly settings: readonly string[];
  /** As asked for by `--form` and `--chunk`; nothing in runs of older versions. */
  readonly form?: FormWish;
  /** Folder of the spec, seen from the folder of the run. */
  readonly home: string;
  readonly description: TaskDescription;
}

/** The notes of a checkpoint. */
export function notesOf(
  project: Project,
  experiment: string,
  settings: readonly string[],
  form: FormWish,
  task: Task,
  directory: string,
): Readonly<Record<string, string>> {
  const { fields, provides } = task;
  const source: RunSource = {
    bundle: bundleOf(project, specsFolder()),
    experiment,
    settings,
    form,
    home: relative(resolve(directory), resolve(dirname(project.main.file))),
    description: { fields, provides },
  };
  return { source: JSON.stringify(source) };
}

/** A digest of what a step computes. Comments and names of files do not count. */
export function digestOf(step: StepProgram, values: SizeValues): string {
  const text = JSON.stringify(fixSizes(step, values), (key, value: unknown) =>
    key === "origin" ? undefined : value,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

export interface OpenRun {
  readonly directory: string;
  readonly checkpoint: Checkpoint;
  readonly source: RunSource;
  readonly project: Project;
}

/** @throws DiagnosticError fwp8201 */
function sourceOf(directory: string, { record }: Checkpoint): RunSource {
  const text = record.notes["source"];
  if (text === undefined) throw withoutSource(directory, "the note `source` is missing");
  try {
    return JSON.parse(text) as RunSource;
  } catch {
    throw withoutSource(directory, "the note `source` is not JSON");
  }
}

const withoutSource = (path: string, reason: string) =>
  trainProblem("fwp8201", path, { path, reason });

/** @throws DiagnosticError fwp8201, and those of reading a checkpoint. */
export function openRun(directory: string): OpenRun {
  const checkpoint = loadCheckpoint(directory);
  const source = sourceOf(directory, checkpoint);
  const main = source.bundle?.files?.[source.bundle.main];
  if (main === undefined || !Array.isArray(source.settings))
    throw withoutSource(directory, "it is incomplete");
  const project = soundText(source.bundle.main, main, bundleHost(source.bundle));
  return { directory, checkpoint, source, project };
}

/**
 * The form that a run goes on in: that in which it was started, since another one rounds in another way.
 * @throws UsageError if flags ask for another; DiagnosticError of reading a checkpoint.
 */
export function resumedForm(directory: string, flags: FormFlags, asked: FormWish): FormWish {
  if (!hasCheckpoint(directory)) return asked;
  const { form = { form: "auto" } } = sourceOf(directory, loadCheckpoint(directory));
  if (!asksForForm(flags) || (form.form === asked.form && form.chunk === asked.chunk)) return form;
  const chunk = form.chunk === undefined ? "" : ` --chunk ${form.chunk}`;
  throw new UsageError(`the run was started with --form ${form.form}${chunk}; leave the flags out`);
}

/** The experiment of a run without its task's data: enough for its model. */
export function runExperiment(run: OpenRun, more: readonly string[] = []): OpenExperiment {
  const { project, source } = run;
  const settings = parseSettings([...source.settings, ...more]);
  return instantiateWith(
    project,
    chooseExperiment(project, source.experiment),
    settings,
    source.description,
  );
}

/** The experiment of a run with its task; `more` settings come after those of the training. */
export function runTask(run: OpenRun, more: readonly string[] = []) {
  const { project, source } = run;
  const settings = parseSettings([...source.settings, ...more]);
  const home = resolve(run.directory, source.home);
  return openExperiment(project, chooseExperiment(project, source.experiment), settings, home);
}

/** The model of an experiment, without loss and metrics, under the model's own name. */
export function modelStep({ experiment }: OpenExperiment): StepProgram {
  const step = modelOf(fixSizes(experiment.step, experiment.values));
  const roots = [...step.outputs.map((o) => o.node), ...step.states.map((s) => s.next)];
  const read = new Set(reachable(step.body, roots).map((n) => n.id));
  // Fields of the task that only the loss reads are no inputs of the model.
  const inputs = step.inputs.filter((input) => read.has(input.node));
  return { ...step, name: experiment.model.decl.name.text, inputs };
}

/** The parameters of a program as a checkpoint has them. @throws DiagnosticError as `matchParameters`. */
export function checkpointParameters(
  manifest: Pick<ProgramManifest, "parameters">,
  { checkpoint, directory }: Pick<OpenRun, "checkpoint" | "directory">,
): ReadonlyMap<string, Data> {
  // A model may lack parameters of its experiment: those that only the loss reads.
  const names = new Set(manifest.parameters.map((p) => p.name));
  const tensors = new Map([...checkpoint.tensors].filter(([name]) => names.has(name)));
  return matchParameters(manifest, tensors, directory);
}

export function checkpointInstances(program: Program, run: OpenRun): Instances {
  const { manifest } = program;
  return new Instances(
    program,
    parameterMemory(manifest, checkpointParameters(manifest, run), program.allocate),
  );
}
