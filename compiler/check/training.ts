/** The `task`, `train` and `eval` clauses of an experiment as plain settings. */
import { DiagnosticError, type Diagnostic, type Place } from "../../diagnostics/diagnostic.ts";
import type {
  BinaryExpr,
  ExperimentClause,
  Expr,
  Setting as Clause,
  Span,
} from "../../grammar/ast.ts";
import type {
  EvalSettings,
  Options,
  OptimizerSettings,
  OptionValue,
  ScheduleSettings,
  StopSettings,
  TaskSettings,
  TrainSettings,
} from "../../runtime/format/training.ts";
import { defaultEvalSettings, defaultTrainSettings } from "../../runtime/format/training.ts";
import type { FieldSpec } from "../../runtime/format/program.ts";
import type { Frame } from "./frame.ts";
import { optionValue, type Setting } from "./settings.ts";

/** What a task gives, as far as the checker needs it. */
export interface TaskDescription {
  readonly fields: readonly FieldSpec[];
  readonly provides: Readonly<Record<string, number>>;
}

/** What the runtime knows about tasks and training, handed in by who calls the checker. */
export interface Environment {
  readonly taskNames: readonly string[];
  /** Null: known only when the task is loaded. Throws DiagnosticError for bad options. */
  task(settings: TaskSettings, place: (option: string) => Place): TaskDescription | null;
  /** Throw DiagnosticError for unknown names and bad options. */
  optimizer(name: string, options: Options, place: (option: string) => Place): OptimizerSettings;
  schedule(name: string, options: Options, place: (option: string) => Place): ScheduleSettings;
}

/** Adds the problems of an outside check to the session; other faults go on. */
export function guarded<T>(frame: Frame, span: Span, work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const here: Place = { file: frame.module.file, range: { start: span.start, end: span.end } };
    const placed = error.diagnostics.map((d): Diagnostic =>
      d.place.range === null ? { ...d, place: here } : d,
    );
    frame.session.diagnostics.push(...placed);
    return null;
  }
}

interface NamedCall {
  readonly name: string;
  readonly options: Options;
  readonly place: (option: string) => Place;
}

/** `adamw(rate: 1e-3)` or `constant`: a name with options. */
function namedCall(frame: Frame, expr: Expr): NamedCall | null {
  const callee = expr.kind === "call" ? expr.callee : expr;
  if (callee.kind !== "reference" && callee.kind !== "string") {
    frame.report("fwp2201", expr.span, {
      expected: "a name, with options in parentheses",
      found: "something else",
    });
    return null;
  }
  const options: Record<string, OptionValue> = {};
  const spans = new Map<string, Span>();
  for (const arg of expr.kind === "call" ? expr.args : []) {
    if (arg.name === null) {
      frame.report("fwp2201", arg.span, {
        expected: "a named option such as `rate: 1e-3`",
        found: "a value without a name",
      });
      continue;
    }
    if (arg.name.text in options) frame.report("fwp5002", arg.name.span, { clause: arg.name.text });
    const value = optionValue(frame, arg.value);
    if (value !== null) options[arg.name.text] = value.value;
    spans.set(arg.name.text, arg.span);
  }
  const place = (option: string): Place => {
    const { start, end } = spans.get(option) ?? expr.span;
    return { file: frame.module.file, range: { start, end } };
  };
  return { name: callee.kind === "reference" ? callee.name : callee.value, options, place };
}

export interface ReadTask {
  readonly settings: TaskSettings;
  readonly place: (option: string) => Place;
  readonly span: Span;
}

/** The task clause with overrides (`task.pairs=20`) applied; null after a report. */
export function readTask(
  frame: Frame,
  clause: Expr,
  overrides: readonly Setting[],
  names: readonly string[],
): ReadTask | null {
  const call = namedCall(frame, clause);
  if (call === null) return null;
  const options: Record<string, OptionValue> = { ...call.options };
  for (const { path, value } of overrides) {
    const given = optionValue(frame, value);
    if (given !== null) options[path.slice(1).join(".")] = given.value;
  }
  const callee = clause.kind === "call" ? clause.callee : clause;
  if (callee.kind === "string") {
    return {
      settings: { kind: "module", path: call.name, options },
      place: call.place,
      span: clause.span,
    };
  }
  if (names.length > 0 && !names.includes(call.name)) {
    frame.report("fwp5004", callee.span, { name: call.name, candidates: names.join(", ") });
    return null;
  }
  return {
    settings: { kind: "named", name: call.name, options },
    place: call.place,
    span: clause.span,
  };
}

