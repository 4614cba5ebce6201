/** Builders of nodes that move elements, with chains of them joined and moves of repeated values undone. */
import { add, constant, dim, equal, subtract, type Dim, type Shape } from "../../dims.ts";
import type { GraphBuilder } from "../builder.ts";
import type { NodeId } from "../ir.ts";
import { broadcast, fillValue, filled } from "./elementwise.ts";

const zero = dim(0);

export function transpose(b: GraphBuilder, x: NodeId, perm: readonly number[]): NodeId {
  const node = b.node(x);
  if (node.op === "transpose") {
    return transpose(
      b,
      node.x,
      perm.map((p) => node.perm[p]!),
    );
  }
  if (node.op === "broadcast") {
    const shape = perm.map((p) => node.shape[p]!);
    const places = perm.flatMap((p, i) => (node.axes.includes(p) ? [{ from: p, to: i }] : []));
    const inner = places.map(({ from }) => node.axes.indexOf(from));
    const axes = places.map(({ to }) => to);
    return broadcast(b, transpose(b, node.x, inner), axes, shape);
  }
  return b.transpose(x, perm);
}

export function reshape(b: GraphBuilder, x: NodeId, shape: Shape): NodeId {
  const node = b.node(x);
  if (node.op === "reshape") return reshape(b, node.x, shape);
  const value = fillValue(b, x);
  if (value !== null) return filled(b, value, shape, node.dtype);
  if (node.op === "broadcast" && node.axes.length === 0) return b.broadcast(node.x, [], shape);
  return b.reshape(x, shape);
}

export function slice(b: GraphBuilder, x: NodeId, axis: number, start: Dim, length: Dim): NodeId {
  const node = b.node(x);
  switch (node.op) {
    case "slice":
      if (node.axis === axis) return slice(b, node.x, axis, add(node.start, start), length);
      break;
    case "broadcast":
      if (!node.axes.includes(axis)) {
        const shape = node.shape.map((d, i) => (i === axis ? length : d));
        return broadcast(b, node.x, node.axes, shape);
      }
      break;
    case "pad": {
      if (node.axis !== axis) break;
      const inner = b.shape(node.x)[axis]!;
      if (equal(start, node.before) && equal(length, inner)) return node.x;
      const part = within(subtract(start, node.before), length, inner);
      if (part !== null) return slice(b, node.x, axis, part, length);
      break;
    }
    case "concat": {
      if (node.axis !== axis) break;
      let before = zero;
      for (const piece of node.xs) {
        const size = b.shape(piece)[axis]!;
        const from = subtract(start, before);
        if (equal(from, zero) && equal(length, size)) return piece;
        const part = within(from, length, size);
        if (part !== null) return slice(b, piece, axis, part, length);
        before = add(before, size);
      }
      break;
    }
    default:
      break;
  }
  return b.slice(x, axis, start, length);
}

/** `start` if `[start, start + length)` is known to lie in `[0, size)`. */
function within(start: Dim, length: Dim, size: Dim): Dim | null {
  const [from, rest] = [constant(start), constant(subtract(subtract(size, start), length))];
  return from !== undefined && rest !== undefined && from >= 0 && rest >= 0 ? start : null;
}

/** Zeros before and after. */
export function pad(b: GraphBuilder, x: NodeId, axis: number, before: Dim, after: Dim): NodeId {
  const node = b.node(x);
  if (fillValue(b, x) === 0) {
    const length = add(add(before, after), node.shape[axis]!);
    const shape = node.shape.map((d, i) => (i === axis ? length : d));
    return filled(b, 0, shape, node.dtype);
  }
  if (node.op === "pad" && node.axis === axis) {
    const inner = b.shape(node.x)[axis]!;
    const rest = subtract(subtract(node.shape[axis]!, node.before), inner);
    return pad(b, node.x, axis, add(before, node.before), add(rest, after));
  }
  return b.pad(x, axis, before, after);
}

/** Neighbouring slices of one value are joined again; empty pieces disappear. */
export function concat(b: GraphBuilder, xs: readonly NodeId[], axis: number): NodeId {
  const pieces: NodeId[] = [];
  for (const x of xs.flatMap((x) => {
    const node = b.node(x);
    return node.op === "concat" && node.axis === axis ? node.xs : [x];
  })) {
    if (equal(b.shape(x)[axis]!, zero) && xs.length > 1) continue;
    const last = pieces.at(-1);
    const joined = last === undefined ? null : join(b, last, x, axis);
    if (joined === null) pieces.push(x);
    else pieces[pieces.length - 1] = joined;
  }
  return pieces.length === 0 ? xs[0]! : b.concat(pieces, axis);
}

/** The sum of two values that are zero but in places next to each other: these side by side; null for other values. */
export function joinPads(b: GraphBuilder, x: NodeId, y: NodeId): NodeId | null {
  const [p, q] = [b.node(x), b.node(y)];
  if (p.op !== "pad" || q.op !== "pad" || p.axis !== q.axis) return null;
  const { axis } = p;
  const length = (id: NodeId): Dim => b.shape(id)[axis]!;
  const end = add(p.before, length(p.x));
  if (!equal(end, q.before)) {
    return equal(add(q.before, length(q.x)), p.before) ? joinPads(b, y, x) : null;
  }
  const after = subtract(subtract(p.shape[axis]!, q.before), length(q.x));
  return pad(b, concat(b, [p.x, q.x], axis), axis, p.before, after);
}

function join(b: GraphBuilder, x: NodeId, y: NodeId, axis: number): NodeId | null {
  const [p, q] = [b.node(x), b.node(y)];
  const length = add(p.shape[axis]!, q.shape[axis]!);
  if (p.op === "broadcast" && q.op === "broadcast" && p.x === q.x) {
    const same = p.axes.length === q.axes.length && p.axes.every((a, i) => a === q.axes[i]);
    if (!same || p.axes.includes(axis)) return null;
    return broadcast(
      b,
      p.x,
      p.axes,
      p.shape.map((d, i) => (i === axis ? length : d)),
    );
  }
  if (p.op !== "slice" || q.op !== "slice" || p.x !== q.x) return null;
  if (p.axis !== axis || q.axis !== axis) return null;
  if (!equal(add(p.start, p.shape[axis]!), q.start)) return null;
  return slice(b, p.x, axis, p.start, length);
}

export function reverse(b: GraphBuilder, x: NodeId, axis: number): NodeId {
  const node = b.node(x);
  if (node.op === "reverse" && node.axis === axis) return node.x;
  if (node.op === "broadcast" && !node.axes.includes(axis)) return x;
  if (constant(node.shape[axis]!) === 1) return x;
  return b.reverse(x, axis);
}

export function roll(b: GraphBuilder, x: NodeId, axis: number, shift: Dim): NodeId {
  const node = b.node(x);
  if (equal(shift, zero)) return x;
  if (node.op === "broadcast" && !node.axes.includes(axis)) return x;
  if (node.op === "roll" && node.axis === axis) {
    return roll(b, node.x, axis, add(shift, node.shift));
  }
  return b.roll(x, axis, shift);
}
