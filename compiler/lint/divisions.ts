/** Divisions by a sum of numbers that may all be zero. */
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { NodeId } from "../graph/ir.ts";
import { lintDiagnostic } from "./catalogue.ts";
import { normaliserOf, sumOf } from "./normalisers.ts";
import { isPositive, type Ranges } from "./ranges.ts";

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
    if (isPositive(range) || range.low < 0) return [];
    const under = node.op === "unary" && node.fn === "rsqrt";
    if (!under && normaliserOf(graph, by, at) === null && sumOf(graph, by, at) === null) return [];
    const { file, start, end, label } = node.origin;
    const what = label ?? "this";
    return [lintDiagnostic("fwp4503", { file, range: { start, end } }, { what })];
  });
}
