/** A square of numbers in registers turned over: what were its rows are its columns. */
import type { Expr } from "../loop/ir.ts";
import type { Emitter } from "./emitter.ts";

/** Bytes within which machines shuffle most cheaply: pieces of so many are put in their places last. */
const NEAR = 16;

/**
 * As many vectors as they have lanes; number i of the result has lane i of each. Each step makes two vectors of two: first,
 * within pieces of NEAR bytes, numbers of neighbouring rows come to lie beside each other, then pairs of these; then whole
 * pieces are sorted by whether they stand at an even or an odd place. `bytes` per number.
 */
export function transposed(emitter: Emitter, rows: readonly Expr[], bytes: number): Expr[] {
  const lanes = rows.length;
  const near = Math.min(lanes, NEAR / bytes);
  const all = Array.from({ length: lanes }, (_, lane) => lane);
  let xs = [...rows];
  /** Vectors `apart` from each other, two and two: what `low` and `high` choose of both takes their places. */
  const step = (
    apart: number,
    low: readonly number[],
    high: readonly number[],
    places: (i: number) => readonly [number, number],
  ): void => {
    const made = [...xs];
    all.forEach((i) => {
      if ((i & apart) !== 0) return;
      const [a, b] = [xs[i]!, xs[i + apart]!];
      const shuffle = (from: readonly number[]): Expr =>
        emitter.define("turned", { op: "shuffle", type: a.type, a, b, from });
      const [p, q] = places(i);
      made[p] = shuffle(low);
      made[q] = shuffle(high);
    });
    xs = made;
  };
  for (let unit = 1; unit < near; unit *= 2) {
    // Of each piece the first (second) half of its units, in turn of one vector and of the other.
    const half = (second: number): number[] =>
      all.map((lane) => {
        const within = lane % near;
        const place = Math.floor(within / (2 * unit)) * unit + (within % unit);
        const other = Math.floor(within / unit) % 2 === 1 ? lanes : 0;
        return other + lane - within + (second * near) / 2 + place;
      });
    step(unit, half(0), half(1), (i) => [i, i + unit]);
  }
  // After steps with rows 1 and 2 apart, number 1 has what belongs to number 2 and the other way round.
  if (near === 4) xs = all.map((i) => xs[(i & ~3) | [0, 2, 1, 3][i & 3]!]!);
  for (let apart = near; apart < lanes; apart *= 2) {
    const pieces = lanes / near;
    const of = (odd: number): number[] =>
      all.map((lane) => {
        const piece = Math.floor(lane / near);
        const from = (2 * piece + odd) % pieces;
        return (2 * piece >= pieces ? lanes : 0) + from * near + (lane % near);
      });
    step(apart, of(0), of(1), (i) => [i, i + apart]);
  }
  return xs;
}
