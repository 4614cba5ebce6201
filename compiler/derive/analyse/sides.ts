/** States that are read on both sides: no axes can be called the keys. */
import { UNIT, type Sum } from "./terms.ts";

/**
 * Whether terms of the new state are reads of the old one over axes that have nothing in common, W k and Wᵀ v, each written
 * back as an outer product: W ← (I − v vᵀ) W (I − k kᵀ). False also where the state is multiplied by a full matrix.
 */
export function isTwoSided(next: Sum): boolean {
  const place = new Map(next.out.map((l, axis) => [l, axis]));
  const sides: (readonly number[])[] = [];
  for (const term of next.terms) {
    if (term.state === null) continue;
    const inside = new Set(term.state.filter((l) => l !== UNIT && !next.out.includes(l)));
    const summed = term.state.flatMap((l, axis) => (inside.has(l) ? [axis] : []));
    const isMatrix = term.factors.some(
      ({ labels }) =>
        labels.some((l) => inside.has(l)) &&
        labels.some((l) => summed.includes(place.get(l) ?? -1)),
    );
    if (isMatrix) return false;
    if (summed.length > 0) sides.push(summed);
  }
  return sides.some((a) => sides.some((b) => !a.some((axis) => b.includes(axis))));
}
