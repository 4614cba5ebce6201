/** Products: `W @ k`, `outer(a, b)` and `einsum`. */
import type { BinaryExpr, EinsumExpr, Span } from "../../grammar/ast.ts";
import { CAPACITY, equal, show, showShape, type Dim } from "../dims.ts";
import type { NodeId } from "../graph/ir.ts";
import { asFloat, joinValid } from "./broadcast.ts";
import { asTensor, evaluate } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { ERROR, UNKNOWN, type TensorValue, type Value } from "./values.ts";

/** Axis of a growing state's rows, or -1. */
export function growingAxis(frame: Frame, x: TensorValue): number {
  if (x.valid === undefined) return -1;
  return frame.shapeOf(x).findIndex((d) => isGrowing(frame, d));
}

export function isGrowing(frame: Frame, d: Dim): boolean {
  const { growth } = frame.root;
  return equal(d, CAPACITY) || (growth !== null && equal(d, growth));
}

/** 1 where a row of the growing axis is valid, else 0; the shape of x. */
export function validity(frame: Frame, x: TensorValue, axis: number): NodeId {
  const { builder } = frame;
  const shape = frame.shapeOf(x);
  const count = builder.broadcast(builder.unary("to_float", x.valid!), [], [shape[axis]!]);
  const rows = builder.binary("lt", builder.iota(shape[axis]!), count);
  return builder.broadcast(rows, [axis], shape);
}

/** x with the rows of a growing state that do not exist yet set to `neutral`. */
export function masked(frame: Frame, x: TensorValue, neutral: number): NodeId {
  const axis = growingAxis(frame, x);
  if (axis < 0) return x.node;
  const fill = frame.builder.fill(neutral, frame.shapeOf(x));
  return frame.builder.select(validity(frame, x, axis), x.node, fill);
}

/** `W @ k`: contracts the last axis of both; leading axes that both have are batch axes. */
export function matrixProduct(frame: Frame, expr: BinaryExpr): Value {
  const left = evaluate(frame, expr.left);
  const right = evaluate(frame, expr.right);
  const a = asTensor(frame, left, expr.left.span);
  const b = asTensor(frame, right, expr.right.span);
  if (a === null || b === null) {
    return left.kind === "unknown" || right.kind === "unknown" ? UNKNOWN : ERROR;
  }
  return contractLast(frame, a, b, expr.span);
}

function contractLast(frame: Frame, a: TensorValue, b: TensorValue, span: Span): Value {
  const [sa, sb] = [frame.shapeOf(a), frame.shapeOf(b)];
  const facts = { left: showShape(sa), right: showShape(sb) };
  if (sa.length - a.lead < 1 || sb.length - b.lead < 1) {
    const found = sa.length - a.lead < 1 ? facts.left : facts.right;
    frame.report("fwp3018", span, {
      operation: "@",
      expected: "at least one axis on both sides",
      found,
    });
    return ERROR;
  }
  const [n, m] = [sa.at(-1)!, sb.at(-1)!];
  if (!frame.session.unify(n, m)) {
    frame.report("fwp3004", span, { ...facts, a: show(n), b: show(m) });
    return ERROR;
  }
  // W: lead… batch… rows… n;  k: lead… batch… columns… n. One lead is the start of the other.
  const [la, lb] = [Math.min(a.lead, sa.length - 1), Math.min(b.lead, sb.length - 1)];
  const [leadA, leadB] = [sa.slice(0, la), sb.slice(0, lb)];
  const lead = Math.min(la, lb);
  if (!leadA.slice(0, lead).every((d, i) => frame.session.unify(d, leadB[i]!))) {
    frame.report("fwp3005", span, facts);
    return ERROR;
  }
  const [ownA, ownB] = [sa.slice(la, -1), sb.slice(lb, -1)];
  const shared = commonPrefix(ownA, ownB);
  if (ownA.length - shared > 1 && ownB.length > shared) {
    frame.report("fwp3005", span, facts);
    return ERROR;
  }
  let next = 0;
  const label = () => next++;
  const leadLabels = (la >= lb ? leadA : leadB).map(label);
  const sharedLabels = ownA.slice(0, shared).map(label);
  const onlyA = ownA.slice(shared).map(label);
  const onlyB = ownB.slice(shared).map(label);
  const inner = label();
  const growing = (x: TensorValue) =>
    growingAxis(frame, x) === frame.shapeOf(x).length - 1 ? masked(frame, x, 0) : x.node;
  const node = frame.builder.contract(
    asFloat(frame, growing(a)),
    [...leadLabels.slice(0, la), ...sharedLabels, ...onlyA, inner],
    asFloat(frame, growing(b)),
    [...leadLabels.slice(0, lb), ...sharedLabels, ...onlyB, inner],
    [...leadLabels, ...sharedLabels, ...onlyA, ...onlyB],
  );
  const valid = joinValid(frame, a, b, span);
  return {
    kind: "tensor",
    node,
    lead: Math.max(a.lead, b.lead),
    ...(valid === undefined ? {} : { valid }),
  };
}

/** How many first axes two signals share. */
function commonPrefix(a: readonly Dim[], b: readonly Dim[]): number {
  let n = 0;
  while (n < a.length && n < b.length && equal(a[n]!, b[n]!)) n++;
  return n;
}

