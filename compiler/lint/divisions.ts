/** Divisions by a sum of numbers that may all be zero. */
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { Graph, NodeId } from "../graph/ir.ts";
import { lintDiagnostic } from "./catalogue.ts";
import { normaliserOf, plainOf } from "./normalisers.ts";
import { isPositive, type Ranges } from "./ranges.ts";

/**
 * Whether a value is Σ exp(x − max x) over the elements of x that a condition leaves, as in a softmax over the rows of a
 * growing state: the largest of them gives 1.
 */
function hasLargest(graph: Graph, id: NodeId): boolean {
  const at = (x: NodeId) => graph.nodes[plainOf(graph, x)]!;
  const sum = at(id);
  const term = sum.op === "reduce" && sum.fn === "sum" ? at(sum.x) : null;
  if (term?.op !== "select") return false;
  const power = at(term.a);
  const shifted = power.op === "unary" && power.fn === "exp" ? at(power.x) : null;
  if (shifted?.op !== "binary" || shifted.fn !== "sub") return false;
  const top = at(shifted.b);
  const chosen = top.op === "reduce" && top.fn === "max" ? at(top.x) : null;
  return chosen?.op === "select" && chosen.cond === term.cond && chosen.a === shifted.a;
}

export function lintDivisions(ranges: Ranges): Diagnostic[] {
  const { graph } = ranges;
  const at = (id: NodeId) => ranges.at(id);
  return graph.nodes.flatMap((node) => {
    const by =
      node.op === "binary" && node.fn === "div"
        ? node.b
        : node.op === "unary" && (node.fn === "reciprocal" || node.fn === "rsqrt")
          ? node.x
          : null;
    if (by === null || node.origin === null) return [];
    const range = at(by);
    if (isPositive(range) || range.low < 0 || hasLargest(graph, by)) return [];
    const under = node.op === "unary" && node.fn === "rsqrt";
    if (!under && normaliserOf(graph, by, at) === null) return [];
    const { file, start, end, label } = node.origin;
    const what = label ?? "this";
    return [lintDiagnostic("fwp4503", { file, range: { start, end } }, { what })];
  });
}
