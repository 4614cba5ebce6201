/** What `fwp explain` says of an experiment: its task, its loss, how it is trained, and its model as it trains it. */
import { dirname } from "node:path";
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { fixSizes, stageObjective } from "../../compiler/pipeline.ts";
import { InternalError } from "../../diagnostics/diagnostic.ts";
import type { ExperimentDecl } from "../../grammar/ast.ts";
import type { FieldSpec } from "../../runtime/format/program.ts";
import type { EvalSettings, TaskSettings, TrainSettings } from "../../runtime/format/training.ts";
import type { FormWish } from "../forms.ts";
import { openExperiment } from "../train/experiment.ts";
import { modelStep } from "../train/run.ts";
import { describeStep, type Explanation } from "./facts.ts";

export interface ExplainedExperiment {
  readonly kind: "experiment";
  readonly name: string;
  readonly doc: string | null;
  readonly task: TaskSettings;
  /** What a time step of the task has: `tokens`, `token[89]`. */
  readonly fields: readonly { readonly name: string; readonly axes: string }[];
  /** As the spec says it. */
  readonly loss: string;
  readonly train: TrainSettings;
  readonly evaluation: EvalSettings;
  /** With the settings of the experiment. */
  readonly model: Explanation;
}

const axesOf = ({ type, vocab, shape, nonzero }: FieldSpec): string => {
  const axes = type === "token" ? `token[${vocab}]` : `[${shape.join(", ")}]`;
  return nonzero === "last" ? `${axes} (0 but at the last step)` : axes;
};

/** @throws DiagnosticError with every problem of the experiment and its task. */
export async function explainExperiment(
  project: Project,
  decl: ExperimentDecl,
  settings: readonly Setting[],
  wish: FormWish,
): Promise<ExplainedExperiment> {
  const { main } = project;
  const open = await openExperiment(project, decl, settings, dirname(main.file));
  const { experiment, evaluation, task } = open;
  const loss = decl.clauses.find((c) => c.kind === "loss-clause")!;
  const { decl: model } = experiment.model;
  if (model.kind !== "layer" && model.kind !== "model") throw new InternalError("a model of no kind"); // prettier-ignore
  const { batch, time } = task.batch("train", 0, experiment.train.batch);
  return {
    kind: "experiment",
    name: decl.name.text,
    doc: decl.doc,
    task: experiment.task,
    fields: task.fields.map((f) => ({ name: f.name, axes: axesOf(f) })),
    loss: main.text.slice(loss.span.start, loss.span.end).replace(/^loss\s+/u, ""),
    train: experiment.train,
    evaluation,
    model: describeStep(
      project,
      model,
      {
        step: experiment.step,
        fixed: modelStep(open),
        assumed: {},
        warnings: experiment.diagnostics,
      },
      {
        wish,
        sizes: { batch, time },
        trained: stageObjective(fixSizes(experiment.step, experiment.values), experiment.train.carry), // prettier-ignore
      },
    ),
  };
}