/** Settings of a block with overrides after them; each name once. */
function entries(
  frame: Frame,
  block: string,
  settings: readonly Clause[],
  overrides: readonly Setting[],
  known: readonly string[],
): Map<string, Expr> {
  const found = new Map<string, Expr>();
  for (const s of settings) {
    if (found.has(s.name.text)) frame.report("fwp5002", s.name.span, { clause: s.name.text });
    if (known.includes(s.name.text)) found.set(s.name.text, s.value);
    else
      frame.report("fwp5003", s.name.span, {
        block,
        name: s.name.text,
        candidates: known.join(", "),
      });
  }
  for (const { path, value } of overrides) found.set(path.at(-1)!, value);
  return found;
}

export const TRAIN_SETTINGS = [
  "optimizer",
  "schedule",
  "batch",
  "steps",
  "clip",
  "seed",
  "carry",
  "checkpoint",
] as const;
export const EVAL_SETTINGS = ["every", "batches", "metrics", "stop"] as const;

/** A whole number of at least `least`; null where `none` is allowed and given. */
function whole(
  frame: Frame,
  name: string,
  expr: Expr,
  least: number,
  none: boolean,
): number | null | undefined {
  const given = optionValue(frame, expr);
  if (given === null) return undefined;
  const { value } = given;
  if (value === null && none) return null;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  frame.report("fwp2205", expr.span, {
    what: name,
    expected: `a whole number, ${least} or more${none ? ", or none" : ""}`,
    found: JSON.stringify(value),
  });
  return undefined;
}

export function readTrain(
  frame: Frame,
  settings: readonly Clause[],
  overrides: readonly Setting[],
  env: Environment | null,
): TrainSettings {
  const given = entries(frame, "train", settings, overrides, TRAIN_SETTINGS);
  const result: { -readonly [K in keyof TrainSettings]: TrainSettings[K] } = {
    ...defaultTrainSettings,
  };
  for (const [name, expr] of given) {
    switch (name) {
      case "optimizer":
      case "schedule": {
        const call = namedCall(frame, expr);
        if (call === null || env === null) break;
        if (name === "optimizer") {
          result.optimizer =
            guarded(frame, expr.span, () => env.optimizer(call.name, call.options, call.place)) ??
            result.optimizer;
        } else {
          result.schedule =
            guarded(frame, expr.span, () => env.schedule(call.name, call.options, call.place)) ??
            result.schedule;
        }
        break;
      }
      case "batch":
      case "steps":
        result[name] = whole(frame, name, expr, 1, false) ?? result[name];
        break;
      case "seed":
        result.seed = whole(frame, name, expr, 0, false) ?? result.seed;
        break;
      case "checkpoint": {
        const value = whole(frame, name, expr, 1, true);
        if (value !== undefined) result.checkpoint = value;
        break;
      }
      case "clip": {
        const value = optionValue(frame, expr);
        if (value === null) break;
        if (value.value === null || (typeof value.value === "number" && value.value > 0))
          result.clip = value.value;
        else
          frame.report("fwp2205", expr.span, {
            what: name,
            expected: "a number above 0, or none",
            found: JSON.stringify(value.value),
          });
        break;
      }
      case "carry": {
        const value = optionValue(frame, expr);
        if (value === null) break;
        if (typeof value.value === "boolean") result.carry = value.value;
        else
          frame.report("fwp2205", expr.span, {
            what: name,
            expected: "true or false",
            found: JSON.stringify(value.value),
          });
        break;
      }
    }
  }
  return result;
}

export interface ReadEval {
  readonly settings: EvalSettings;
  /** Metrics that are expressions, by name. */
  readonly computed: ReadonlyMap<string, Expr>;
}

export function readEval(
  frame: Frame,
  settings: readonly Clause[],
  overrides: readonly Setting[],
): ReadEval {
  const given = entries(frame, "eval", settings, overrides, EVAL_SETTINGS);
  const result: { -readonly [K in keyof EvalSettings]: EvalSettings[K] } = {
    ...defaultEvalSettings,
  };
  const computed = new Map<string, Expr>();
  for (const [name, expr] of given) {
    if (name === "every") result.every = whole(frame, name, expr, 0, false) ?? result.every;
    else if (name === "batches") {
      const value = whole(frame, name, expr, 1, true);
      if (value !== undefined) result.batches = value;
    } else if (name === "metrics") result.metrics = readMetrics(frame, expr, computed);
    else if (name === "stop") result.stop = readStop(frame, expr);
  }
  return { settings: result, computed };
}

