/** A loop of which nothing is wanted but its states: without its outputs, and without what only they need. */
import * as algebra from "./algebra/index.ts";
import { GraphBuilder } from "./builder.ts";
import type { ContractNode, NodeId, Recurrence, SliceNode } from "./ir.ts";
import { countUses, reachable, rebuild } from "./rebuild.ts";
import { bodyNode } from "./shapes.ts";

/** The carries are the same, in the same order. `r` must have no replay. */
export function statesAlone(r: Recurrence): Recurrence {
  const parts = needed(needed(r), true);
  // Without the products that they were parts of.
  return needed(parts);
}

/** What the next states need; with `parts`, products of which only one part is looked at made of that part alone. */
function needed(r: Recurrence, parts = false): Recurrence {
  const { body } = r;
  const roots = r.carries.flatMap((c) => [c.input, c.next]);
  const uses = countUses(body, roots);
  const builder = new GraphBuilder(body.name);
  const to = rebuild(
    body,
    builder,
    (node, mapped) => {
      if (!parts || node.op !== "slice" || uses.get(node.x) !== 1) return null;
      const x = bodyNode(body, node.x);
      return x.op === "contract" ? partOf(builder, node, x, mapped) : null;
    },
    roots,
  );
  const read = new Set(reachable(body, roots).map((n) => n.id));
  return {
    ...r,
    body: builder.finish(),
    carries: r.carries.map((c) => ({ ...c, input: to(c.input), next: to(c.next) })),
    bindings: r.bindings.flatMap((b) => (read.has(b.input) ? [{ ...b, input: to(b.input) }] : [])),
    outputs: [],
  };
}

/** A slice of a product as the product of slices. */
function partOf(
  b: GraphBuilder,
  { axis, start, shape }: SliceNode,
  x: ContractNode,
  to: (id: NodeId) => NodeId,
): NodeId {
  const label = x.outLabels[axis]!;
  const of = (id: NodeId, labels: readonly number[]): NodeId => {
    const at = labels.indexOf(label);
    return at < 0 ? to(id) : algebra.slice(b, to(id), at, start, shape[axis]!);
  };
  const [p, q] = [of(x.a, x.aLabels), of(x.b, x.bLabels)];
  return b.contract(p, x.aLabels, q, x.bLabels, x.outLabels);
}
