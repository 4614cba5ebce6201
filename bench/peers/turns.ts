/** Times of several sides that take turns, so that a busy machine slows down all of them. */
import { setTimeout as pause } from "node:timers/promises";
import { medianOf } from "../measure.ts";
import type { Timed, Way } from "./results.ts";
import { messageOf, type Absent, type Side } from "./sides.ts";

export interface Turns {
  readonly rounds: number;
  /** Milliseconds of a side in a round, about: as many runs as fit, at least one. */
  readonly share: number;
  /** No further round after this time on the clock of `performance`. */
  readonly until: number;
}

const MOST_RUNS = 50;
/** Between turns: threads of the side before that still spin go to sleep. Milliseconds. */
const PAUSE = 10;
/** Rounds that are taken however late it is. */
const LEAST_ROUNDS = 2;

const timed = (times: readonly number[]): Timed => ({
  median: medianOf(times),
  fastest: Math.min(...times),
  runs: times.length,
});

/** In the order of the sides. A side that fails takes no part in the rounds that follow; what it did before counts. */
export async function takeTurns(
  sides: readonly Side[],
  way: Way,
  { rounds, share, until }: Turns,
): Promise<(Timed | Absent)[]> {
  const all = sides.map((side) => ({
    side,
    count: 0,
    times: [] as number[],
    gone: null as Absent | null,
  }));
  for (let round = -1; round < rounds; round++) {
    if (round >= LEAST_ROUNDS && performance.now() > until) break;
    for (const one of all) {
      if (one.gone !== null) continue;
      try {
        if (round < 0) {
          // A first turn that does not count: it wakes threads, fills caches, and says how many runs fit.
          const [, once = 0] = await one.side.run(way, 2);
          one.count = Math.min(MOST_RUNS, Math.max(1, Math.round(share / Math.max(once, 1e-3))));
        } else {
          one.times.push(...(await one.side.run(way, one.count)));
        }
      } catch (error) {
        one.gone = { state: "failed", reason: messageOf(error) };
      }
      await pause(PAUSE);
    }
  }
  return all.map(({ times, gone }) => (times.length > 0 ? timed(times) : gone!));
}
