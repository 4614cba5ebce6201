/** Runs the lints on all that a file declares and that can be expanded with what it says. */
import { experimentTask, instantiateExperiment } from "../compiler/check/experiments.ts";
import type { Environment } from "../compiler/check/experiments.ts";
import { instantiate } from "../compiler/check/instantiate.ts";
import type { Project } from "../compiler/check/project.ts";
import { applyAllowances, lintCarried, lintStep } from "../compiler/lint/index.ts";
import type { StepProgram } from "../compiler/graph/ir.ts";
import { fixSizes, scheduleProblems } from "../compiler/pipeline.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Declaration, ExperimentDecl, LayerDecl, ModelDecl } from "../grammar/ast.ts";
import { numberSetting } from "./settings.ts";
import { openWidths } from "./widths.ts";

/** What a width without a value counts as. */
const NOMINAL = 64;

/** The same, for widths at which fewer forms are out of reach. */
const SMALL = 8;

/** What is wrong with the schedules of a step; with those that stay wrong where widths without a value are small. */
function lintSchedules(step: StepProgram, small: () => StepProgram | null): readonly Diagnostic[] {
  if (!step.states.some((s) => s.schedule !== undefined)) return [];
  const found = scheduleProblems(step);
  if (found.length === 0) return [];
  const other = small();
  return other === null ? found : scheduleProblems(other);
}

function lintDeclared(project: Project, decl: LayerDecl | ModelDecl): Diagnostic[] {
  const { names } = openWidths(project, decl, []);
  const stepFor = (width: number): StepProgram | null => {
    const settings = [...names.values()].map((name) => numberSetting(name, width));
    const made = instantiate(project, decl.name.text, settings);
    return "step" in made ? fixSizes(made.step, made.values) : null;
  };
  const step = stepFor(NOMINAL);
  // A layer that asks for a map or a layer cannot be expanded on its own: its callers are looked at instead.
  if (step === null) return [];
  const small = () => (names.size === 0 ? null : stepFor(SMALL));
  return [...lintStep(step), ...lintSchedules(step, small)];
}

/** Whether an experiment says anything about carrying states on. */
const mayCarry = (decl: ExperimentDecl): boolean =>
  decl.clauses.some(
    (c) => c.kind === "train-clause" && c.settings.some((s) => s.name.text === "carry"),
  );

function lintExperiment(project: Project, decl: ExperimentDecl, env: Environment): Diagnostic[] {
  const { task } = experimentTask(project, decl, [], env);
  const description = task === null ? null : env.task(task.settings, task.place);
  if (description === null) return [];
  const made = instantiateExperiment(project, decl, [], env, description);
  if (!("step" in made) || !made.train.carry) return [];
  return lintCarried(fixSizes(made.step, made.values), decl.name.text);
}

function lintDeclaration(
  project: Project,
  decl: Declaration,
  env: Environment | null,
): readonly Diagnostic[] {
  if (decl.kind === "layer" || decl.kind === "model") return lintDeclared(project, decl);
  const carries = decl.kind === "experiment" && env !== null && mayCarry(decl);
  return carries ? lintExperiment(project, decl, env) : [];
}

/** The warnings of a project without errors, one for each place, less those that the files allow. */
export function lintProject(project: Project, env: Environment | null): Diagnostic[] {
  const { main, modules } = project;
  const found = new Map<string, Diagnostic>();
  for (const decl of main.own.values()) {
    for (const d of lintDeclaration(project, decl, env)) {
      const key = `${d.code} ${d.place.file} ${d.place.range?.start}`;
      if (!found.has(key)) found.set(key, d);
    }
  }
  return applyAllowances([...found.values()], new Set([main, ...modules.values()]), main);
}
