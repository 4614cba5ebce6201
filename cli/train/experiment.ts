/** From a spec to an experiment with its task loaded: what training, evaluation and building start from. */
import {
  experimentTask,
  instantiateExperiment,
  type InstantiatedExperiment,
  type TaskDescription,
} from "../../compiler/check/experiments.ts";
import { loadProject, type Host, type Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { type Diagnostic, InternalError } from "../../diagnostics/diagnostic.ts";
import type { ExperimentDecl } from "../../grammar/ast.ts";
import { metricName } from "../../runtime/evaluate.ts";
import type { EvalSettings, TaskSettings } from "../../runtime/format/training.ts";
import { makeTask, type TaskLoading } from "../../runtime/tasks/registry.ts";
import type { Task } from "../../runtime/tasks/task.ts";
import { environment } from "../environment.ts";
import { chooseDeclaration, throwErrors } from "../project.ts";

/** A spec that is no file, free of errors of syntax. @throws DiagnosticError */
export function soundText(file: string, text: string, host: Host): Project {
  const project = loadProject(file, text, host);
  throwErrors(project.diagnostics);
  return project;
}

/** The experiment of that name, or the only one. @throws DiagnosticError fwp8001–fwp8003. */
export const chooseExperiment = (project: Project, name: string | undefined): ExperimentDecl =>
  chooseDeclaration(project, ["experiment"], name, "--experiment NAME");

export interface OpenExperiment {
  readonly name: string;
  readonly experiment: InstantiatedExperiment;
  /** With metrics by the names that users know them by. */
  readonly evaluation: EvalSettings;
  readonly warnings: readonly Diagnostic[];
}

/** An experiment whose task is described but not loaded. @throws DiagnosticError with every problem of the spec. */
export function instantiateWith(
  project: Project,
  decl: ExperimentDecl,
  settings: readonly Setting[],
  description: TaskDescription,
): OpenExperiment {
  const found = instantiateExperiment(project, decl, settings, environment("."), description);
  throwErrors(found.diagnostics);
  if (!("step" in found)) throw new InternalError(`${decl.name.text} was not instantiated`);
  const { evaluation, diagnostics } = found;
  const stop = evaluation.stop && {
    ...evaluation.stop,
    metric: metricName(evaluation.stop.metric),
  };
  return {
    name: decl.name.text,
    experiment: found,
    evaluation: { ...evaluation, metrics: evaluation.metrics.map(metricName), stop },
    warnings: diagnostics,
  };
}

/** Loads a task; a module in TypeScript is transpiled. */
async function loadTask(settings: TaskSettings, loading: TaskLoading): Promise<Task> {
  if (settings.kind === "named" || !/\.[cm]?ts$/.test(settings.path)) {
    return makeTask(settings, loading);
  }
  const { ts } = await import("ts-morph");
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const transpile = (source: string, fileName: string) =>
    ts.transpileModule(source, { fileName, compilerOptions }).outputText;
  return makeTask(settings, { ...loading, transpile });
}

/**
 * An experiment and its task. Relative paths in the task start at `directory`.
 * @throws DiagnosticError with every problem of the spec, and those of the task.
 */
export async function openExperiment(
  project: Project,
  decl: ExperimentDecl,
  settings: readonly Setting[],
  directory: string,
): Promise<OpenExperiment & { readonly task: Task }> {
  const read = experimentTask(project, decl, settings, environment(directory));
  throwErrors(read.diagnostics);
  if (read.task === null) throw new InternalError(`${decl.name.text} has no task`);
  const { settings: taskSettings, place } = read.task;
  const load = (seed: number) => loadTask(taskSettings, { directory, seed, place });
  // The seed stands in the settings of the training, which can only be read once the task is known.
  const guess = 1;
  const first = await load(guess);
  const open = instantiateWith(project, decl, settings, first);
  const { seed } = open.experiment.train;
  return { ...open, task: seed === guess ? first : await load(seed) };
}
