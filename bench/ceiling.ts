/** What one thread of this engine can do at most: multiply-adds that wait neither for memory nor for each other. */
import { measure, type Effort } from "./measure.ts";

const ROUNDS = 200_000;
const CHAINS = 12;

/** Twelve independent chains, all in registers: two float operations each per round. */
function chains(rounds: number, a: number, b: number): number {
  let [s0, s1, s2, s3, s4, s5] = [0, 1, 2, 3, 4, 5];
  let [s6, s7, s8, s9, s10, s11] = [6, 7, 8, 9, 10, 11];
  for (let i = 0; i < rounds; i++) {
    s0 = s0 * a + b;
    s1 = s1 * a + b;
    s2 = s2 * a + b;
    s3 = s3 * a + b;
    s4 = s4 * a + b;
    s5 = s5 * a + b;
    s6 = s6 * a + b;
    s7 = s7 * a + b;
    s8 = s8 * a + b;
    s9 = s9 * a + b;
    s10 = s10 * a + b;
    s11 = s11 * a + b;
  }
  return s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11;
}

/** In 10⁹ float operations per second. */
export function scalarCeiling(effort: Effort): number {
  let sink = 0;
  const { fastest } = measure(() => {
    sink += chains(ROUNDS, 0.999, 0.001);
  }, effort);
  if (Number.isNaN(sink)) throw new Error("the chains diverged");
  return (2 * CHAINS * ROUNDS) / fastest / 1e6;
}
