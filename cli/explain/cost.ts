/** What one token costs, counted on the graph of a step. */
import { evaluateDim, type Dim, type NamedAtom } from "../../compiler/dims.ts";
import type { Node, NodeId, StepProgram } from "../../compiler/graph/ir.ts";
import { unreachable } from "../../diagnostics/diagnostic.ts";

/** Rows that growing states are taken to hold when something has to be counted. */
export const CONTEXT = 1024;

/** The number of a size in which only the sizes of the run are open. */
export function sizeAt(d: Dim): number {
  return evaluateDim(d, (atom: NamedAtom) => {
    if (atom.key === "$time") return CONTEXT;
    return atom.key === "$past" ? 0 : 1;
  });
}

export const elementsOf = (shape: readonly Dim[]): number =>
  shape.reduce((n, d) => n * sizeAt(d), 1);

/** Multiplications, additions and elementary functions, each counted as one. Moving numbers counts nothing. */
export function operationsOf(node: Node, at: (id: NodeId) => Node): number {
  const out = elementsOf(node.shape);
  switch (node.op) {
    case "unary":
    case "binary":
    case "select":
      return out;
    case "reduce":
    case "cumsum":
      return elementsOf(at(node.x).shape);
    case "contract": {
      const lengths = new Map<number, number>();
      for (const [labels, id] of [
        [node.aLabels, node.a],
        [node.bLabels, node.b],
      ] as const) {
        for (const [i, label] of labels.entries()) lengths.set(label, sizeAt(at(id).shape[i]!));
      }
      const products = [...lengths.values()].reduce((a, b) => a * b, 1);
      // A sum adds as often as it multiplies.
      return products === out ? products : 2 * products;
    }
    case "scatter":
    case "place":
      return elementsOf(at(node.op === "scatter" ? node.updates : node.value).shape);
    case "solve": {
      const n = sizeAt(at(node.matrix).shape.at(-1)!);
      return n * out;
    }
    case "input":
    case "constant":
    case "size":
    case "iota":
    case "random":
    case "broadcast":
    case "transpose":
    case "reshape":
    case "slice":
    case "pad":
    case "concat":
    case "roll":
    case "reverse":
    case "gather":
    case "pick":
    case "append":
    case "stop":
    case "recurrence":
    case "result":
      return 0;
    default:
      return unreachable(node);
  }
}

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
