/** Experiments: the model of a task, its loss, and how it is trained. */
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { ExperimentDecl, Expr } from "../../grammar/ast.ts";
import type { EvalSettings, TaskSettings, TrainSettings } from "../../runtime/format/training.ts";
import { dim, showShape } from "../dims.ts";
import type { NodeId, StepProgram } from "../graph/ir.ts";
import type { SizeValues } from "../graph/concretize.ts";
import { LOSS, METRIC, WEIGHT } from "../graph/objective.ts";
import { asTensor, evaluate, wrongKind } from "./evaluate.ts";
import { asFloat } from "./broadcast.ts";
import { Frame } from "./frame.ts";
import {
  finishProgram,
  openStep,
  outputNodes,
  reachable,
  reportHoles,
  type NamedNode,
} from "./instantiate.ts";
import type { Project } from "./project.ts";
import { Session } from "./session.ts";
import type { Setting } from "./settings.ts";
import {
  clauseOf,
  guarded,
  readEval,
  readTask,
  readTrain,
  EVAL_SETTINGS,
  TRAIN_SETTINGS,
  type Environment,
  type ReadTask,
  type TaskDescription,
} from "./training.ts";
import type { CallableValue, TensorValue, Value } from "./values.ts";

export type { Environment, TaskDescription } from "./training.ts";

/** What an experiment comes to. */
export interface InstantiatedExperiment {
  /** The step of the model, with the outputs of an objective beside its own. */
  readonly step: StepProgram;
  readonly values: SizeValues;
  readonly model: CallableValue;
  /** Settings for the model alone, for `fwp build`. */
  readonly modelSettings: readonly Setting[];
  readonly task: TaskSettings;
  readonly train: TrainSettings;
  readonly evaluation: EvalSettings;
  readonly diagnostics: readonly Diagnostic[];
}

interface Overrides {
  readonly model: readonly Setting[];
  readonly task: readonly Setting[];
  readonly train: readonly Setting[];
  readonly eval: readonly Setting[];
}

/** Sorts settings by what they reach: `task.pairs`, `train.steps`, `eval.every`, `model.width`, `mixer.rule`, `steps`. */
function sortOverrides(
  settings: readonly Setting[],
  modelTakes: (name: string) => boolean,
): Overrides {
  const sorted = {
    model: [] as Setting[],
    task: [] as Setting[],
    train: [] as Setting[],
    eval: [] as Setting[],
  };
  for (const s of settings) {
    const [head, ...rest] = s.path as [string, ...string[]];
    if (rest.length > 0 && (head === "task" || head === "train" || head === "eval"))
      sorted[head].push(s);
    else if (rest.length > 0 && head === "model") sorted.model.push({ ...s, path: rest });
    else if (
      rest.length === 0 &&
      !modelTakes(head) &&
      (TRAIN_SETTINGS as readonly string[]).includes(head)
    )
      sorted.train.push(s);
    else if (
      rest.length === 0 &&
      !modelTakes(head) &&
      (EVAL_SETTINGS as readonly string[]).includes(head)
    )
      sorted.eval.push(s);
    else sorted.model.push(s);
  }
  return sorted;
}

interface Read {
  readonly session: Session;
  readonly frame: Frame;
  readonly model: CallableValue | null;
  readonly modelSettings: readonly Setting[];
  readonly task: ReadTask | null;
  readonly description: TaskDescription | null;
  readonly train: TrainSettings;
  readonly evaluation: EvalSettings;
  readonly computed: ReadonlyMap<string, Expr>;
}

