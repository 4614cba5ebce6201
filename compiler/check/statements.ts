/** Statements, run in order over one step. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type {
  BindStatement,
  ConstStatement,
  OutStatement,
  RepeatStatement,
  Span,
  Statement,
  WeightStatement,
  WriteStatement,
} from "../../grammar/ast.ts";
import { showShape, type Shape } from "../dims.ts";
import { asFloat } from "./broadcast.ts";
import { relabel } from "./calls.ts";
import { shapeOf } from "./dimensions.ts";
import { asTensor, evaluate, iterations, wrongKind } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { boundNames } from "./layers.ts";
import { asCount, numberValue } from "./numbers.ts";
import { runSchedule } from "./schedules.ts";
import { bindInput, declareState, writeState } from "./states.ts";
import { ERROR, type TensorValue, type Value } from "./values.ts";
import { makeParameter } from "./weights.ts";

/** Runs statements. `place` names where they stand, for messages: "a layer", "the program block". */
export function runStatements(frame: Frame, statements: readonly Statement[], place: string): void {
  for (const statement of statements) run(frame, statement, place);
}

const ALLOWED: Readonly<Record<Statement["kind"], readonly Frame["kind"][]>> = {
  in: ["layer", "model"],
  out: ["layer", "model"],
  bind: ["map", "instruction", "layer", "model"],
  write: ["instruction", "layer", "model"],
  function: ["map", "instruction", "layer", "model"],
  weight: ["layer", "model"],
  const: ["map", "instruction", "layer", "model"],
  block: ["layer", "model"],
  repeat: ["map", "instruction", "layer", "model"],
  over: ["model"],
  schedule: ["layer", "model"],
};

const NAMES: Readonly<Record<Statement["kind"], string>> = {
  in: "an input",
  out: "an output",
  bind: "a binding",
  write: "a write",
  function: "a local function",
  weight: "a weight",
  const: "a constant",
  block: "a block",
  repeat: "a repeat",
  over: "an over block",
  schedule: "a schedule",
};

function run(frame: Frame, statement: Statement, place: string): void {
  const fastNet = place === "the fast net";
  const inBlock = fastNet || place === "the slow net" || place === "the program block";
  const misplaced =
    !ALLOWED[statement.kind].includes(frame.kind) ||
    (inBlock && ["in", "out", "block", "over", "schedule"].includes(statement.kind)) ||
    (fastNet && statement.kind === "repeat");
  if (misplaced) {
    frame.report("fwp4005", statement.span, { statement: NAMES[statement.kind], place });
    for (const name of boundNames([statement])) frame.set(name, ERROR);
    return;
  }
  switch (statement.kind) {
    case "in":
      return bindInput(frame, statement);
    case "out":
      return runOut(frame, statement);
    case "bind":
      return fastNet ? declareState(frame, statement) : runBind(frame, statement);
    case "write":
      return runWrite(frame, statement, place);
    case "function":
      return frame.set(statement.name.text, {
        kind: "local",
        fn: statement,
        scope: frame,
      });
    case "weight":
      return runWeight(frame, statement);
    case "const":
      return runConst(frame, statement);
    case "block": {
      const role = { slow: "the slow net", fast: "the fast net", program: "the program block" }[
        statement.role
      ];
      const was = frame.session.inProgram;
      frame.session.inProgram = statement.role === "program";
      runStatements(frame, statement.body, role);
      frame.session.inProgram = was;
      return;
    }
    case "repeat":
      return runRepeat(frame, statement, place);
    case "over":
      return frame.report("fwp4012", statement.span, { what: "`over`" });
    case "schedule":
      return runSchedule(frame, statement);
    default:
      return unreachable(statement);
  }
}

/** Evaluates with weights named after `label`; the value gets the name, what is computed on the way is part of it. */
export function labelled(frame: Frame, label: string, span: Span, work: () => Value): Value {
  const { session, builder } = frame;
  const [wasLabel, wasOrigin] = [session.label, builder.origin];
  session.label = label;
  const origin = session.at(label, frame.module.file, span);
  builder.origin = { ...origin, part: true };
  try {
    const value = work();
    if (value.kind === "tensor") builder.label(value.node, origin);
    return value;
  } finally {
    session.label = wasLabel;
    builder.origin = wasOrigin;
  }
}

/** Checks a value against the shape declared for a name; gives it under the declared sizes. */
function annotated(
  frame: Frame,
  name: string,
  declared: Shape | null,
  value: Value,
  span: Span,
): Value {
  if (value.kind === "number" && declared !== null) {
    const tensor = asTensor(frame, value, span)!;
    return declared.length === 0 ? tensor : mismatch(frame, name, declared, tensor, span);
  }
  if (value.kind !== "tensor") {
    if (declared !== null && value.kind !== "unknown" && value.kind !== "error")
      wrongKind(frame, "a signal", value, span);
    return value;
  }
  const found = frame.shapeOf(value);
  const lead = Math.min(value.lead, found.length);
  if (declared === null) return value;
  if (!frame.session.unifyShapes(declared, found.slice(lead)))
    return mismatch(frame, name, declared, value, span);
  return { ...value, node: relabel(frame, value, [...found.slice(0, lead), ...declared]) };
}

