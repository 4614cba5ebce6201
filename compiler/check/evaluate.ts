/** Expressions: from syntax to values, with the shape that the place expects handed down. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type {
  BinaryExpr,
  ConditionalExpr,
  DimExpr,
  Expr,
  ForExpr,
  IndexExpr,
  MemberExpr,
  Span,
  UnaryExpr,
} from "../../grammar/ast.ts";
import { dim, show, showShape, subtract, type Shape } from "../dims.ts";
import type { BinaryFn } from "../graph/ir.ts";
import { asFloat, elementwise, numberNode } from "./broadcast.ts";
import { evaluateCall } from "./calls.ts";
import { evaluateEinsum, matrixProduct } from "./products.ts";
import type { Frame } from "./frame.ts";
import { asCount, asSize, numberArithmetic, numberValue, sizeValue, valueOf } from "./numbers.ts";
import { describe, ERROR, UNKNOWN, type TensorValue, type Value } from "./values.ts";

/** The value of an expression. `expected` is the shape that the place needs, where it says one. */
export function evaluate(frame: Frame, expr: Expr, expected: Shape | null = null): Value {
  switch (expr.kind) {
    case "number":
      // `4.0` is a number, `4` may be a size.
      return /^\d+$/u.test(expr.text)
        ? numberValue(expr.value)
        : { kind: "number", value: expr.value, dim: null };
    case "string":
      return { kind: "string", value: expr.value };
    case "bool":
      return { kind: "bool", value: expr.value };
    case "reference":
      return reference(frame, expr.name, expr.span);
    case "member":
      return member(frame, expr);
    case "call":
      return evaluateCall(frame, expr, expected);
    case "index":
      return index(frame, expr);
    case "unary":
      return unary(frame, expr, expected);
    case "binary":
      return binary(frame, expr, expected);
    case "if":
      return conditional(frame, expr, expected);
    case "list":
    case "tuple":
      return { kind: expr.kind, items: expr.items.flatMap((item) => spread(frame, item, null)) };
    case "range": {
      const [from, to] = [evaluate(frame, expr.from), evaluate(frame, expr.to)];
      if (from.kind !== "number" || to.kind !== "number") {
        for (const [v, e] of [
          [from, expr.from],
          [to, expr.to],
        ] as const) {
          if (v.kind !== "number") wrongKind(frame, "a whole number", v, e.span);
        }
        return ERROR;
      }
      return { kind: "range", from, to };
    }
    case "for":
      return { kind: "list", items: comprehension(frame, expr, expected) };
    case "einsum":
      return evaluateEinsum(frame, expr);
    case "learned":
      return learned(frame, expr.init);
    case "shape-literal":
      return { kind: "list", items: expr.dims.map((d) => shapeItem(frame, d)) };
    case "error":
      return ERROR;
    default:
      return unreachable(expr);
  }
}

/** A size in `reshape(x, [units, _])`: `_` is inferred. */
function shapeItem(frame: Frame, d: DimExpr): Value {
  if (d.kind === "hole") return sizeValue(frame.session.hole());
  if (d.kind === "rest") {
    frame.report("fwp3017", d.span, { sign: "`..`" });
    return ERROR;
  }
  return evaluate(frame, d);
}

export function memberPath(expr: Expr): string {
  if (expr.kind === "reference") return expr.name;
  return expr.kind === "member" ? `${memberPath(expr.object)}.${expr.member.text}` : "this";
}

/** `task.vocab`: a number that the task of an experiment provides. */
function member(frame: Frame, expr: MemberExpr): Value {
  const path = memberPath(expr);
  const { task } = frame.root;
  if (task !== null && expr.object.kind === "reference" && expr.object.name === "task") {
    const value = task.get(expr.member.text);
    if (typeof value === "number") return numberValue(value);
    if (value === null || task.size === 0) {
      const open = frame.session.freshSize(path);
      frame.session.makeRigid(open);
      return sizeValue(open);
    }
    const candidates = [...task.keys()].map((k) => `task.${k}`).join(" or ");
    frame.report("fwp2101", expr.span, { name: path, candidates });
    return ERROR;
  }
  frame.report("fwp2101", expr.span, { name: path, candidates: "" });
  return ERROR;
}

/** Reports a value of the wrong kind, unless a problem has been reported for it already. */
export function wrongKind(frame: Frame, expected: string, found: Value, span: Span): void {
  if (found.kind !== "error") frame.report("fwp2201", span, { expected, found: describe(found) });
}

function reference(frame: Frame, name: string, span: Span): Value {
  const found = frame.lookup(name);
  if (found !== undefined) return found;
  if (frame.root.later.has(name)) frame.report("fwp2102", span, { name });
  else frame.report("fwp2101", span, { name, candidates: frame.candidates(name) });
  return ERROR;
}

/** The values that an argument stands for: several for `for`, else one. */
export function spread(frame: Frame, expr: Expr, expected: Shape | null): Value[] {
  return expr.kind === "for"
    ? comprehension(frame, expr, expected)
    : [evaluate(frame, expr, expected)];
}

