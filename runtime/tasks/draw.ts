/** Random draws for tasks, each a function of (seed, stream, counter) alone. */
import { random4 } from "../format/random.ts";

/** Numbers one after the other from a stream of words. */
export interface Dice {
  /** Uniform in 0 … n − 1, without bias (words that would favour the small numbers are thrown away). */
  below(n: number): number;
}

/**
 * The draws of one thing: sequence `item` of a split. Items have 2²⁰ blocks each, so they never share a word.
 */
export function dice(seed: number, stream: number, item: number): Dice {
  let block = item * 2 ** 20;
  let words = random4(seed, stream, block);
  let next = 0;
  const word = (): number => {
    if (next === 4) {
      words = random4(seed, stream, ++block);
      next = 0;
    }
    return words[next++]!;
  };
  return {
    below(n) {
      const fair = 2 ** 32 - (2 ** 32 % n);
      for (;;) {
        const found = word();
        if (found < fair) return found % n;
      }
    },
  };
}

/** `count` of 0 … n − 1: without replacement (`count` ≤ n) or with. */
export function choose(die: Dice, n: number, count: number, replace: boolean): Int32Array {
  const chosen = new Int32Array(count);
  if (replace) {
    for (let i = 0; i < count; i++) chosen[i] = die.below(n);
    return chosen;
  }
  const all = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + die.below(n - i);
    [all[i], all[j]] = [all[j]!, all[i]!];
    chosen[i] = all[i]!;
  }
  return chosen;
}