/** Names of what is measured anyway (`loss`), and expressions such as `accuracy(logits, next(tokens))`. */
function readMetrics(frame: Frame, expr: Expr, computed: Map<string, Expr>): string[] {
  const items = expr.kind === "list" ? expr.items : [expr];
  return items.flatMap((item): string[] => {
    if (item.kind === "reference") return [item.name];
    if (item.kind === "call" && item.callee.kind === "reference") {
      const { name } = item.callee;
      if (computed.has(name)) frame.report("fwp5002", item.span, { clause: name });
      computed.set(name, item);
      return [`metric.${name}`];
    }
    frame.report("fwp2201", item.span, {
      expected: "the name of a metric, or a call such as accuracy(logits, next(tokens))",
      found: "another expression",
    });
    return [];
  });
}

/** `loss < 0.001`, `accuracy >= 0.95`, `patience(loss, 10)`, or several of one metric joined by `or`. */
function readStop(frame: Frame, expr: Expr): StopSettings | null {
  if (expr.kind === "reference" && expr.name === "none") return null;
  const parts = alternatives(expr).map((part) => readCondition(frame, part));
  let whole: StopSettings | null = null;
  for (const part of parts) {
    if (part === null) return null;
    const joined: StopSettings | null = whole === null ? part : join(whole, part);
    if (joined === null) {
      frame.report("fwp2201", expr.span, {
        expected:
          "at most one lower limit, one upper limit and one patience, all of the same metric",
        found: "conditions that cannot be joined",
      });
      return null;
    }
    whole = joined;
  }
  return whole;
}

const alternatives = (expr: Expr): Expr[] =>
  expr.kind === "binary" && expr.operator === "or"
    ? [...alternatives(expr.left), ...alternatives(expr.right)]
    : [expr];

/** Stops when one of the two would; null where one record cannot say that. */
function join(a: StopSettings, b: StopSettings): StopSettings | null {
  const twice = (["below", "above", "patience"] as const).some(
    (k) => a[k] !== null && b[k] !== null,
  );
  if (twice || a.metric !== b.metric) return null;
  return {
    metric: a.metric,
    below: a.below ?? b.below,
    above: a.above ?? b.above,
    patience: a.patience ?? b.patience,
  };
}

function readCondition(frame: Frame, expr: Expr): StopSettings | null {
  const fail = (): null => {
    frame.report("fwp2201", expr.span, {
      expected: "a condition such as `loss < 0.001` or `patience(loss, 10)`",
      found: "another expression",
    });
    return null;
  };
  if (expr.kind === "call" && expr.callee.kind === "reference" && expr.callee.name === "patience") {
    const [metric, count] = expr.args;
    if (metric?.value.kind !== "reference" || count === undefined) return fail();
    const patience = whole(frame, "patience", count.value, 1, false);
    return patience == null
      ? null
      : { metric: metric.value.name, below: null, above: null, patience };
  }
  if (expr.kind !== "binary" || expr.left.kind !== "reference") return fail();
  const limit = optionValue(frame, expr.right);
  if (limit === null || typeof limit.value !== "number") return limit === null ? null : fail();
  return bound(expr, expr.left.name, limit.value) ?? fail();
}

function bound(expr: BinaryExpr, metric: string, limit: number): StopSettings | null {
  switch (expr.operator) {
    case "<":
    case "<=":
      return { metric, below: limit, above: null, patience: null };
    case ">":
    case ">=":
      return { metric, below: null, above: limit, patience: null };
    default:
      return null;
  }
}

export function clauseOf<K extends ExperimentClause["kind"]>(
  frame: Frame,
  clauses: readonly ExperimentClause[],
  kind: K,
): Extract<ExperimentClause, { kind: K }> | null {
  const found = clauses.filter((c): c is Extract<ExperimentClause, { kind: K }> => c.kind === kind);
  const [first, second] = found;
  if (second !== undefined)
    frame.report("fwp5002", second.span, { clause: kind.replace("-clause", "") });
  return first ?? null;
}