function mismatch(
  frame: Frame,
  name: string,
  declared: Shape,
  value: TensorValue,
  span: Span,
): Value {
  const expected = showShape(frame.session.resolveShape(declared));
  frame.report("fwp3003", span, { name, expected, found: showShape(frame.shapeOf(value)) });
  return ERROR;
}

/**
 * A value whose shape could not be worked out in this pass. The annotation, if there is one, stands in for it, so that
 * what follows can be learned; the body is run again.
 */
function settled(
  frame: Frame,
  name: string,
  declared: Shape | null,
  value: Value,
  span: Span,
): Value {
  if (value.kind !== "unknown") return value;
  frame.root.pending.push({ what: name, span });
  return declared === null ? value : frame.tensor(frame.builder.fill(0, declared));
}

function learn(frame: Frame, name: string, value: Value): void {
  if (value.kind === "tensor") frame.root.shapes.set(name, frame.shapeOf(value));
}

function runBind(frame: Frame, statement: BindStatement): void {
  const { targets, value: expr } = statement;
  const shapes = targets.map((t) =>
    t.shape === null ? null : shapeOf(frame, t.shape, { hole: () => frame.session.hole() }),
  );
  for (const t of targets) {
    if (frame.root.states.has(t.name.text)) {
      frame.report("fwp4004", t.name.span, { name: t.name.text });
      return;
    }
  }
  const [first] = targets;
  if (targets.length === 1) {
    const name = first!.name.text;
    const expected = shapes[0] ?? null;
    const lead = frame.lead === 0 ? expected : null;
    const raw = labelled(frame, name, statement.span, () => evaluate(frame, expr, lead));
    const value = annotated(
      frame,
      name,
      expected,
      settled(frame, name, expected, raw, expr.span),
      expr.span,
    );
    learn(frame, name, value);
    frame.assign(name, value);
    return;
  }
  const value = labelled(frame, first!.name.text, statement.span, () => evaluate(frame, expr));
  if (value.kind === "error" || value.kind === "unknown") {
    if (value.kind === "unknown")
      frame.root.pending.push({ what: first!.name.text, span: expr.span });
    for (const t of targets) frame.assign(t.name.text, value);
    return;
  }
  const items = value.kind === "tuple" || value.kind === "list" ? value.items : [value];
  if (items.length !== targets.length) {
    frame.report("fwp3014", statement.span, { names: targets.length, values: items.length });
  }
  targets.forEach((t, i) => {
    const item = annotated(frame, t.name.text, shapes[i] ?? null, items[i] ?? ERROR, expr.span);
    if (item.kind === "tensor") {
      frame.builder.label(item.node, frame.session.at(t.name.text, frame.module.file, t.name.span));
    }
    learn(frame, t.name.text, item);
    frame.assign(t.name.text, item);
  });
}

function runOut(frame: Frame, statement: OutStatement): void {
  const name = statement.name.text;
  const { span } = statement.name;
  if (frame.root.outputs.has(name)) return frame.report("fwp2003", span, { name });
  if (statement.value !== null && frame.root.states.has(name)) {
    return frame.report("fwp4004", span, { name });
  }
  const declared =
    statement.shape === null
      ? null
      : shapeOf(frame, statement.shape, {
          hole: () => frame.session.hole(),
          free: frame.root.frees,
        });
  let value: Value;
  if (statement.value === null) {
    const bound = frame.local(name);
    if (bound === undefined) {
      frame.report("fwp2101", span, { name, candidates: frame.candidates(name) });
      value = ERROR;
    } else value = annotated(frame, name, declared, bound, span);
  } else {
    const expr = statement.value;
    const raw = labelled(frame, name, statement.span, () => evaluate(frame, expr, declared));
    value = annotated(
      frame,
      name,
      declared,
      settled(frame, name, declared, raw, expr.span),
      expr.span,
    );
  }
  if (value.kind === "number") value = asTensor(frame, value, statement.span)!;
  learn(frame, name, value);
  frame.assign(name, value);
  frame.root.outputs.set(name, value);
}

