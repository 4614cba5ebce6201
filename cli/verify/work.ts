/** What one step costs, before anything is run. */
import { evaluateDim } from "../../compiler/dims.ts";
import type { Node, StepProgram } from "../../compiler/graph/ir.ts";
import { sizeLookup, type RunSizes } from "../../compiler/graph/interpret.ts";

const count = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/** Numbers that one step of one sequence computes; in products every multiplication counts. */
export function workOf({ body }: StepProgram, sizes: RunSizes): number {
  const lookup = sizeLookup(sizes);
  const shapeOf = ({ shape }: Node): number[] => shape.map((d) => evaluateDim(d, lookup));
  let total = 0;
  for (const node of body.nodes) {
    if (node.op !== "contract") {
      total += count(shapeOf(node));
      continue;
    }
    const size = new Map<number, number>();
    const note = (labels: readonly number[], shape: readonly number[]) =>
      labels.forEach((l, i) => size.set(l, shape[i]!));
    note(node.aLabels, shapeOf(body.nodes[node.a]!));
    note(node.bLabels, shapeOf(body.nodes[node.b]!));
    total += count([...size.values()]);
  }
  return total;
}
