/** A source of choices for writing programs at random: the same seed, the same choices, on every machine. */
import { random4, streamOf, unitInterval } from "../../runtime/format/random.ts";

export class Choices {
  readonly #stream: number;
  readonly #seed: number;
  #at = 0;

  constructor(seed: number, name: string) {
    this.#seed = seed;
    this.#stream = streamOf(name);
  }
  /** A number from 0 to n − 1. */
  below(n: number): number {
    return Math.floor(unitInterval(random4(this.#seed, this.#stream, this.#at++)[0]) * n);
  }
  /** True once in n times. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }
  of<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)];
    if (found === undefined) throw new Error("there is nothing to choose from");
    return found;
  }
  /** Between `least` and all of a list, in its order. */
  some<T>(list: readonly T[], least: number): readonly T[] {
    const all = list.map((item, i) => ({ item, i, order: this.below(1 << 20) }));
    const count = least + this.below(list.length - least + 1);
    return all
      .sort((a, b) => a.order - b.order)
      .slice(0, count)
      .sort((a, b) => a.i - b.i)
      .map(({ item }) => item);
  }
}