function comprehension(frame: Frame, expr: ForExpr, expected: Shape | null): Value[] {
  return iterations(frame, expr.range, expr.variable.text, (inner) =>
    evaluate(inner, expr.body, expected),
  );
}

/**
 * Runs `work` for every value of a range or list, with the variable bound. A range whose end has no value yet (a
 * declaration checked on its own) is run once, for its first value.
 */
export function iterations<T>(
  frame: Frame,
  over: Expr,
  variable: string,
  work: (inner: Frame, i: number) => T,
): T[] {
  const values = evaluate(frame, over);
  const run = (value: Value, i: number): T => {
    const inner = frame.child();
    inner.set(variable, value);
    return work(inner, i);
  };
  if (values.kind === "list") return values.items.map(run);
  if (values.kind !== "range") {
    wrongKind(frame, "a range such as 1..n, or a list", values, over.span);
    return [];
  }
  const from = asCount(frame, values.from, "the start of a range", over.span);
  const size = asSize(frame, values.to, "the end of a range", over.span);
  if (size === null) return [];
  const to = frame.session.numeric(size);
  if (from === null || to === null) {
    frame.session.unrolled(size, from ?? 1);
    return [run(from === null ? values.from : numberValue(from), 0)];
  }
  frame.session.unrolled(size, to);
  const many = to - from + 1;
  if (many > 4096) {
    frame.report("fwp2205", over.span, {
      what: "a range",
      expected: "at most 4096 long",
      found: String(many),
    });
    return [];
  }
  return Array.from({ length: Math.max(0, many) }, (_, i) => run(numberValue(from + i), i));
}

/** A signal, or null after a report (and for signals not known yet: `unknown` then says so). */
export function asTensor(frame: Frame, value: Value, span: Span): TensorValue | null {
  if (value.kind === "tensor") return value;
  if (value.kind === "number") return frame.tensor(numberNode(frame, value, []), { lead: 0 });
  if (value.kind === "bool" && value.value !== null) {
    return frame.tensor(frame.builder.constant(value.value ? 1 : 0), { lead: 0 });
  }
  if (value.kind !== "unknown") wrongKind(frame, "a signal", value, span);
  return null;
}

function unary(frame: Frame, expr: UnaryExpr, expected: Shape | null): Value {
  const value = evaluate(frame, expr.operand, expected);
  if (expr.operator === "not") {
    if (value.kind === "bool")
      return { kind: "bool", value: value.value === null ? null : !value.value };
    const x = asTensor(frame, value, expr.operand.span);
    if (x === null) return value.kind === "unknown" ? UNKNOWN : ERROR;
    const zero = frame.builder.fill(0, frame.shapeOf(x));
    return { ...x, node: frame.builder.binary("eq", asFloat(frame, x.node), zero) };
  }
  if (value.kind === "number") return numberArithmetic(frame, "-", numberValue(0), value);
  const x = asTensor(frame, value, expr.operand.span);
  if (x === null) return value.kind === "unknown" ? UNKNOWN : ERROR;
  return { ...x, node: frame.builder.neg(asFloat(frame, x.node)) };
}

const TENSOR_OPERATORS: Readonly<Record<string, BinaryFn>> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "^": "pow",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  and: "and",
  or: "or",
};

function binary(frame: Frame, expr: BinaryExpr, expected: Shape | null): Value {
  const { operator } = expr;
  if (operator === "@") return matrixProduct(frame, expr);
  if (operator === "in") {
    frame.report("fwp2201", expr.span, { expected: "a value", found: "an `in` condition" });
    return ERROR;
  }
  const passes = ["+", "-", "*", "/"].includes(operator) ? expected : null;
  const mark = frame.session.mark();
  let left = evaluate(frame, expr.left, passes);
  const shapeOf = (v: Value) => (v.kind === "tensor" ? frame.shapeOf(v) : null);
  const right = evaluate(frame, expr.right, passes ?? shapeOf(left));
  if (left.kind === "unknown" && right.kind === "tensor" && passes === null) {
    // `linear(x) + base`: the other side says the shape.
    frame.session.rollback(mark);
    left = evaluate(frame, expr.left, shapeOf(right));
    return binaryValues(frame, expr, left, evaluate(frame, expr.right, passes ?? shapeOf(left)));
  }
  return binaryValues(frame, expr, left, right);
}

