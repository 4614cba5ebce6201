/** What the host has for threads: workers of Node and of browsers behind one face. Nothing of Node's is imported: browsers load this. */
import type { Env } from "../threads.ts";
import { engine } from "./engine.ts";

export interface Thread {
  post(message: object): void;
}

interface NodeWorker {
  postMessage(message: object, handedOver: readonly object[]): void;
  on(event: "error" | "exit", listener: (what: unknown) => void): void;
  unref(): void;
}
interface WebWorker {
  postMessage(message: object, handedOver: readonly object[]): void;
  addEventListener(type: "error", listener: (event: Failure) => void): void;
}
interface Failure {
  preventDefault(): void;
  readonly message?: string;
}
interface Host {
  readonly process?: {
    readonly env: Env;
    getBuiltinModule?(name: string): unknown;
  };
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly Worker?: new (url: string) => WebWorker;
  readonly Blob?: new (parts: readonly string[], options: { readonly type: string }) => object;
  readonly URL?: { createObjectURL(blob: object): string };
}
interface NodeThreads {
  readonly Worker: new (code: string, options: object) => NodeWorker;
}
interface NodeSystem {
  availableParallelism(): number;
}

const host = globalThis as unknown as Host;
const nodes = (name: string): unknown => host.process?.getBuiltinModule?.(name);

export const environment: Env = host.process?.env ?? {};

export function processors(): number {
  const system = nodes("node:os") as NodeSystem | undefined;
  return system?.availableParallelism() ?? host.navigator?.hardwareConcurrency ?? 1;
}

/** Why threads cannot share memory and wait for each other here; null if they can. */
export function sharingMissing(): string | null {
  if (typeof SharedArrayBuffer === "undefined" || engine === undefined) {
    return "this engine shares no memory between threads";
  }
  if (nodes("node:worker_threads") === undefined && host.Worker === undefined) return "there are no workers"; // prettier-ignore
  try {
    // A page's own thread may not wait: what would hold it up is refused.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
  } catch {
    return "this thread may not wait for others";
  }
  try {
    const { buffer } = new engine.Memory({ initial: 1, maximum: 1, shared: true });
    return buffer instanceof SharedArrayBuffer
      ? null
      : "this engine's WebAssembly shares no memory";
  } catch {
    return "this engine's WebAssembly shares no memory";
  }
}

/** A thread that runs a script; it does not keep the process alive. `failed` is called when it ends. @throws where there may be none */
export function startThread(code: string, failed: (reason: string) => void): Thread {
  const threads = nodes("node:worker_threads") as NodeThreads | undefined;
  if (threads !== undefined) {
    // Nothing that the process was started with, a loader or a preloaded module, has to do with kernels.
    const made = new threads.Worker(code, { eval: true, execArgv: [], env: {} });
    made.on("error", (error) => failed(error instanceof Error ? error.message : String(error)));
    made.on("exit", () => failed("a thread has ended"));
    made.unref();
    return { post: (message) => made.postMessage(message, []) };
  }
  const { Worker, Blob, URL } = host;
  if (Worker === undefined || Blob === undefined || URL === undefined) throw new Error("there are no workers"); // prettier-ignore
  const made = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  made.addEventListener("error", (event) => {
    event.preventDefault();
    failed(event.message ?? "a worker does not start");
  });
  return { post: (message) => made.postMessage(message, []) };
}
