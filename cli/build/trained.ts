/** Models of experiments and of runs. Loaded only when one is built: it takes all that training does. */
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import type { ExperimentDecl } from "../../grammar/ast.ts";
import type { Bundle } from "../train/bundle.ts";
import { openExperiment } from "../train/experiment.ts";
import { modelStep, runExperiment, type OpenRun } from "../train/run.ts";
import { docOf, type Built } from "./source.ts";

export { checkpointParameters, openRun } from "../train/run.ts";

/** The model of an experiment in a folder. */
export async function fromExperiment(
  project: Project,
  decl: ExperimentDecl,
  settings: readonly Setting[],
  folder: string,
  bundle: Bundle,
): Promise<Built> {
  const open = await openExperiment(project, decl, settings, folder);
  const step = modelStep(open);
  const alphabet = open.task.text?.alphabet ?? null;
  return { step, doc: docOf(project, step.name), bundle, alphabet, warnings: open.warnings };
}

/** The model that a run trained. */
export function fromRun(run: OpenRun, settings: readonly string[]): Built {
  const open = runExperiment(run, settings);
  const step = modelStep(open);
  const { bundle } = run.source;
  const { alphabet } = run.checkpoint.record;
  return { step, doc: docOf(run.project, step.name), bundle, alphabet, warnings: open.warnings };
}
