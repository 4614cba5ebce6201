/** Times of repeated work, in milliseconds on the clock. */
export function once(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** How long the fastest run is waited for. */
const PATIENCE = 300;

/** The fastest of several runs: what else the machine does only ever adds. */
export function fastest(work: () => void): number {
  const start = performance.now();
  let best = Infinity;
  for (let i = 0; i < 3 || performance.now() - start < PATIENCE; i++) best = Math.min(best, once(work)); // prettier-ignore
  return best;
}
