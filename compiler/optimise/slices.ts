/** Operations on values of all steps of all sequences, done for one step of one sequence. */
import { equal } from "../dims.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Node, NodeId, Recurrence } from "../graph/ir.ts";
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

const all = (): Extent => "step";

/** What of each operand a step needs to compute its part of a node; null if the node is of several steps or sequences at once. */
export function extents(graph: Graph, node: Node, r: Recurrence): ((x: NodeId) => Extent) | null {
  const leads = (id: NodeId): boolean => {
    const [batch, time] = bodyNode(graph, id).shape;
    return (
      batch !== undefined && time !== undefined && equal(batch, r.batch) && equal(time, r.time)
    );
  };
  if (!leads(node.id)) return null;
  switch (node.op) {
    case "unary":
    case "stop":
    case "binary":
    case "select":
      return all;
    case "reduce":
      return node.axes.every((a) => a >= 2) ? all : null;
    case "transpose":
      return node.perm[0] === 0 && node.perm[1] === 1 ? all : null;
    case "reshape":
      return leads(node.x) ? all : null;
    case "slice":
    case "pad":
    case "roll":
    case "reverse":
    case "cumsum":
    case "concat":
      return node.axis >= 2 ? all : null;
    case "solve":
      return node.shape.length >= 4 ? all : null;
    case "broadcast": {
      const extent = extentOf(node.axes, [0, 1]);
      return extent && (() => extent);
    }
    case "contract": {
      const lead = node.outLabels.slice(0, 2);
      const [a, b] = [extentOf(node.aLabels, lead), extentOf(node.bLabels, lead)];
      if (a === null || b === null) return null;
      // A dense map of all steps is one large product.
      if (isProduct(graph, node) && (a !== "step" || b !== "step")) return null;
      if (node.a === node.b && a !== b) return null;
      return (x) => (x === node.a ? a : b);
    }
    default:
      return null;
  }
}

/** Which of the two leading axes an operand has, by what its axes are in the result; null unless they lead there too. */
function extentOf(axes: readonly number[], [batch, time]: readonly number[]): Extent | null {
  if (axes[0] === batch && axes[1] === time) return "step";
  if (axes.includes(time!)) return null;
  if (axes[0] === batch) return "sequence";
  return axes.includes(batch!) ? null : "shared";
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
