/** Axes along which a loop's body never mixes anything: heads, mostly. */
import { equal, type Dim } from "../dims.ts";
import type { Node, NodeId, Recurrence } from "../graph/ir.ts";
import { axesOf } from "../graph/axes.ts";
import { bodyNode } from "../graph/shapes.ts";

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

/** Says which axes of a node and its operands are the same, and along which the node runs. */
function relate(axes: Axes, node: Node, shapeOf: (id: NodeId) => readonly Dim[]): void {
  // What comes in from outside is told apart by who reads it.
  if (node.op === "input") return;
  const found = axesOf(node, shapeOf);
  for (const axis of found.along) axes.mix(node.id, axis);
  for (const x of found.operands) {
    x.axes.forEach((axis, i) => {
      if (axis === null) axes.mix(x.id, i);
      else axes.same(node.id, axis, x.id, i);
    });
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
