/** The elementwise rule: equal shapes, or one whose axes are the first or the last axes of the other. */
import type { Span } from "../../grammar/ast.ts";
import { constant, equal, showShape, type Shape } from "../dims.ts";
import type { BinaryFn, NodeId } from "../graph/ir.ts";
import type { Frame } from "./frame.ts";
import type { NumberValue, TensorValue } from "./values.ts";

/** A compile-time number as a node of the given shape. */
export function numberNode(frame: Frame, value: NumberValue, shape: Shape): NodeId {
  const { builder, session } = frame;
  if (value.value !== null) return builder.fill(value.value, shape);
  if (value.dim !== null) {
    const known = session.numeric(value.dim);
    if (known !== null) return builder.fill(known, shape);
    return builder.broadcast(builder.size(value.dim), [], shape);
  }
  return builder.fill(1, shape); // a declaration checked on its own: any number will do
}

/** Tokens become numbers before arithmetic. */
export function asFloat(frame: Frame, node: NodeId): NodeId {
  return frame.builder.node(node).dtype === "int" ? frame.builder.unary("to_float", node) : node;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

interface Reading {
  readonly shape: Shape;
  readonly aAxes: readonly number[];
  readonly bAxes: readonly number[];
}

/** Where the axes of the smaller shape stand in the larger one; null when they do not fit, "both" when two ways do. */
function place(frame: Frame, small: Shape, large: Shape): number[] | null | "both" {
  const n = small.length;
  const skip = large.length - n;
  const exact = (offset: number) => small.every((d, i) => equal(d, large[i + offset]!));
  let [prefix, suffix] = [exact(0), exact(skip)];
  if (!prefix && !suffix) {
    // Only now may a hole be filled, and only by one of the readings.
    const open = (offset: number) =>
      small.every(
        (d, i) =>
          equal(d, large[i + offset]!) ||
          frame.session.hasHole(d) ||
          frame.session.hasHole(large[i + offset]!),
      );
    const fill = (offset: number) =>
      small.every((d, i) => frame.session.unify(d, large[i + offset]!));
    if (open(0)) prefix = fill(0);
    else if (open(skip)) suffix = fill(skip);
  }
  if (prefix && suffix && skip > 0 && n > 0) return "both";
  if (prefix) return range(0, n);
  return suffix ? range(skip, large.length) : null;
}

/** Finds the common shape of two signals, reporting where there is none or more than one. */
export function align(
  frame: Frame,
  a: TensorValue,
  b: TensorValue,
  operator: string,
  span: Span,
): Reading | null {
  const [sa, sb] = [frame.shapeOf(a), frame.shapeOf(b)];
  const [la, lb] = [Math.min(a.lead, sa.length), Math.min(b.lead, sb.length)];
  const [ownA, ownB] = [sa.slice(la), sb.slice(lb)];
  const fail = () => {
    frame.report("fwp3001", span, { operator, left: showShape(sa), right: showShape(sb) });
    return null;
  };
  const leadLarge = la >= lb ? sa.slice(0, la) : sb.slice(0, lb);
  const leadSmall = la >= lb ? sb.slice(0, lb) : sa.slice(0, la);
  if (!leadSmall.every((d, i) => frame.session.unify(d, leadLarge[i]!))) return fail();
  const lead = leadLarge.length;
  const leadAxes = (n: number) => range(0, n);
  if (ownA.length === ownB.length) {
    if (!frame.session.unifyShapes(ownA, ownB)) return fail();
    const own = range(lead, lead + ownA.length);
    return {
      shape: [...leadLarge, ...frame.session.resolveShape(ownA)],
      aAxes: [...leadAxes(la), ...own],
      bAxes: [...leadAxes(lb), ...own],
    };
  }
  const aIsSmall = ownA.length < ownB.length;
  const [small, large] = aIsSmall ? [ownA, ownB] : [ownB, ownA];
  const found = place(frame, small, large);
  if (found === null) return fail();
  if (found === "both") {
    const n = small.length;
    frame.report("fwp3002", span, {
      operator,
      small: showShape(small),
      large: showShape(large),
      prefix: `the first axes ${showShape(large.slice(0, n))}`,
      suffix: `the last axes ${showShape(large.slice(large.length - n))}`,
    });
    return null;
  }
  const placed = found.map((i) => i + lead);
  const all = range(lead, lead + large.length);
  return {
    shape: [...leadLarge, ...frame.session.resolveShape(large)],
    aAxes: [...leadAxes(la), ...(aIsSmall ? placed : all)],
    bAxes: [...leadAxes(lb), ...(aIsSmall ? all : placed)],
  };
}

/** Which rows of a growing state are valid in a value made of both. */
export function joinValid(
  frame: Frame,
  a: TensorValue,
  b: TensorValue,
  span: Span,
): NodeId | undefined {
  if (a.valid !== undefined && b.valid !== undefined && a.valid !== b.valid) {
    frame.report("fwp4009", span, {
      name: "this state",
      reason: "its rows before and after the append of this step cannot be combined",
    });
  }
  return a.valid ?? b.valid;
}

/** A signal that holds one number, as a number: `[1]` beside anything else counts as `[]`. */
function single(frame: Frame, x: TensorValue, beside: TensorValue): TensorValue {
  const shape = frame.shapeOf(x);
  const own = shape.slice(x.lead);
  const ones = own.length > 0 && own.every((d) => constant(d) === 1);
  if (!ones || frame.shapeOf(beside).length - beside.lead === 0) return x;
  const others = frame.shapeOf(beside).slice(beside.lead);
  if (others.every((d) => constant(d) === 1)) return x;
  return { ...x, node: frame.builder.reshape(x.node, shape.slice(0, x.lead)) };
}

/** `a op b` for two signals, or null after a report. */
export function elementwise(
  frame: Frame,
  fn: BinaryFn,
  operator: string,
  left: TensorValue,
  right: TensorValue,
  span: Span,
): TensorValue | null {
  const [a, b] = [single(frame, left, right), single(frame, right, left)];
  const reading = align(frame, a, b, operator, span);
  if (reading === null) return null;
  const { builder } = frame;
  const x = builder.broadcast(asFloat(frame, a.node), reading.aAxes, reading.shape);
  const y = builder.broadcast(asFloat(frame, b.node), reading.bAxes, reading.shape);
  const valid = joinValid(frame, a, b, span);
  const lead = Math.max(a.lead, b.lead);
  return {
    kind: "tensor",
    node: builder.binary(fn, x, y),
    lead,
    ...(valid === undefined ? {} : { valid }),
  };
}
