/** How fast a target is, in a few numbers, and the time that a cost takes on it. */
import type { Cost } from "./count.ts";

/** The parts of a cost that take time. */
export const PARTS = [
  "products",
  "loopProducts",
  "sweeps",
  "solves",
  "elementwise",
  "functions",
  "matrices",
  "sums",
  "bytes",
  "kernels",
  "iterations",
] as const satisfies readonly (keyof Cost)[];
export type Part = (typeof PARTS)[number];

export interface Speed {
  readonly target: string;
  /** Nanoseconds that one of each takes. A table per target; `npm run fit` measures and writes it. */
  readonly nanoseconds: Readonly<Record<Part, number>>;
  /** Sequences of a batch that go through a loop over time at once. */
  readonly lanes: number;
  /** Estimates that differ by less than this factor do not say which is faster; 1 where they are taken at their word. */
  readonly doubt: number;
}

/** Milliseconds. */
export function estimate(cost: Cost, { nanoseconds, lanes }: Speed): number {
  // However many sequences go at once, the steps of one go one after the other.
  const iterations = Math.max(cost.depth, cost.iterations / lanes);
  const sum = PARTS.reduce(
    (n, part) => n + nanoseconds[part] * (part === "iterations" ? iterations : cost[part]),
    0,
  );
  return sum / 1e6;
}
