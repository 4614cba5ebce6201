/** A thread that works for a command: started with the process, while the command itself is still being loaded. */
import { availableParallelism } from "node:os";
import { SHARE_ENV, Worker } from "node:worker_threads";
import type { Ahead, Result, Work } from "./work.ts";

/** MB of young objects, a third of which is in use at a time. More is touched once and never again, page by page. */
const YOUNG = 12;

export class Companion {
  /** How many of the two threads have been loaded: of memory that both have, given to the script as `workerData`. */
  readonly loaded = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  /** What waits for a result, in the order of the work. */
  readonly #waiting: ((result: Result | null) => void)[] = [];
  #gone = false;
  /** That the thread has nothing left to do: true where it was never asked to end. */
  #done: Promise<unknown> = Promise.resolve();

  constructor(script: URL) {
    const worker = new Worker(script, {
      env: SHARE_ENV,
      workerData: this.loaded,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
    });
    const end = (): void => {
      this.#gone = true;
      for (const resolve of this.#waiting.splice(0)) resolve(null);
    };
    worker.on("message", (result: Result | null) => this.#waiting.shift()?.(result));
    worker.once("error", end);
    worker.once("exit", end);
    // Nobody waits for it unless what it does is wanted. Last: who listens to messages would wait for them.
    worker.unref();
    this.#worker = worker;
  }

  /** Hands over work. The result is null if the thread is gone, whatever the reason: then the work is still to do. */
  ask(work: Work): Promise<Result | null> {
    return this.#send(work);
  }

  /** What it may do until it is asked for more. */
  tell(work: Ahead): void {
    if (!this.#gone) this.#worker.postMessage(work, []);
  }

  #send(message: Work | null): Promise<Result | null> {
    return new Promise((resolve) => {
      if (this.#gone) return resolve(null);
      this.#waiting.push(resolve);
      this.#worker.postMessage(message, []);
    });
  }

  /** Keeps the process until `result` is there. */
  async wait<T>(result: Promise<T>): Promise<T> {
    this.#worker.ref();
    const found = await result;
    this.#worker.unref();
    return found;
  }

  /** No more work: the thread ends by itself, and the process with it. */
  dismiss(): void {
    this.#worker.ref();
    this.#done = this.#send(null);
  }

  /** Comes when a thread that was dismissed is done; all but the end of it may be cut short by that of the process. */
  async done(): Promise<void> {
    await this.#done;
  }
}

/** Null where there is no processor for a thread, or the system refuses one. */
export function startCompanion(script: URL): Companion | null {
  if (availableParallelism() < 2) return null;
  try {
    return new Companion(script);
  } catch {
    return null;
  }
}
