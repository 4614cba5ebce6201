/**
 * Builders of elementwise nodes that simplify what they are given: identities, constants, and repeated values computed
 * once before they are repeated. Zero times anything is zero, infinities and NaN included.
 */
import { constant as knownSize, type Shape } from "../../dims.ts";
import type { GraphBuilder } from "../builder.ts";
import { binaryFunction, unaryFunction } from "../interpret/functions.ts";
import type { BinaryFn, BroadcastNode, DType, NodeId, UnaryFn } from "../ir.ts";

/** The number behind a constant, a known size, or either repeated; null when there is no such number. */
export function fillValue(b: GraphBuilder, id: NodeId): number | null {
  const node = b.node(id);
  if (node.op === "constant") return node.value;
  if (node.op === "size") return knownSize(node.value) ?? null;
  return node.op === "broadcast" ? fillValue(b, node.x) : null;
}

export const isFill = (b: GraphBuilder, id: NodeId, value: number): boolean =>
  fillValue(b, id) === value;

/** `value` repeated to `shape`, of either type. */
export function filled(
  b: GraphBuilder,
  value: number,
  shape: Shape,
  dtype: DType = "float",
): NodeId {
  return b.broadcast(b.constant(value, dtype), [], shape);
}

export const zerosLike = (b: GraphBuilder, id: NodeId): NodeId => filled(b, 0, b.shape(id));

/** Repeats x; a repetition of a repetition becomes one. */
export function broadcast(
  b: GraphBuilder,
  x: NodeId,
  axes: readonly number[],
  shape: Shape,
): NodeId {
  const node = b.node(x);
  if (node.op !== "broadcast") return b.broadcast(x, axes, shape);
  return b.broadcast(
    node.x,
    node.axes.map((a) => axes[a]!),
    shape,
  );
}

export function unary(b: GraphBuilder, fn: UnaryFn, x: NodeId): NodeId {
  const node = b.node(x);
  if (node.op === "constant") {
    const dtype = fn === "to_int" ? "int" : fn === "to_float" ? "float" : node.dtype;
    return b.constant(unaryFunction(fn)(node.value), dtype);
  }
  if (node.op === "broadcast") {
    return broadcast(b, unary(b, fn, node.x), node.axes, node.shape);
  }
  if (fn === "to_float" && node.dtype === "float") return x;
  if (fn === "to_int" && node.dtype === "int") return x;
  if (node.op === "unary") {
    if (fn === node.fn && (fn === "neg" || fn === "reciprocal")) return node.x;
    if (fn === node.fn && (fn === "relu" || fn === "abs" || fn === "floor")) return x;
    if (fn === "abs" && node.fn === "neg") return unary(b, "abs", node.x);
  }
  if (fn === "neg" && node.op === "binary" && node.fn === "sub") {
    return b.binary("sub", node.b, node.a);
  }
  return b.unary(fn, x);
}

export const neg = (b: GraphBuilder, x: NodeId): NodeId => unary(b, "neg", x);

/** The broadcast of which both operands are instances, if there is one: same axes, or a number beside a broadcast. */
function commonBroadcast(b: GraphBuilder, x: NodeId, y: NodeId): BroadcastNode | null {
  const p = b.node(x);
  const q = b.node(y);
  if (p.op !== "broadcast" || q.op !== "broadcast") return null;
  if (p.axes.length === q.axes.length) {
    return p.axes.every((a, i) => a === q.axes[i]) ? p : null;
  }
  return q.axes.length === 0 ? p : p.axes.length === 0 ? q : null;
}

/** x as a value on the given axes of a shape, when it is a broadcast from them or from a number. */
function narrowed(b: GraphBuilder, x: NodeId, from: BroadcastNode): NodeId {
  const node = b.node(x) as BroadcastNode;
  return node.axes.length === from.axes.length ? node.x : b.broadcast(node.x, [], b.shape(from.x));
}

function foldBinary(b: GraphBuilder, fn: BinaryFn, x: NodeId, y: NodeId): NodeId | null {
  const p = b.node(x);
  const q = b.node(y);
  if (p.op === "constant" && q.op === "constant") {
    const result = p.dtype === "int" && q.dtype === "int" ? "int" : "float";
    const compares = ["lt", "le", "eq", "ne", "and", "or"].includes(fn);
    const dtype = compares ? "float" : result;
    return b.constant(binaryFunction(fn, dtype)(p.value, q.value), dtype);
  }
  const common = commonBroadcast(b, x, y);
  if (common === null) return null;
  const inner = binary(b, fn, narrowed(b, x, common), narrowed(b, y, common));
  return broadcast(b, inner, common.axes, common.shape);
}

