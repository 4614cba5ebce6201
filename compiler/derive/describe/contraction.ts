/** What people call a sum of products: a product of numbers, an outer or inner product, a matrix times something. */
import type { ContractNode } from "../../graph/ir.ts";
import * as f from "./expression.ts";
import type { Formula } from "./expression.ts";

/** Null for those that have no name. `hadamard`: both operands have elements of their own. */
export function contraction(
  node: Pick<ContractNode, "aLabels" | "bLabels" | "outLabels">,
  a: Formula,
  b: Formula,
  hadamard: boolean,
): Formula | null {
  const { aLabels, bLabels, outLabels } = node;
  const summed = [...new Set([...aLabels, ...bLabels])].filter((l) => !outLabels.includes(l));
  if (summed.some((l) => !aLabels.includes(l) || !bLabels.includes(l))) return null;
  const onlyA = aLabels.filter((l) => !bLabels.includes(l));
  const onlyB = bLabels.filter((l) => !aLabels.includes(l));
  const before = (x: readonly number[], y: readonly number[]): boolean =>
    Math.max(...x.map((l) => outLabels.indexOf(l))) <
    Math.min(...y.map((l) => outLabels.indexOf(l)));
  if (summed.length === 0) {
    if (onlyA.length === 0 || onlyB.length === 0) return f.product([a, b], hadamard);
    if (before(onlyA, onlyB)) return f.outer(a, b);
    return before(onlyB, onlyA) ? f.outer(b, a) : null;
  }
  if (onlyA.length === 0 && onlyB.length === 0) return f.dot(a, b);
  const inOrder = (own: readonly number[]): boolean =>
    own.every((l, i) => i === 0 || outLabels.indexOf(own[i - 1]!) < outLabels.indexOf(l));
  if (!inOrder(onlyA) || !inOrder(onlyB)) return null;
  const left = asLeft(a, aLabels, onlyA, summed);
  const right = asLeft(b, bLabels, onlyB, summed);
  if (onlyB.length === 0) return left && f.matmul(left, b);
  if (onlyA.length === 0) return right && f.matmul(right, a);
  if (left === null || right === null || onlyA.length > 1 || onlyB.length > 1) return null;
  if (before(onlyA, onlyB)) return f.matmul(left, f.transposed(right));
  return f.matmul(right, f.transposed(left));
}

/** The operand with what is summed over behind its own axes, transposed if need be. */
function asLeft(
  x: Formula,
  labels: readonly number[],
  own: readonly number[],
  summed: readonly number[],
): Formula | null {
  const [firstOwn, lastOwn] = [labels.indexOf(own[0]!), labels.indexOf(own.at(-1)!)];
  const places = summed.map((l) => labels.indexOf(l));
  if (own.length === 0 || Math.min(...places) > lastOwn) return x;
  return own.length === 1 && summed.length === 1 && Math.max(...places) < firstOwn
    ? f.transposed(x)
    : null;
}
