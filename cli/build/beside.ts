/** Work that a thread does beside this one, which has more of a model to compile meanwhile. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { doWork, type Results, type Work } from "./work.ts";

/** Gives the result when it is called and waited for: the same either way. */
export type Later<T> = () => Promise<T>;

export interface Beside {
  readonly begin: <K extends Work["kind"]>(work: Extract<Work, { kind: K }>) => Later<Results[K]>;
}

/** Everything done here, when it is wanted. */
const HERE: Beside = { begin: (work) => async () => doWork(work) };

/** Null where there is no processor for a thread, or the system refuses one. */
function startThread(): Worker | null {
  if (availableParallelism() < 2) return null;
  try {
    return new Worker(new URL("./thread.js", import.meta.url));
  } catch {
    return null;
  }
}

export function startBeside(): Beside {
  const worker = startThread();
  if (worker === null) return HERE;
  // Nobody waits for it unless what it does is wanted.
  worker.unref();
  /** What waits for a result, in the order of the work. */
  const waiting: ((result: unknown) => void)[] = [];
  let gone = false;
  const end = (): void => {
    gone = true;
    for (const resolve of waiting.splice(0)) resolve(null);
  };
  worker.on("message", (result: unknown) => waiting.shift()?.(result));
  worker.once("error", end);
  worker.once("exit", end);
  return {
    begin: <K extends Work["kind"]>(work: Extract<Work, { kind: K }>): Later<Results[K]> => {
      const done = new Promise<unknown>((resolve) => {
        if (gone) return resolve(null);
        waiting.push(resolve);
        worker.postMessage(work, []);
      });
      return async () => {
        worker.ref();
        const result = (await done) as Results[K] | null;
        worker.unref();
        // What went wrong there goes wrong here too, where it is reported; or it was only the thread.
        return result ?? doWork(work);
      };
    },
  };
}