function binaryValues(frame: Frame, expr: BinaryExpr, left: Value, right: Value): Value {
  const { operator, span } = expr;
  if (left.kind === "error" || right.kind === "error") return ERROR;
  const logical = operator === "and" || operator === "or";
  if (logical && left.kind === "bool" && right.kind === "bool") {
    if (left.value === null || right.value === null) return { kind: "bool", value: null };
    return {
      kind: "bool",
      value: operator === "and" ? left.value && right.value : left.value || right.value,
    };
  }
  if (logical && left.kind === "number" && right.kind === "number") {
    wrongKind(frame, "true or false", left, expr.left.span);
    return ERROR;
  }
  if (left.kind === "number" && right.kind === "number")
    return numberArithmetic(frame, operator, left, right);
  const sameKind = (operator === "==" || operator === "!=") && left.kind === right.kind;
  if (sameKind && (left.kind === "string" || left.kind === "bool")) {
    const equal = left.value === (right as typeof left).value;
    return { kind: "bool", value: (operator === "==") === equal };
  }
  const a = asTensor(frame, left, expr.left.span);
  const b = asTensor(frame, right, expr.right.span);
  if (a === null || b === null)
    return left.kind === "unknown" || right.kind === "unknown" ? UNKNOWN : ERROR;
  const power = operator === "^" && right.kind === "number" ? valueOf(frame, right) : null;
  if (power === 2)
    return { ...a, node: frame.builder.mul(asFloat(frame, a.node), asFloat(frame, a.node)) };
  if (operator === ">" || operator === ">=") {
    return elementwise(frame, operator === ">" ? "lt" : "le", operator, b, a, span) ?? ERROR;
  }
  return elementwise(frame, TENSOR_OPERATORS[operator]!, operator, a, b, span) ?? ERROR;
}

function conditional(frame: Frame, expr: ConditionalExpr, expected: Shape | null): Value {
  const condition = evaluate(frame, expr.condition);
  if (condition.kind === "bool") {
    // Without a value either branch serves to check the rest.
    return evaluate(frame, condition.value === false ? expr.otherwise : expr.then, expected);
  }
  const c = asTensor(frame, condition, expr.condition.span);
  const then = evaluate(frame, expr.then, expected);
  const otherwise = evaluate(frame, expr.otherwise, expected);
  if (c === null) return condition.kind === "unknown" ? UNKNOWN : ERROR;
  return where(frame, c, then, otherwise, expr.span, [expr.then.span, expr.otherwise.span]);
}

/** `c ≠ 0 ? a : b`, elementwise. */
export function where(
  frame: Frame,
  c: TensorValue,
  then: Value,
  otherwise: Value,
  span: Span,
  spans: readonly [Span, Span] = [span, span],
): Value {
  const a = asTensor(frame, then, spans[0]);
  const b = asTensor(frame, otherwise, spans[1]);
  if (a === null || b === null)
    return then.kind === "unknown" || otherwise.kind === "unknown" ? UNKNOWN : ERROR;
  // Adding zeros brings all three to one shape by the elementwise rule.
  const zero = (x: TensorValue): TensorValue => ({
    ...x,
    node: frame.builder.fill(0, frame.shapeOf(x)),
  });
  const ab = elementwise(frame, "add", "if", zero(a), zero(b), span);
  const all = ab && elementwise(frame, "add", "if", zero(c), ab, span);
  if (all === null) return ERROR;
  const spreadTo = (x: TensorValue) => elementwise(frame, "add", "if", x, all, span)!.node;
  return { ...all, node: frame.builder.select(spreadTo(c), spreadTo(a), spreadTo(b)) };
}

function index(frame: Frame, expr: IndexExpr): Value {
  const object = evaluate(frame, expr.object);
  if (object.kind === "list" || object.kind === "tuple") {
    const i = asCount(frame, evaluate(frame, expr.indices[0]!), "an index", expr.span);
    if (i === null) return object.items[0] ?? ERROR;
    const item = object.items[i - 1];
    if (item !== undefined) return item;
    frame.report("fwp3016", expr.span, { index: String(i), size: String(object.items.length) });
    return ERROR;
  }
  let x = asTensor(frame, object, expr.object.span);
  if (x === null) return object.kind === "unknown" ? UNKNOWN : ERROR;
  for (const at of expr.indices) {
    const shape = frame.shapeOf(x);
    const length = shape[x.lead];
    if (length === undefined) {
      const found = showShape(shape);
      frame.report("fwp3018", expr.span, {
        operation: "an index",
        expected: "at least one axis",
        found,
      });
      return ERROR;
    }
    const i = evaluate(frame, at);
    const start = asSize(frame, i, "an index", at.span);
    if (start === null) return ERROR;
    const [n, size] = [frame.session.numeric(start), frame.session.numeric(length)];
    if (n !== null && (n < 1 || (size !== null && n > size))) {
      frame.report("fwp3016", at.span, { index: String(n), size: show(length) });
      return ERROR;
    }
    const part = frame.builder.slice(x.node, x.lead, subtract(start, dim(1)), dim(1));
    x = {
      ...x,
      node: frame.builder.reshape(
        part,
        shape.filter((_, k) => k !== x!.lead),
      ),
    };
  }
  return x;
}

function learned(frame: Frame, expr: Expr): Value {
  const init = evaluate(frame, expr);
  if (init.kind === "init") return { ...init, learned: true };
  if (init.kind === "number") {
    const value = valueOf(frame, init);
    return { kind: "init", init: { kind: "constant", value: value ?? 0 }, learned: true };
  }
  wrongKind(frame, "a number or an initialiser", init, expr.span);
  return ERROR;
}
