/**
 * Unroll and jam: several iterations of a loop side by side in the loops inside it, so that what they have in common is
 * loaded once and their sums do not wait for each other.
 */
import { constant, type Dim } from "../dims.ts";
import type { Machine } from "./machine.ts";
import { directionOf, pathsOf, type Nest } from "./order.ts";
import type { Region } from "./region.ts";
import type { Stage } from "./stages.ts";

/** Iterations side by side. */
export const LANES = 4;
/** More stages than this, times lanes, is too much code for one loop. */
const MOST_STAGES = 8;

/** Whether the loop at `depth` should run several iterations at once. */
export function jamOf(loop: Nest, depth: number, region: Region, machine: Machine): boolean {
  const stages = [...pathsOf([loop]).keys()];
  // Sums down columns become vectors of columns (see interchange.ts).
  if (machine.kind === "vector" && stages.some((s) => directionOf(s, depth) === "columns"))
    return false;
  if (stages.length > MOST_STAGES) return false;
  const inner = (s: Stage) => s.loops.length - depth - 1 + s.reducing.length;
  if (stages.some((s) => s.kind === "whole" || inner(s) > 1)) return false;
  const own = stages[0]!.loops[depth]!.extent;
  if ((constant(own) ?? LANES) < LANES) return false;
  return stages.some((s) => reuses(s, depth)) && stages.every((s) => distinct(s, depth, region));
}

/** Whether the loops inside read something that does not depend on this loop. */
function reuses(s: Stage, depth: number): boolean {
  const variable = `v${depth}`;
  for (const reads of s.reads.values()) {
    for (const index of reads ?? []) {
      const names = index.flatMap((a) => a.terms.map((t) => t.variable.name));
      const inside = names.some((n) => n.startsWith("v") && Number(n.slice(1)) > depth);
      if (inside && !names.includes(variable)) return true;
    }
  }
  return false;
}

/** Whether each iteration writes elements of its own: small arrays made for one iteration are used again by the next. */
function distinct(s: Stage, depth: number, region: Region): boolean {
  const at = s.target?.location ?? region.locations.get(s.node);
  if (at?.kind !== "buffer") return true;
  const stride: Dim | undefined = at.strides[s.loops[depth]!.axis];
  return stride !== undefined && constant(stride) !== 0;
}