/** Reads the clauses; `description` overrides what the environment says of the task (a module, loaded). */
function read(
  project: Project,
  decl: ExperimentDecl,
  settings: readonly Setting[],
  env: Environment | null,
  loaded: TaskDescription | null,
): Read {
  const session = new Session(decl.name.text);
  const frame = new Frame(session, project.main, "constant", decl.name.text);
  const modelClause = clauseOf(frame, decl.clauses, "model-clause");
  const taskClause = clauseOf(frame, decl.clauses, "task-clause");
  const lossClause = clauseOf(frame, decl.clauses, "loss-clause");
  const trainClause = clauseOf(frame, decl.clauses, "train-clause");
  const evalClause = clauseOf(frame, decl.clauses, "eval-clause");
  for (const [clause, name] of [
    [modelClause, "model"],
    [taskClause, "task"],
    [lossClause, "loss"],
  ] as const) {
    if (clause === null)
      frame.report("fwp5001", decl.name.span, { name: decl.name.text, clause: name });
  }
  const callee = modelClause && namedModel(project, modelClause.value);
  const overrides = sortOverrides(
    settings,
    (name) => callee?.decl.parameters.some((p) => p.name.text === name) ?? false,
  );
  const task =
    taskClause && readTask(frame, taskClause.value, overrides.task, env?.taskNames ?? []);
  const description =
    loaded ??
    (task && env ? guarded(frame, task.span, () => env.task(task.settings, task.place)) : null);
  frame.task = new Map(Object.entries(description?.provides ?? {}));
  const train = readTrain(frame, trainClause?.settings ?? [], overrides.train, env);
  const { settings: evaluation, computed } = readEval(
    frame,
    evalClause?.settings ?? [],
    overrides.eval,
  );
  const model = modelClause && readModel(frame, modelClause.value);
  return {
    session,
    frame,
    model,
    modelSettings: overrides.model,
    task,
    description,
    train,
    evaluation,
    computed,
  };
}

function namedModel(project: Project, expr: Expr): CallableValue | null {
  const callee = expr.kind === "call" ? expr.callee : expr;
  if (callee.kind !== "reference") return null;
  const found = new Frame(new Session("model"), project.main, "constant", "model").lookup(
    callee.name,
  );
  return found?.kind === "callable" ? found : null;
}

function readModel(frame: Frame, expr: Expr): CallableValue | null {
  const value = evaluate(frame, expr);
  if (value.kind === "callable" && (value.decl.kind === "model" || value.decl.kind === "layer"))
    return value;
  wrongKind(frame, "a model", value, expr.span);
  return null;
}

/** The fields of the task as inputs, those that the model takes checked against it. */
function bindFields(read: Read, decl: ExperimentDecl, root: Frame, loss: Frame): void {
  const { session, description, task } = read;
  if (description === null || task === null) return;
  const taskName = task.settings.kind === "named" ? task.settings.name : task.settings.path;
  const names = description.fields.map((f) => f.name).join(", ");
  const span = decl.clauses.find((c) => c.kind === "model-clause")?.span ?? decl.name.span;
  for (const input of session.inputs) {
    const field = description.fields.find((f) => f.name === input.name);
    if (field === undefined) {
      loss.report("fwp5005", span, { input: input.name, task: taskName, candidates: names });
      continue;
    }
    const vocab = input.vocab === null ? null : session.numeric(input.vocab);
    const sizes = input.shape.map((d) => session.numeric(d));
    const fits =
      (field.type === "token") === (input.dtype === "int") &&
      sizes.length === field.shape.length &&
      sizes.every((n, i) => n === null || n === field.shape[i]) &&
      (field.vocab === null || vocab === null || field.vocab <= vocab);
    if (!fits) {
      const expected =
        input.vocab === null
          ? showSizes(sizes, input.shape)
          : `token[${vocab ?? showShape([input.vocab])}]`;
      const found =
        field.type === "token" ? `token[${field.vocab}]` : `[${field.shape.join(", ")}]`;
      loss.report("fwp5006", span, { input: input.name, expected, found });
    }
  }
  for (const field of description.fields) {
    const given = root.inputs.get(field.name);
    const nonzero = field.nonzero === undefined ? {} : { nonzero: field.nonzero };
    if (given !== undefined) {
      loss.set(field.name, given);
      const at = session.inputs.findIndex((i) => i.name === field.name);
      if (at >= 0) session.inputs[at] = { ...session.inputs[at]!, ...nonzero };
    } else {
      const shape = field.shape.map((n) => dim(n));
      const dtype = field.type === "token" ? "int" : "float";
      const node = session.builder.input(`input:${field.name}`, shape, dtype);
      const vocab = field.vocab === null ? null : dim(field.vocab);
      session.inputs.push({ name: field.name, shape, dtype, vocab, ...nonzero, node });
      loss.set(field.name, { kind: "tensor", node, lead: 0, ...(vocab === null ? {} : { vocab }) });
    }
  }
}

const showSizes = (
  sizes: readonly (number | null)[],
  shape: Parameters<typeof showShape>[0],
): string => (sizes.every((n) => n !== null) ? `[${sizes.join(", ")}]` : showShape(shape));