export function add(b: GraphBuilder, x: NodeId, y: NodeId): NodeId {
  if (sameType(b, x, y)) {
    if (isFill(b, y, 0)) return x;
    if (isFill(b, x, 0)) return y;
    const p = b.node(x);
    const q = b.node(y);
    if (q.op === "unary" && q.fn === "neg") return sub(b, x, q.x);
    if (p.op === "unary" && p.fn === "neg") return sub(b, y, p.x);
  }
  return foldBinary(b, "add", x, y) ?? b.add(x, y);
}

export function sub(b: GraphBuilder, x: NodeId, y: NodeId): NodeId {
  if (sameType(b, x, y)) {
    if (isFill(b, y, 0)) return x;
    if (isFill(b, x, 0)) return neg(b, y);
    const q = b.node(y);
    if (q.op === "unary" && q.fn === "neg") return add(b, x, q.x);
  }
  return foldBinary(b, "sub", x, y) ?? b.sub(x, y);
}

/** The product if the first is a number that makes it something simpler. */
function timesNumber(b: GraphBuilder, one: NodeId, other: NodeId): NodeId | null {
  const value = fillValue(b, one);
  if (value === null) return null;
  const node = b.node(other);
  if (value === 1) return other;
  if (value === 0) return filled(b, 0, node.shape, node.dtype);
  if (value === -1) return neg(b, other);
  // Numbers meet: (z · c) · d = z · (c d), and (−z) · c = z · (−c).
  if (fillValue(b, other) !== null || node.dtype === "int") return null;
  if (node.op === "unary" && node.fn === "neg") return mul(b, node.x, neg(b, one));
  if (node.op !== "binary" || node.fn !== "mul") return null;
  if (fillValue(b, node.b) !== null) return mul(b, node.a, mul(b, node.b, one));
  if (fillValue(b, node.a) !== null) return mul(b, node.b, mul(b, node.a, one));
  return null;
}

export function mul(b: GraphBuilder, x: NodeId, y: NodeId): NodeId {
  const simpler = sameType(b, x, y) ? (timesNumber(b, x, y) ?? timesNumber(b, y, x)) : null;
  return simpler ?? foldBinary(b, "mul", x, y) ?? b.mul(x, y);
}

export function div(b: GraphBuilder, x: NodeId, y: NodeId): NodeId {
  if (b.node(x).dtype === "float" && b.node(y).dtype === "float") {
    const value = fillValue(b, y);
    if (value === 1) return x;
    if (isFill(b, x, 0)) return x;
    if (isFill(b, x, 1)) return unary(b, "reciprocal", y);
    if (value !== null && value !== 0) return mul(b, x, filled(b, 1 / value, b.shape(y)));
  }
  return foldBinary(b, "div", x, y) ?? b.div(x, y);
}

function pow(b: GraphBuilder, x: NodeId, y: NodeId): NodeId {
  if (b.node(x).dtype === "float") {
    switch (fillValue(b, y)) {
      case 0:
        return filled(b, 1, b.shape(x));
      case 1:
        return x;
      case 2:
        return mul(b, x, x);
      case 0.5:
        return unary(b, "sqrt", x);
      case -1:
        return unary(b, "reciprocal", x);
      case -0.5:
        return unary(b, "rsqrt", x);
    }
  }
  return foldBinary(b, "pow", x, y) ?? b.binary("pow", x, y);
}

const sameType = (b: GraphBuilder, x: NodeId, y: NodeId): boolean =>
  b.node(x).dtype === b.node(y).dtype;

export function binary(b: GraphBuilder, fn: BinaryFn, x: NodeId, y: NodeId): NodeId {
  switch (fn) {
    case "add":
      return add(b, x, y);
    case "sub":
      return sub(b, x, y);
    case "mul":
      return mul(b, x, y);
    case "div":
      return div(b, x, y);
    case "pow":
      return pow(b, x, y);
    case "max":
    case "min":
      if (x === y) return x;
      break;
    default:
      break;
  }
  return foldBinary(b, fn, x, y) ?? b.binary(fn, x, y);
}

export function select(b: GraphBuilder, cond: NodeId, x: NodeId, y: NodeId): NodeId {
  if (x === y) return x;
  const value = fillValue(b, cond);
  if (value !== null) return value === 0 ? y : x;
  return b.select(cond, x, y);
}
