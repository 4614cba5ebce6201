/** The two sides of a product of matrices. */
import { constant, product, type Dim } from "../dims.ts";
import type { ContractNode, NodeId } from "../graph/ir.ts";
import { classify } from "../graph/products.ts";

/** One side of the product: the labels that only one operand has, as one long axis. */
export interface Side {
  readonly operand: NodeId;
  readonly operandLabels: readonly number[];
  readonly labels: readonly number[];
  readonly count: Dim;
}

/** A run-time size counts as large. */
export const lengthOf = (side: Side): number => constant(side.count) ?? Number.MAX_SAFE_INTEGER;

/** That of the first operand and that of the second, and the labels that are summed over and that both sides keep. */
export function sidesOf(node: ContractNode, sizes: ReadonlyMap<number, Dim>) {
  const { summed, batch, rows, columns } = classify(node);
  const side = (operand: NodeId, operandLabels: readonly number[], labels: readonly number[]): Side => ({ operand, operandLabels, labels, count: product(labels.map((l) => sizes.get(l)!)) }); // prettier-ignore
  return {
    a: side(node.a, node.aLabels, rows),
    b: side(node.b, node.bLabels, columns),
    summed,
    batch,
  };
}
