/** Sums and contractions that simplify what they are given: repeated operands are not summed but counted. */
import { constant, product, type Dim } from "../../dims.ts";
import type { GraphBuilder } from "../builder.ts";
import type { NodeId, ReduceFn } from "../ir.ts";
import { broadcast, fillValue, filled, mul } from "./elementwise.ts";
import { transpose } from "./layout.ts";

/** x times a product of sizes. */
export function timesSizes(b: GraphBuilder, x: NodeId, sizes: readonly Dim[]): NodeId {
  const count = product(sizes);
  const known = constant(count);
  if (known !== undefined) return mul(b, x, filled(b, known, b.shape(x)));
  return mul(b, x, b.broadcast(b.size(count), [], b.shape(x)));
}

export function reduce(b: GraphBuilder, fn: ReduceFn, x: NodeId, axes: readonly number[]): NodeId {
  if (axes.length === 0) return x;
  const node = b.node(x);
  if (node.dtype !== "float") return b.reduce(fn, x, axes);
  const isOne = axes.every((a) => constant(node.shape[a]!) === 1);
  const shape = node.shape.filter((_, i) => !axes.includes(i));
  if (isOne) return b.reshape(x, shape);
  if (node.op === "broadcast") {
    // Axes along which x repeats itself need no reduction; an empty axis would make max and min differ.
    const repeated = axes.filter((a) => !node.axes.includes(a));
    const within = node.axes.flatMap((a, i) => (axes.includes(a) ? [i] : []));
    const sizes = repeated.map((a) => node.shape[a]!);
    const positive = sizes.every((d) => (constant(d) ?? 0) > 0);
    if (repeated.length > 0 && (fn === "sum" || positive)) {
      const kept = node.axes.filter((a) => !axes.includes(a));
      const place = (a: number) => a - axes.filter((r) => r < a).length;
      const inner = reduce(b, fn, node.x, within);
      const counted = fn === "sum" ? timesSizes(b, inner, sizes) : inner;
      return broadcast(b, counted, kept.map(place), shape);
    }
  }
  if (fn === "sum") {
    if (node.op === "unary" && node.fn === "neg") return b.neg(reduce(b, fn, node.x, axes));
    if (node.op === "reduce" && node.fn === "sum") {
      const from = b.shape(node.x);
      const left = from.map((_, i) => i).filter((i) => !node.axes.includes(i));
      return reduce(b, "sum", node.x, [...node.axes, ...axes.map((a) => left[a]!)]);
    }
    if (node.op === "contract" && isOuter(node.aLabels, node.bLabels, node.outLabels)) {
      const out = node.outLabels.filter((_, i) => !axes.includes(i));
      return contract(b, node.a, node.aLabels, node.b, node.bLabels, out);
    }
    if (node.op === "binary" && node.fn === "mul") {
      const labels = node.shape.map((_, i) => i);
      const out = labels.filter((i) => !axes.includes(i));
      const gains = [node.a, node.b].some((id) => b.node(id).op === "broadcast");
      if (gains) return contract(b, node.a, labels, node.b, labels, out);
    }
  }
  return b.reduce(fn, x, axes);
}

const isOuter = (a: readonly number[], b: readonly number[], out: readonly number[]): boolean =>
  [...a, ...b].every((l) => out.includes(l));

export const sum = (b: GraphBuilder, x: NodeId, axes: readonly number[]): NodeId =>
  reduce(b, "sum", x, axes);

/** An operand of a contraction as it is looked through: its labels, and the factor taken out. */
interface Operand {
  readonly id: NodeId;
  readonly labels: readonly number[];
  /** A value of shape `[]` that the operand was multiplied by. */
  readonly factor: NodeId | null;
}

/** The number of shape `[]` that a node repeats everywhere. */
function repeatedScalar(b: GraphBuilder, id: NodeId): NodeId | null {
  const node = b.node(id);
  return node.op === "broadcast" && node.axes.length === 0 ? node.x : null;
}

