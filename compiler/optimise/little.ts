/**
 * Values that are little beside what a loop over chunks reads, norms and gates: made in every loop that reads them they cost
 * less than written down and read back.
 */
import { constant, product, type Shape } from "../dims.ts";
import type { Node, NodeId, Recurrence } from "../graph/ir.ts";

/** So many times smaller than the largest value that the loop is given step by step. */
const TIMES = 16;

/** Numbers of one step. */
const numbers = (shape: Shape): number | undefined => constant(product(shape.slice(2)));

/** Numbers of one step of a value, `[batch, steps, …]`, that is just little to a loop. */
export function littleTo({ bindings }: Recurrence, shapeOf: (id: NodeId) => Shape): number {
  const sizes = bindings.map((b) => (b.kind === "sequence" ? (numbers(shapeOf(b.value)) ?? 0) : 0));
  return Math.max(0, ...sizes) / TIMES;
}

export const isLittle = (shape: Shape, most: number): boolean =>
  (numbers(shape) ?? Infinity) <= most;

/** Of every element, or of every row, by itself: other products may take long, however little they are. */
export const isQuick = (node: Node): boolean =>
  node.op === "contract"
    ? node.aLabels.length === node.bLabels.length && node.aLabels.every((l) => node.bLabels.includes(l)) // prettier-ignore
    : ["unary", "binary", "select", "broadcast", "reduce"].includes(node.op);