function runWrite(frame: Frame, statement: WriteStatement, place: string): void {
  const name = statement.target.text;
  const { span } = statement;
  if (frame.kind === "instruction") {
    const old = frame.local(name);
    if (old?.kind === "error") return;
    if (old?.kind !== "tensor") {
      frame.report("fwp4003", statement.target.span, { name });
      return;
    }
    const shape = frame.shapeOf(old);
    const label = frame.root.writes ?? name;
    const raw = labelled(frame, label, span, () => evaluate(frame, statement.value));
    const value = asTensor(frame, raw, statement.value.span);
    if (value === null) return frame.assign(name, ERROR);
    if (!frame.session.unifyShapes(shape, frame.shapeOf(value))) {
      const facts = { name, expected: showShape(shape), found: showShape(frame.shapeOf(value)) };
      frame.report("fwp3003", statement.value.span, facts);
      return frame.assign(name, ERROR);
    }
    return frame.assign(name, { ...value, node: asFloat(frame, value.node), lead: old.lead });
  }
  const inProgram = place === "the program block" || frame.session.inProgram;
  if (!inProgram) frame.report("fwp4001", span, { name });
  writeState(frame, statement);
}

function runWeight(frame: Frame, statement: WeightStatement): void {
  const name = statement.name.text;
  if (frame.session.inProgram) frame.report("fwp4002", statement.span, { what: `weight ${name}` });
  const first = frame.weights.get(name);
  if (first !== undefined) {
    const place = { file: frame.module.file, range: first };
    const related = [{ message: "declared here", place }];
    return frame.report("fwp2003", statement.name.span, { name }, related);
  }
  frame.weights.set(name, statement.name.span);
  const shape = shapeOf(frame, statement.shape);
  const init = statement.init === null ? null : evaluate(frame, statement.init);
  const span = statement.init?.span ?? statement.span;
  const made = (): Value => (shape && makeParameter(frame, { name, shape, init, span })) ?? ERROR;
  frame.set(name, labelled(frame, name, statement.span, made));
}

function runConst(frame: Frame, statement: ConstStatement): void {
  const name = statement.name.text;
  const declared =
    statement.shape === null
      ? null
      : shapeOf(frame, statement.shape, { hole: () => frame.session.hole() });
  const value = labelled(frame, name, statement.span, () =>
    evaluate(frame, statement.value, declared),
  );
  if (value.kind === "init") {
    // Drawn once and kept, not trained: the random features of a map.
    if (declared === null) {
      frame.report("fwp3006", statement.name.span, { what: name });
      return frame.set(name, ERROR);
    }
    const drawn = () => drawnOnce(frame, name, declared, value, statement.value.span);
    return frame.set(name, labelled(frame, name, statement.span, drawn));
  }
  if (value.kind === "number" && declared === null && value.dim !== null) {
    // A constant that is a size can be used as one under its own name.
    return frame.set(name, value);
  }
  frame.set(
    name,
    declared === null ? value : annotated(frame, name, declared, value, statement.value.span),
  );
}

/**
 * Numbers drawn once. Those of a map are the same at every call of it in a layer: keys and queries share their random
 * features.
 */
function drawnOnce(frame: Frame, name: string, declared: Shape, init: Value, span: Span): Value {
  const { session } = frame;
  const ofMap = frame.kind === "map";
  const shape = ofMap ? declared.map((d) => session.expand(d, frame.own)) : declared;
  const label = ofMap ? `${frame.owner}.${name}` : name;
  const made = makeParameter(frame, { name: label, shape, init, span, trained: false });
  if (made === null || !ofMap) return made ?? ERROR;
  const mine = session.parameters.pop()!;
  const base = [...session.path, label].join(".");
  const same = session.parameters.find(
    (p) =>
      (p.name === base || p.name.startsWith(`${base}_`)) &&
      session.unifyShapes(p.shape, shape) &&
      JSON.stringify(p.init) === JSON.stringify(mine.init),
  );
  if (same === undefined) session.parameters.push(mine);
  return { ...made, node: relabel(frame, { ...made, node: (same ?? mine).node }, declared) };
}

function runRepeat(frame: Frame, statement: RepeatStatement, place: string): void {
  const segment = frame.kind === "model" ? "layers" : "repeat";
  const { session } = frame;
  const body = (inner: Frame, i: number) =>
    session.within(`${segment}.${i}`, () => runStatements(inner, statement.body, place));
  if (statement.variable !== null) {
    iterations(frame, statement.count, statement.variable.text, body);
    return;
  }
  const count = asCount(
    frame,
    evaluate(frame, statement.count),
    "the count of a repeat",
    statement.count.span,
  );
  const times = count ?? 1;
  if (times > 4096) {
    const facts = { what: "the count of a repeat", expected: "at most 4096", found: String(times) };
    frame.report("fwp2205", statement.count.span, facts);
    return;
  }
  for (let i = 0; i < times; i++) {
    const inner = frame.child();
    inner.set("$iteration", numberValue(i + 1));
    body(inner, i);
  }
}
