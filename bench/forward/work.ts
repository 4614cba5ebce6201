/** What every side of the comparison is given, and what it is. */
import type { Side } from "../peers/sides.ts";
import type { Sizes, Weights } from "./model.ts";

export interface Work {
  readonly sizes: Omit<Sizes, "chunk">;
  readonly tokens: Int32Array;
  readonly weights: Weights;
  /** Throws where a library's logits are something else than ours. */
  check(name: string, logits: Float32Array): void;
  /** For files that other processes read. */
  readonly folder: string;
}

/** What its code is made for: only the same kind is compared. */
export type Kind = "wasm" | "native";

interface Named {
  readonly name: string;
  readonly kind: Kind;
}

/** One of those who take turns. */
export interface Entrant extends Named {
  readonly threads: number;
  /** Steps of a chunk, where that was ours to choose; 1: step by step. */
  readonly chunk: number | null;
  readonly side: Side;
}

export interface Missing extends Named {
  readonly why: string;
}

export const isMissing = (found: Entrant | Missing): found is Missing => "why" in found;

/** What runs in this process. */
export const sideOf = (run: () => void): Side => ({
  run: (_, count) => {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      run();
      times.push(performance.now() - start);
    }
    return Promise.resolve(times);
  },
  stop: () => undefined,
  notes: [],
});
