/** Operations on values of all steps of all sequences, done for one step of one sequence. */
import { equal } from "../dims.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { ContractNode, Graph, Node, NodeId, Recurrence } from "../graph/ir.ts";
import { bodyNode } from "../graph/shapes.ts";
import { isProduct } from "../plan/choose.ts";

/** Where a step finds the operands of the whole: each gives a node of the step's graph. */
export interface Slices {
  /** Of `[batch, time, s…]`: this step's `[s…]`. */
  step(id: NodeId): NodeId;
  /** Of `[batch, s…]`: this sequence's `[s…]`. */
  sequence(id: NodeId): NodeId;
  /** The same for all. */
  shared(id: NodeId): NodeId;
}

type Make = (builder: GraphBuilder, from: Slices) => NodeId;

/** The node for one step: null if it has to be computed for several steps or sequences at once. Its shape is `[batch, time, s…]`. */
export function sliced(graph: Graph, node: Node, r: Recurrence): Make | null {
  const leads = (id: NodeId): boolean => {
    const [batch, time] = bodyNode(graph, id).shape;
    return (
      batch !== undefined && time !== undefined && equal(batch, r.batch) && equal(time, r.time)
    );
  };
  if (!leads(node.id)) return null;
  const inside = node.shape.slice(2);
  const moved = (axis: number) => axis - 2;
  switch (node.op) {
    case "unary":
    case "stop": {
      const { id: _, origin: __, ...draft } = node;
      return (b, from) => b.copy({ ...draft, x: from.step(node.x), shape: inside });
    }
    case "binary": {
      const { id: _, origin: __, ...draft } = node;
      return (b, { step }) => b.copy({ ...draft, a: step(node.a), b: step(node.b), shape: inside });
    }
    case "select":
      return (b, { step }) => b.select(step(node.cond), step(node.a), step(node.b));
    case "broadcast":
      return broadcast(node);
    case "reduce":
      if (node.axes.some((a) => a < 2)) return null;
      return (b, { step }) => b.reduce(node.fn, step(node.x), node.axes.map(moved));
    case "contract":
      return isProduct(graph, node) && !everywhere(node) ? null : contract(node);
    case "transpose":
      if (node.perm[0] !== 0 || node.perm[1] !== 1) return null;
      return (b, { step }) => b.transpose(step(node.x), node.perm.slice(2).map(moved));
    case "reshape":
      return leads(node.x) ? (b, { step }) => b.reshape(step(node.x), inside) : null;
    case "slice":
    case "pad":
    case "roll":
    case "reverse":
    case "cumsum": {
      if (node.axis < 2) return null;
      const { id: _, origin: __, ...draft } = node;
      return (b, { step }) =>
        b.copy({ ...draft, x: step(node.x), axis: node.axis - 2, shape: inside });
    }
    case "concat":
      if (node.axis < 2) return null;
      return (b, { step }) => b.concat(node.xs.map(step), node.axis - 2);
    case "solve": {
      if (inside.length < 2) return null;
      const { lower, unit, transpose } = node;
      return (b, { step }) =>
        b.solve(step(node.matrix), step(node.right), { lower, unit, transpose });
    }
    default:
      return null;
  }
}

function broadcast(node: Node & { op: "broadcast" }): Make | null {
  const inside = node.shape.slice(2);
  const [first, second] = node.axes;
  const axes = node.axes.filter((a) => a >= 2).map((a) => a - 2);
  if (first === 0 && second === 1) return (b, { step }) => b.broadcast(step(node.x), axes, inside);
  if (second === 1 || first === 1) return null;
  if (first === 0) return (b, { sequence }) => b.broadcast(sequence(node.x), axes, inside);
  return (b, { shared }) => b.broadcast(shared(node.x), axes, inside);
}

const leading = ({ outLabels }: ContractNode): readonly number[] => outLabels.slice(0, 2);

/** Whether both operands are of all steps of all sequences. */
function everywhere(node: ContractNode): boolean {
  const [batch, time] = leading(node);
  return [node.aLabels, node.bLabels].every(([l, m]) => l === batch && m === time);
}

function contract(node: ContractNode): Make | null {
  const [batch, time] = leading(node) as [number, number];
  const rest = (labels: readonly number[]) => labels.filter((l) => l !== batch && l !== time);
  const kind = (labels: readonly number[]): keyof Slices | null => {
    if (labels[0] === batch && labels[1] === time) return "step";
    if (labels.includes(time)) return null;
    if (labels[0] === batch) return "sequence";
    return labels.includes(batch) ? null : "shared";
  };
  const [a, b] = [kind(node.aLabels), kind(node.bLabels)];
  if (a === null || b === null) return null;
  return (builder, from) =>
    builder.contract(
      from[a](node.a),
      rest(node.aLabels),
      from[b](node.b),
      rest(node.bLabels),
      rest(node.outLabels),
    );
}
