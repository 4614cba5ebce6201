/** The same model written in several ways for one library: the fastest one takes part. */

export interface Candidate {
  /** Steps of a chunk; 1: step by step. */
  readonly chunk: number;
  /** The logits. */
  run(): Float32Array | Promise<Float32Array>;
}

/** The first run of each does not count. */
const RUNS = 3;

export async function fastestOf(candidates: readonly Candidate[]): Promise<Candidate> {
  let best: { readonly candidate: Candidate; readonly time: number } | null = null;
  for (const candidate of candidates) {
    let time = Infinity;
    for (let i = 0; i <= RUNS; i++) {
      const start = performance.now();
      await candidate.run();
      if (i > 0) time = Math.min(time, performance.now() - start);
    }
    if (best === null || time < best.time) best = { candidate, time };
  }
  if (best === null) throw new Error("there is nothing to choose from");
  return best.candidate;
}

export const formText = (chunk: number): string =>
  chunk === 1 ? "step by step" : `chunks of ${chunk}`;
