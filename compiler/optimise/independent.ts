/** Axes along which a loop's body never mixes anything: heads, mostly. */
import { equal, type Dim } from "../dims.ts";
import type { Node, NodeId, Recurrence } from "../graph/ir.ts";
import { bodyNode, operands } from "../graph/shapes.ts";

/** Axes of nodes that are the same axis, as sets; some of them are run along by an operation. */
class Axes {
  readonly #parent = new Map<string, string>();
  readonly #mixed = new Set<string>();

  #root(key: string): string {
    const parent = this.#parent.get(key);
    if (parent === undefined || parent === key) return key;
    const root = this.#root(parent);
    this.#parent.set(key, root);
    return root;
  }
  key(id: NodeId, axis: number): string {
    return this.#root(`${id} ${axis}`);
  }
  same(a: NodeId, i: number, b: NodeId, j: number): void {
    const [x, y] = [this.key(a, i), this.key(b, j)];
    if (x === y) return;
    this.#parent.set(x, y);
    if (this.#mixed.has(x)) this.#mixed.add(y);
  }
  mix(id: NodeId, axis: number): void {
    this.#mixed.add(this.key(id, axis));
  }
  isMixed(key: string): boolean {
    return this.#mixed.has(key);
  }
}

/** Says which axes of a node and its operands are the same, and along which it does more than the same to each element. */
function relate(axes: Axes, node: Node, shapeOf: (id: NodeId) => readonly Dim[]): void {
  const { id, shape } = node;
  const each = (x: NodeId, except: readonly number[] = []) =>
    shape.forEach((_, i) => {
      if (except.includes(i)) [id, x].forEach((n) => axes.mix(n, i));
      else axes.same(id, i, x, i);
    });
  switch (node.op) {
    case "input":
    case "constant":
    case "size":
      return;
    case "unary":
    case "stop":
      return each(node.x);
    case "binary":
      return [node.a, node.b].forEach((x) => each(x));
    case "select":
      return [node.cond, node.a, node.b].forEach((x) => each(x));
    case "broadcast":
      return node.axes.forEach((a, i) => axes.same(id, a, node.x, i));
    case "reduce": {
      let out = 0;
      shapeOf(node.x).forEach((_, i) => {
        if (node.axes.includes(i)) axes.mix(node.x, i);
        else axes.same(id, out++, node.x, i);
      });
      return;
    }
    case "contract":
      for (const [x, labels] of [
        [node.a, node.aLabels],
        [node.b, node.bLabels],
      ] as const) {
        labels.forEach((l, i) => {
          const out = node.outLabels.indexOf(l);
          if (out >= 0) axes.same(id, out, x, i);
          else axes.mix(x, i);
        });
      }
      return;
    case "transpose":
      return node.perm.forEach((p, i) => axes.same(id, i, node.x, p));
    case "reshape": {
      const from = shapeOf(node.x);
      const least = Math.min(from.length, shape.length);
      let lead = 0;
      while (lead < least && equal(from[lead]!, shape[lead]!)) lead += 1;
      let tail = 0;
      while (tail < least - lead && equal(from.at(-1 - tail)!, shape.at(-1 - tail)!)) tail += 1;
      from.forEach((_, i) => {
        if (i < lead) axes.same(id, i, node.x, i);
        else if (i >= from.length - tail) axes.same(id, i + shape.length - from.length, node.x, i);
        else axes.mix(node.x, i);
      });
      shape.forEach((_, i) => {
        if (i >= lead && i < shape.length - tail) axes.mix(id, i);
      });
      return;
    }
    case "slice":
    case "pad":
    case "roll":
    case "reverse":
    case "cumsum":
      return each(node.x, [node.axis]);
    case "concat":
      return node.xs.forEach((x) => each(x, [node.axis]));
    case "solve": {
      const inner = [shape.length - 2, shape.length - 1];
      return [node.matrix, node.right].forEach((x) => each(x, inner));
    }
    default:
      // Whatever else there is mixes all that it touches.
      shape.forEach((_, i) => axes.mix(id, i));
      for (const x of operands(node)) shapeOf(x).forEach((_, i) => axes.mix(x, i));
  }
}

/** An axis of a loop's body, by where each of the body's nodes has it. */
export interface IndependentAxis {
  readonly extent: Dim;
  /** Null: the node is the same for all indices along the axis. */
  of(id: NodeId): number | null;
}

/** The first axis of all carries, if every step does the same along it and nothing from one index reaches another. */
export function independentAxis(r: Recurrence): IndependentAxis | null {
  const { body, carries } = r;
  const [first] = carries;
  const extent = first && bodyNode(body, first.input).shape[0];
  if (extent === undefined) return null;
  const axes = new Axes();
  const shapeOf = (id: NodeId) => bodyNode(body, id).shape;
  for (const node of body.nodes) relate(axes, node, shapeOf);
  for (const c of carries) shapeOf(c.input).forEach((_, i) => axes.same(c.input, i, c.next, i));
  for (const c of carries) {
    const own = shapeOf(c.input)[0];
    if (own === undefined || !equal(own, extent)) return null;
    axes.same(first!.input, 0, c.input, 0);
  }
  for (const c of r.replay?.carries ?? []) axes.same(first!.input, 0, c.target, 0);
  const wanted = axes.key(first!.input, 0);
  if (axes.isMixed(wanted)) return null;
  const places = new Map<NodeId, number>();
  for (const node of body.nodes) {
    const found = node.shape.flatMap((_, i) => (axes.key(node.id, i) === wanted ? [i] : []));
    if (found.length > 1) return null;
    if (found.length === 1) places.set(node.id, found[0]!);
  }
  return { extent, of: (id) => places.get(id) ?? null };
}
