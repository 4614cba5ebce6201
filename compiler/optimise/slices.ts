/** Operations on values of all steps of all sequences, done for one step of one sequence. */
import { equal } from "../dims.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Node, NodeId, Recurrence } from "../graph/ir.ts";
import { axesOf } from "../graph/axes.ts";
import { bodyNode } from "../graph/shapes.ts";
import { isProduct } from "../graph/products.ts";
import { withoutAxes } from "./without.ts";

/** How much of a value one step sees: its own part, that of its sequence, or all of what all sequences share. */
export type Extent = "step" | "sequence" | "shared";

/** The axes in front that are gone for a step. */
const LEADING: Readonly<Record<Extent, readonly number[]>> = {
  step: [0, 1],
  sequence: [0],
  shared: [],
};

/** What of each operand a step needs to compute its part of a node; null if the node is of several steps or sequences at once. */
export function extents(graph: Graph, node: Node, r: Recurrence): ((x: NodeId) => Extent) | null {
  const shapeOf = (id: NodeId) => bodyNode(graph, id).shape;
  const batch = node.shape[0];
  const time = node.shape[1];
  if (batch === undefined || time === undefined) return null;
  if (!equal(batch, r.batch) || !equal(time, r.time)) return null;
  const { operands, along } = axesOf(node, shapeOf);
  if (operands.length === 0 || along.some((axis) => axis < 2)) return null;
  const found = new Map<NodeId, Extent>();
  for (let i = 0; i < operands.length; i++) {
    const { id, axes } = operands[i]!;
    const extent = extentOf(axes);
    // An operand that comes twice has to come the same way.
    if (extent === null || (found.get(id) ?? extent) !== extent) return null;
    found.set(id, extent);
  }
  // A dense map of all steps is one large product.
  const dense = node.op === "contract" && isProduct(graph, node);
  if (dense && [...found.values()].some((extent) => extent !== "step")) return null;
  return (x) => found.get(x)!;
}

/** Which of the two leading axes an operand has; null unless they lead there too. */
function extentOf(axes: readonly (number | null)[]): Extent | null {
  const extent = axes[0] !== 0 ? "shared" : axes[1] !== 1 ? "sequence" : "step";
  const rest = axes.slice(LEADING[extent].length);
  return rest.some((axis) => axis === 0 || axis === 1) ? null : extent;
}

/** A node for one step, out of what the step has of its operands. */
export function sliced(
  builder: GraphBuilder,
  node: Node,
  extent: (x: NodeId) => Extent,
  from: (x: NodeId, extent: Extent) => NodeId,
): NodeId {
  const part = (x: NodeId) => ({ id: from(x, extent(x)), gone: LEADING[extent(x)] });
  return withoutAxes(builder, node, LEADING.step, part)!;
}