function times(b: GraphBuilder, x: NodeId | null, y: NodeId): NodeId {
  return x === null ? y : mul(b, x, y);
}

function lookThrough(b: GraphBuilder, operand: Operand, out: readonly number[]): Operand {
  const node = b.node(operand.id);
  const { labels, factor } = operand;
  if (node.op === "broadcast") {
    const next = { id: node.x, labels: node.axes.map((a) => labels[a]!), factor };
    return lookThrough(b, next, out);
  }
  if (node.op === "transpose") {
    const inner = node.perm.map((_, i) => labels[node.perm.indexOf(i)]!);
    return lookThrough(b, { id: node.x, labels: inner, factor }, out);
  }
  // A factor leaves the operand when the result is no larger than the operand.
  if (!out.every((l) => labels.includes(l))) return operand;
  if (node.op === "unary" && node.fn === "neg") {
    const next = { id: node.x, labels, factor: times(b, factor, b.constant(-1)) };
    return lookThrough(b, next, out);
  }
  if (node.op !== "binary" || node.fn !== "mul") return operand;
  const first = repeatedScalar(b, node.a);
  const scalar = first ?? repeatedScalar(b, node.b);
  if (scalar === null) return operand;
  const id = first === null ? node.a : node.b;
  return lookThrough(b, { id, labels, factor: times(b, factor, scalar) }, out);
}

/** Sum of products in index notation; labels as in `GraphBuilder.contract`. */
export function contract(
  b: GraphBuilder,
  a: NodeId,
  aLabels: readonly number[],
  c: NodeId,
  cLabels: readonly number[],
  outLabels: readonly number[],
): NodeId {
  const size = new Map<number, Dim>();
  b.shape(a).forEach((d, i) => size.set(aLabels[i]!, d));
  b.shape(c).forEach((d, i) => size.set(cLabels[i]!, d));
  const shape = outLabels.map((l) => size.get(l)!);
  if (fillValue(b, a) === 0 || fillValue(b, c) === 0) return filled(b, 0, shape);
  const left = lookThrough(b, { id: a, labels: aLabels, factor: null }, outLabels);
  const right = lookThrough(b, { id: c, labels: cLabels, factor: left.factor }, outLabels);
  const present = (l: number): boolean => left.labels.includes(l) || right.labels.includes(l);
  const out = outLabels.filter(present);
  // Labels that no operand has any more: repeated if they are in the result, counted if they were summed over.
  const counted: number[] = [];
  size.forEach((_, l) => {
    if (!present(l) && !outLabels.includes(l)) counted.push(l);
  });
  let result =
    unmasked(b, left, right, out) ??
    unmasked(b, right, left, out) ??
    chosen(b, left, right, out) ??
    chosen(b, right, left, out) ??
    productOf(b, left, right, out);
  result = timesSizes(
    b,
    result,
    counted.map((l) => size.get(l)!),
  );
  if (right.factor !== null) {
    result = mul(b, result, broadcast(b, right.factor, [], b.shape(result)));
  }
  const axes = out.map((l) => outLabels.indexOf(l));
  return broadcast(b, result, axes, shape);
}

/** A value that repeats, as what it repeats and the labels of that. */
function repeated(b: GraphBuilder, id: NodeId, labels: readonly number[]) {
  const node = b.node(id);
  if (node.op !== "broadcast") return { id, labels };
  return { id: node.x, labels: node.axes.map((a) => labels[a]!) };
}

/** `mask ? x : 0` where x has the given labels and the mask some of them, in any order. */
function masked(b: GraphBuilder, x: NodeId, labels: readonly number[], mask: Operand): NodeId {
  const order = labels.filter((l) => mask.labels.includes(l));
  const turned = transpose(
    b,
    mask.id,
    order.map((l) => mask.labels.indexOf(l)),
  );
  const axes = order.map((l) => labels.indexOf(l));
  const shape = b.shape(x);
  return b.select(broadcast(b, turned, axes, shape), x, filled(b, 0, shape));
}

