/** What is done to every step alone, `[batch, time, …]`, done to steps by chunks, `[batch, chunks, steps, …]`. */
import { equal, subtract, type Dim, type Shape } from "../dims.ts";
import { algebra } from "../graph/index.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { BroadcastNode, ContractNode, Node, NodeId } from "../graph/ir.ts";

/** How the steps of a sequence are laid out: in so many chunks of so many steps, the last one filled up. */
export interface Chunks {
  readonly batch: Dim;
  readonly time: Dim;
  readonly count: Dim;
  readonly length: Dim;
}

export const hasSteps = (shape: Shape, { batch, time }: Chunks): boolean =>
  shape.length >= 2 && equal(shape[0]!, batch) && equal(shape[1]!, time);

export const chunkShape = (shape: Shape, { count, length }: Chunks): Shape => [
  shape[0]!,
  count,
  length,
  ...shape.slice(2),
];

/** Whether a repeated value has steps of its own. */
export const isStepped = ({ axes }: BroadcastNode): boolean => axes[0] === 0 && axes[1] === 1;

const shift = (axis: number): number => (axis < 2 ? axis : axis + 1);

/** Axes of an operand in its result, where the operand too has steps if `stepped`. */
const shifted = (axes: readonly number[], stepped: boolean): number[] =>
  stepped ? [0, 1, 2, ...axes.slice(2).map(shift)] : axes.map(shift);

/** A contraction that treats sequences and steps as a batch of its own; null for another. */
function contracted(builder: GraphBuilder, node: ContractNode, part: (x: NodeId) => NodeId) {
  const [sequence, step] = node.outLabels;
  const leads = (labels: readonly number[]) => labels[0] === sequence && labels[1] === step;
  if (step === undefined || !leads(node.aLabels) || !leads(node.bLabels)) return null;
  const more = 1 + Math.max(...node.aLabels, ...node.bLabels);
  const split = ([a, b, ...rest]: readonly number[]): number[] => [a!, b!, more, ...rest];
  return algebra.contract(
    builder,
    part(node.a),
    split(node.aLabels),
    part(node.b),
    split(node.bLabels),
    split(node.outLabels),
  );
}

/**
 * A node of `[batch, time, …]` by chunks; null if it is not of every step alone. `part` gives an operand: by chunks if it has
 * steps, as it is if not. Where a sequence is filled up, what there is means nothing.
 */
export function byChunks(
  builder: GraphBuilder,
  node: Node,
  chunks: Chunks,
  part: (x: NodeId) => NodeId,
): NodeId | null {
  if (node.dtype !== "float" || !hasSteps(node.shape, chunks)) return null;
  // Along steps, or from one sequence to another.
  if ("axis" in node && node.axis < 2) return null;
  const shape = chunkShape(node.shape, chunks);
  switch (node.op) {
    case "unary":
      return algebra.unary(builder, node.fn, part(node.x));
    case "binary":
      return algebra.binary(builder, node.fn, part(node.a), part(node.b));
    case "select":
      return algebra.select(builder, part(node.cond), part(node.a), part(node.b));
    case "broadcast":
      if (!isStepped(node) && node.axes.includes(1)) return null;
      return algebra.broadcast(builder, part(node.x), shifted(node.axes, isStepped(node)), shape);
    case "reduce": {
      const within = hasSteps(builder.shape(node.x), chunks) && node.axes.every((axis) => axis > 1);
      return within ? algebra.reduce(builder, node.fn, part(node.x), node.axes.map(shift)) : null;
    }
    case "transpose":
      if (node.perm[0] !== 0 || node.perm[1] !== 1) return null;
      return algebra.transpose(builder, part(node.x), shifted(node.perm, true));
    case "reshape":
      if (!hasSteps(builder.shape(node.x), chunks)) return null;
      return algebra.reshape(builder, part(node.x), shape);
    case "slice":
      return algebra.slice(builder, part(node.x), shift(node.axis), node.start, node.shape[node.axis]!); // prettier-ignore
    case "pad": {
      const inner = builder.shape(node.x)[node.axis]!;
      const after = subtract(subtract(node.shape[node.axis]!, node.before), inner);
      return algebra.pad(builder, part(node.x), shift(node.axis), node.before, after);
    }
    case "concat":
      return algebra.concat(builder, node.xs.map(part), shift(node.axis));
    case "roll":
      return algebra.roll(builder, part(node.x), shift(node.axis), node.shift);
    case "reverse":
      return algebra.reverse(builder, part(node.x), shift(node.axis));
    case "contract":
      return contracted(builder, node, part);
    default:
      return null;
  }
}
