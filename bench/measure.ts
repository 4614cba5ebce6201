/** Times things fairly: warm-up, several rounds, medians; two things to compare take turns. */

export interface Timing {
  /** Median on the clock, in milliseconds. */
  readonly median: number;
  readonly fastest: number;
  /** Median of the time on a processor: what is left when other programs take theirs. Counts all threads. */
  readonly processor: number;
  readonly rounds: number;
}

/** One run, in milliseconds. */
interface Sample {
  readonly clock: number;
  readonly processor: number;
}

const now = (): number => performance.now();

/** Time that this process spent on processors so far, in milliseconds. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function timingOf(samples: readonly Sample[]): Timing {
  const clock = samples.map((s) => s.clock);
  return {
    median: medianOf(clock),
    fastest: Math.min(...clock),
    processor: medianOf(samples.map((s) => s.processor)),
    rounds: samples.length,
  };
}

export interface Effort {
  /** Runs that are not counted, at least. */
  readonly warmup: number;
  readonly rounds: number;
  /** A warm-up goes on until this time is spent: the engine optimises while code runs. Milliseconds. */
  readonly settle: number;
}

export const FULL: Effort = { warmup: 5, rounds: 15, settle: 1500 };
export const QUICK: Effort = { warmup: 2, rounds: 5, settle: 400 };

function settle(work: () => void, { warmup, settle: enough }: Effort): void {
  const start = now();
  for (let i = 0; i < warmup || now() - start < enough; i++) work();
}

function once(work: () => void): Sample {
  const [start, before] = [now(), processorTime()];
  work();
  return { clock: now() - start, processor: processorTime() - before };
}

/** Times of one run of `work`. */
export function measure(work: () => void, effort: Effort): Timing {
  settle(work, effort);
  return timingOf(Array.from({ length: effort.rounds }, () => once(work)));
}

/** Times of two things in one run, taken in turns so that a busy machine slows down both. */
export function compare(
  first: () => void,
  second: () => void,
  effort: Effort,
): readonly [Timing, Timing] {
  settle(first, effort);
  settle(second, effort);
  const [a, b]: [Sample[], Sample[]] = [[], []];
  for (let i = 0; i < effort.rounds; i++) {
    a.push(once(first));
    b.push(once(second));
  }
  return [timingOf(a), timingOf(b)];
}

/** How often `work` should be repeated so that one measurement takes at least `milliseconds`. */
export function repeatsFor(work: () => void, milliseconds: number): number {
  work();
  return Math.max(1, Math.ceil(milliseconds / Math.max(once(work).clock, 1e-3)));
}
