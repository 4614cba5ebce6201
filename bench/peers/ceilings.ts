/** What this machine can do at most with so many threads: the fastest of several runs of our own product, and of copies. */
import type { Target } from "../../cli/targets.ts";
import { ownProgram } from "./hand.ts";
import { productWays, SQUARE } from "./products.ts";
import { environmentOf } from "./python.ts";
import type { Ceilings } from "./results.ts";
import { Worker } from "./worker.ts";

/** Floats copied: 256 MiB, far more than caches hold, and as much as the parameters of the language model. */
const LARGE = 64 * 2 ** 20;
const SMALL = 3.3e6;
const RUNS = 7;

/** Without a C compiler: by the engine, on one thread. */
function engineCopy(length: number): number[] {
  const [from, to] = [new Float32Array(length).fill(1), new Float32Array(length)];
  return Array.from({ length: RUNS }, () => {
    const start = performance.now();
    to.set(from);
    return performance.now() - start;
  });
}

/** 10⁹ bytes per second, read and written. */
const speed = (length: number, times: readonly number[]): number =>
  (2 * 4 * length) / Math.min(...times) / 1e6;

async function copies(folder: string, threads: number): Promise<number[]> {
  try {
    const command = { program: ownProgram("copy.c", folder), arguments: [], env: environmentOf(threads) }; // prettier-ignore
    const worker = new Worker(command, 30_000);
    try {
      await worker.answer();
      const found: number[] = [];
      for (const length of [LARGE, SMALL]) {
        await worker.run(String(length), 2);
        found.push(speed(length, await worker.run(String(length), RUNS)));
      }
      return found;
    } finally {
      worker.stop();
    }
  } catch {
    return [LARGE, SMALL].map((length) => speed(length, engineCopy(length)));
  }
}

export async function ceilings(target: Target, folder: string, threads: number): Promise<Ceilings> {
  const [square] = [...productWays([SQUARE], target).values()];
  const { run, flops } = square!;
  for (let i = 0; i < 3; i++) run();
  const times = Array.from({ length: 2 * RUNS }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  const [copy = 0, copySmall = 0] = await copies(folder, threads);
  return { product: flops / Math.min(...times) / 1e6, copy, copySmall };
}
