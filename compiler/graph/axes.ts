/** Which axes of a node's operands are axes of its result, and along which axes it does more than the same to each index. */
import { equal, type Dim, type Shape } from "../dims.ts";
import type { Node, NodeId } from "./ir.ts";
import { operands } from "./shapes.ts";

export interface OperandAxes {
  readonly id: NodeId;
  /** For each axis the result's axis that it is; null for one that the node runs along. */
  readonly axes: readonly (number | null)[];
}

export interface NodeAxes {
  readonly operands: readonly OperandAxes[];
  /** Axes of the result that the node runs along. What is neither here nor an operand's repeats itself. */
  readonly along: readonly number[];
}

const indices = (shape: readonly unknown[]): number[] => shape.map((_, i) => i);

/** How many axes two shapes have in common at the front and, of what is left, at the end. */
export function commonAxes(a: Shape, b: Shape): { readonly lead: number; readonly tail: number } {
  const least = Math.min(a.length, b.length);
  let lead = 0;
  while (lead < least && equal(a[lead]!, b[lead]!)) lead += 1;
  let tail = 0;
  while (tail < least - lead && equal(a.at(-1 - tail)!, b.at(-1 - tail)!)) tail += 1;
  return { lead, tail };
}

export function axesOf(node: Node, shapeOf: (id: NodeId) => readonly Dim[]): NodeAxes {
  const all = indices(node.shape);
  const same = (ids: readonly NodeId[], along: readonly number[] = []): NodeAxes => ({
    operands: ids.map((id) => ({ id, axes: all.map((i) => (along.includes(i) ? null : i)) })),
    along,
  });
  switch (node.op) {
    case "unary":
    case "stop":
    case "binary":
    case "select":
      return same(operands(node));
    case "slice":
    case "pad":
    case "roll":
    case "reverse":
    case "cumsum":
    case "concat":
      return same(operands(node), [node.axis]);
    case "solve":
      return same(operands(node), all.slice(-2));
    case "broadcast":
      return { operands: [{ id: node.x, axes: node.axes }], along: [] };
    case "transpose":
      return { operands: [{ id: node.x, axes: all.map((p) => node.perm.indexOf(p)) }], along: [] };
    case "reduce": {
      const kept = indices(shapeOf(node.x)).filter((i) => !node.axes.includes(i));
      const axes = indices(shapeOf(node.x)).map((i) => (kept.includes(i) ? kept.indexOf(i) : null));
      return { operands: [{ id: node.x, axes }], along: [] };
    }
    case "contract": {
      const of = (id: NodeId, labels: readonly number[]): OperandAxes => ({
        id,
        axes: labels.map((l) => (node.outLabels.includes(l) ? node.outLabels.indexOf(l) : null)),
      });
      return { operands: [of(node.a, node.aLabels), of(node.b, node.bLabels)], along: [] };
    }
    case "reshape": {
      const from = shapeOf(node.x);
      const { lead, tail } = commonAxes(from, node.shape);
      const more = node.shape.length - from.length;
      const axes = from.map((_, i) => (i < lead ? i : i >= from.length - tail ? i + more : null));
      return { operands: [{ id: node.x, axes }], along: all.slice(lead, all.length - tail) };
    }
    default:
      // Whatever else there is runs along all that it touches.
      return {
        operands: operands(node).map((id) => ({ id, axes: shapeOf(id).map(() => null) })),
        along: all,
      };
  }
}
