/** How far two arrays are apart. */
import { expect } from "vitest";
import type { Tensor } from "../../compiler/graph/tensor.ts";

/** Root mean square of a − b over that of b (over 1 if b is all zeros). */
export function relativeRms(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} elements and ${b.length}`);
  let [difference, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(difference) / (size === 0 ? 1 : Math.sqrt(size));
}

/** Fails unless the shapes agree and the relative error is at most `tolerance`. */
export function expectClose(a: Tensor, b: Tensor, tolerance = 1e-12, what = "tensor"): void {
  expect(a.shape, what).toEqual(b.shape);
  expect(relativeRms(a.data, b.data), what).toBeLessThanOrEqual(tolerance);
}

export function expectMapsClose(
  a: ReadonlyMap<string, Tensor>,
  b: ReadonlyMap<string, Tensor>,
  tolerance = 1e-12,
): void {
  expect([...a.keys()].sort()).toEqual([...b.keys()].sort());
  for (const [name, value] of a) expectClose(value, b.get(name)!, tolerance, name);
}