/** `a ⊗ b` = `outer(a, b)`: `[l…, m]`, `[l…, n]` → `[l…, m, n]`. */
export function outerProduct(frame: Frame, a: TensorValue, b: TensorValue, span: Span): Value {
  const [sa, sb] = [frame.shapeOf(a), frame.shapeOf(b)];
  if (sa.length - a.lead < 1 || sb.length - b.lead < 1) {
    const found = showShape(sa.length - a.lead < 1 ? sa : sb);
    frame.report("fwp3018", span, {
      operation: "outer",
      expected: "at least one axis on both sides",
      found,
    });
    return ERROR;
  }
  const [leadA, leadB] = [sa.slice(0, -1), sb.slice(0, -1)];
  const [long, short] = leadA.length >= leadB.length ? [leadA, leadB] : [leadB, leadA];
  if (!short.every((d, i) => frame.session.unify(d, long[i]!))) {
    frame.report("fwp3005", span, { left: showShape(sa), right: showShape(sb) });
    return ERROR;
  }
  const lead = long.map((_, i) => i);
  const [m, n] = [long.length, long.length + 1];
  const node = frame.builder.contract(
    asFloat(frame, a.node),
    [...lead.slice(0, leadA.length), m],
    asFloat(frame, b.node),
    [...lead.slice(0, leadB.length), n],
    [...lead, m, n],
  );
  return { kind: "tensor", node, lead: Math.max(a.lead, b.lead) };
}

interface Labelled {
  readonly node: NodeId;
  readonly labels: readonly number[];
}

/** `einsum(F[s, r, t], k1[s] -> [r, t])`. Axes that the declaration does not name stay in front. */
export function evaluateEinsum(frame: Frame, expr: EinsumExpr): Value {
  const numbers = new Map<string, number>();
  const sizes = new Map<string, Dim>();
  const parts: Labelled[] = [];
  let lead: readonly Dim[] = [];
  let unknown = false;
  let valid: NodeId | undefined;
  const wanted = new Set(expr.result.map((n) => n.text));
  if (expr.operands.length === 0) return ERROR; // a syntax error, reported as such
  for (const operand of expr.operands) {
    const value = evaluate(frame, operand.value);
    const x = asTensor(frame, value, operand.value.span);
    if (x === null) {
      if (value.kind !== "unknown") return ERROR;
      unknown = true;
      continue;
    }
    const shape = frame.shapeOf(x);
    const names = operand.labels.map((n) => n.text);
    const own = shape.slice(x.lead);
    if (own.length !== names.length || new Set(names).size !== names.length) {
      frame.report("fwp3010", operand.span, { labels: names.join(", "), shape: showShape(own) });
      return ERROR;
    }
    for (const [i, name] of names.entries()) {
      const known = sizes.get(name);
      if (known !== undefined && !frame.session.unify(known, own[i]!)) {
        const facts = { label: name, first: show(known), second: show(own[i]!) };
        frame.report("fwp3011", operand.labels[i]!.span, facts);
        return ERROR;
      }
      if (known === undefined) sizes.set(name, own[i]!);
      if (!numbers.has(name)) numbers.set(name, numbers.size + 100);
    }
    const axis = growingAxis(frame, x);
    const summed = axis >= x.lead && !wanted.has(names[axis - x.lead]!);
    if (axis >= 0 && !summed) valid = x.valid;
    if (x.lead > lead.length) lead = shape.slice(0, x.lead);
    const leadLabels = Array.from({ length: x.lead }, (_, i) => i);
    const node = asFloat(frame, summed ? masked(frame, x, 0) : x.node);
    parts.push({ node, labels: [...leadLabels, ...names.map((n) => numbers.get(n)!)] });
  }
  for (const name of expr.result) {
    if (!numbers.has(name.text) && !unknown) {
      frame.report("fwp3012", name.span, { label: name.text, reason: "no operand has it" });
      return ERROR;
    }
    if (expr.result.find((n) => n.text === name.text) !== name) {
      frame.report("fwp3012", name.span, { label: name.text, reason: "it stands there twice" });
      return ERROR;
    }
  }
  if (unknown) return UNKNOWN;
  const result = [...lead.map((_, i) => i), ...expr.result.map((n) => numbers.get(n.text)!)];
  const node = contractAll(frame, parts, result);
  return { kind: "tensor", node, lead: lead.length, ...(valid === undefined ? {} : { valid }) };
}

/** Multiplies from left to right, summing each label as soon as nothing after needs it. */
function contractAll(frame: Frame, parts: readonly Labelled[], result: readonly number[]): NodeId {
  const { builder } = frame;
  let [acc, ...rest] = parts as [Labelled, ...Labelled[]];
  while (rest.length > 0) {
    const [next, ...after] = rest as [Labelled, ...Labelled[]];
    const needed = new Set([...result, ...after.flatMap((p) => p.labels)]);
    const last = after.length === 0;
    const union = [...new Set([...acc.labels, ...next.labels])];
    const labels = last ? result : union.filter((l) => needed.has(l));
    acc = { node: builder.contract(acc.node, acc.labels, next.node, next.labels, labels), labels };
    rest = after;
  }
  const dropped = acc.labels.flatMap((l, i) => (result.includes(l) ? [] : [i]));
  const kept = acc.labels.filter((l) => result.includes(l));
  const summed = builder.sum(acc.node, dropped);
  return builder.transpose(
    summed,
    result.map((l) => kept.indexOf(l)),
  );
}
