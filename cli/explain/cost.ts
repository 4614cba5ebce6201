/** What one token costs, counted on the graph of a step. */
import { elementsOf as elementsAt, operationOf, sizesOf } from "../../compiler/cost/index.ts";
import type { Dim } from "../../compiler/dims.ts";
import type { Node, NodeId, StepProgram } from "../../compiler/graph/ir.ts";

/** Rows that growing states are taken to hold when something has to be counted. */
export const CONTEXT = 1024;

/** The number of a size in which only the sizes of the run are open. */
export const sizeAt: (d: Dim) => number = sizesOf({ batch: 1, time: CONTEXT, past: 0 });

export const elementsOf = (shape: readonly Dim[]): number => elementsAt(shape, sizeAt);

/** Of one token: multiplications, additions and elementary functions, each counted as one. */
export const operationsOf = (node: Node, at: (id: NodeId) => Node): number =>
  operationOf(node, at, sizeAt).flops;

export interface Traffic {
  readonly read: number;
  readonly written: number;
}

/** Bytes of state that a token reads and writes, in float32. Of a growing state one row is written. */
export function stateTraffic(step: StepProgram): Traffic {
  let [read, written] = [0, 0];
  for (const { shape, growing, node, next } of step.states) {
    const all = elementsOf(shape);
    read += all;
    if (next !== node) written += growing ? elementsOf(shape.slice(1)) : all;
  }
  return { read: 4 * read, written: 4 * written };
}