/** One number per step, as a node. */
function perStep(frame: Frame, what: string, expr: Expr): NodeId | null {
  const value: Value = evaluate(frame, expr);
  const x: TensorValue | null = asTensor(frame, value, expr.span);
  if (x === null) return null;
  const shape = frame.shapeOf(x);
  if (shape.length > 0) {
    frame.report("fwp5007", expr.span, { what, found: showShape(shape) });
    return null;
  }
  return asFloat(frame, x.node);
}

function objective(read: Read, decl: ExperimentDecl, loss: Frame): NamedNode[] {
  const clause = decl.clauses.find((c) => c.kind === "loss-clause");
  const outputs: NamedNode[] = [];
  if (clause?.kind !== "loss-clause") return outputs;
  const node = perStep(loss, "the loss", clause.value);
  if (node !== null) outputs.push({ name: LOSS, node });
  if (clause.where !== null) {
    const weight = perStep(loss, "the condition", clause.where);
    if (weight !== null) outputs.push({ name: WEIGHT, node: weight });
  }
  for (const [name, expr] of read.computed) {
    const metric = perStep(loss, name, expr);
    if (metric !== null) outputs.push({ name: `${METRIC}${name}`, node: metric });
  }
  return outputs;
}

function expand(
  project: Project,
  decl: ExperimentDecl,
  read: Read,
  abstract: boolean,
): NamedNode[] | null {
  const { session, frame, model, modelSettings } = read;
  if (model === null) return null;
  const root = openStep(session, model, modelSettings, abstract, project.main, frame.task);
  if (session.failed) return null;
  // Sizes may hang on numbers of the task (`pairs: task.pairs`), which are not known yet.
  if (read.description !== null) reportHoles(session, root);
  const loss = new Frame(session, project.main, "loss", decl.name.text);
  for (const [name, value] of root.outputs) loss.set(name, value);
  if (read.description === null) return outputNodes(root);
  session.byValue = true;
  const own = new Set(session.inputs.map((i) => i.node));
  bindFields(read, decl, root, loss);
  const outputs = [...outputNodes(root), ...objective(read, decl, loss)];
  // Fields that nothing reads are not asked of the caller.
  const readFields = reachable(
    session,
    outputs.map((o) => o.node),
  );
  const kept = session.inputs.filter((i) => own.has(i.node) || readFields.has(i.node));
  session.inputs.splice(0, session.inputs.length, ...kept);
  return outputs;
}

export function checkExperiment(
  project: Project,
  decl: ExperimentDecl,
  env: Environment | null,
): readonly Diagnostic[] {
  return checkExperimentWith(project, decl, [], env);
}

/** The problems that an experiment has when some of its settings are changed. */
export function checkExperimentWith(
  project: Project,
  decl: ExperimentDecl,
  settings: readonly Setting[],
  env: Environment | null,
): readonly Diagnostic[] {
  const found = read(project, decl, settings, env, null);
  expand(project, decl, found, true);
  return found.session.diagnostics;
}

/** The task of an experiment, before it is loaded. */
export function experimentTask(
  project: Project,
  decl: ExperimentDecl,
  settings: readonly Setting[],
  env: Environment,
): { readonly task: ReadTask | null; readonly diagnostics: readonly Diagnostic[] } {
  const { task, session } = read(project, decl, settings, { ...env, task: () => null }, null);
  return { task, diagnostics: session.failed ? session.diagnostics : [] };
}

/** The program of an experiment, its task having been loaded. */
export function instantiateExperiment(
  project: Project,
  decl: ExperimentDecl,
  settings: readonly Setting[],
  env: Environment,
  description: TaskDescription,
): InstantiatedExperiment | { readonly diagnostics: readonly Diagnostic[] } {
  const found = read(project, decl, settings, env, description);
  const { session, model, task } = found;
  const outputs = session.failed ? null : expand(project, decl, found, false);
  if (session.failed || outputs === null || model === null || task === null)
    return { diagnostics: session.diagnostics };
  const step = finishProgram(session, decl.name.text, "model", outputs);
  return {
    step,
    values: (atom) => session.meaning(atom),
    model,
    modelSettings: found.modelSettings,
    task: task.settings,
    train: found.train,
    evaluation: found.evaluation,
    diagnostics: session.diagnostics,
  };
}