/** A product as something simpler because of what one operand is; null if it is nothing of the kind. */
type Simpler = (
  b: GraphBuilder,
  operand: Operand,
  other: Operand,
  out: readonly number[],
) => NodeId | null;

/**
 * An operand that is a repeated value under a mask, `mask ? x : 0`, as x itself: the mask is put on the other operand or on
 * the result, whichever has its labels. So causal attention needs no copy of the values per query.
 */
const unmasked: Simpler = (b, operand, other, out) => {
  const node = b.node(operand.id);
  if (node.op !== "select" || node.dtype !== "float" || fillValue(b, node.b) !== 0) return null;
  const mask = { ...repeated(b, node.cond, operand.labels), factor: null };
  const x = repeated(b, node.a, operand.labels);
  const reached = (l: number) => x.labels.includes(l) || other.labels.includes(l);
  const smaller = x.labels.length < operand.labels.length;
  if (!smaller || !operand.labels.every(reached)) return null;
  const sum = (id: NodeId): NodeId => contract(b, x.id, x.labels, id, other.labels, out);
  if (mask.labels.every((l) => other.labels.includes(l))) {
    return sum(masked(b, other.id, other.labels, mask));
  }
  if (!mask.labels.every((l) => out.includes(l))) return null;
  return masked(b, sum(other.id), out, mask);
};

/** A product with rows that are zero but for one element each, as the rows of a table that they choose: `E @ onehot(token)`. */
const chosen: Simpler = (b, operand, other, out) => {
  const node = b.node(operand.id);
  if (node.op !== "place") return null;
  const lead = operand.labels.slice(0, -1);
  const at = operand.labels.at(-1)!;
  const rest = other.labels.filter((l) => l !== at);
  const apart = rest.length < other.labels.length && rest.every((l) => !lead.includes(l));
  if (!apart || out.includes(at) || ![...lead, ...rest].every((l) => out.includes(l))) return null;
  const order = [at, ...rest].map((l) => other.labels.indexOf(l));
  const rows = b.gather(transpose(b, other.id, order), node.index);
  const axes = lead.map((_, i) => i);
  const scaled = mul(b, rows, broadcast(b, node.value, axes, b.shape(rows)));
  const labels = [...lead, ...rest];
  return transpose(
    b,
    scaled,
    out.map((l) => labels.indexOf(l)),
  );
};

/**
 * The contraction itself. Where one operand has only labels of the result and the other has them too, nothing is summed
 * over both: the first is summed alone and the rest is an elementwise product.
 */
/** The sum of the first times the second, where that has no labels but those that stay; else null. */
function scaledSum(
  b: GraphBuilder,
  large: Operand,
  small: Operand,
  out: readonly number[],
): NodeId | null {
  if (!small.labels.every((l) => large.labels.includes(l) && out.includes(l))) return null;
  const gone = large.labels.flatMap((l, i) => (out.includes(l) ? [] : [i]));
  const kept = large.labels.filter((l) => out.includes(l));
  const order = out.map((l) => kept.indexOf(l));
  const total = transpose(b, sum(b, large.id, gone), order);
  const placed = out.flatMap((l, i) => (small.labels.includes(l) ? [i] : []));
  const inOrder = placed.map((i) => small.labels.indexOf(out[i]!));
  const other = transpose(b, small.id, inOrder);
  return mul(b, total, broadcast(b, other, placed, b.shape(total)));
}

const productOf = (
  b: GraphBuilder,
  left: Operand,
  right: Operand,
  out: readonly number[],
): NodeId =>
  scaledSum(b, left, right, out) ??
  scaledSum(b, right, left, out) ??
  b.contract(left.id, left.labels, right.id, right.labels, out);
