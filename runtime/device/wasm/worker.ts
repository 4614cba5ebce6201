/**
 * What runs in the threads besides the caller's. The functions here are handed to threads as text, so that neither bundles
 * nor pages need a file for them: each must use nothing but its parameters and what every engine has.
 */
import type { Engine, Memory, Module } from "./engine.ts";
import { erf, hostMath, hostMathWith } from "./math.ts";

/** Places of what threads tell each other, in an array of ints. Those that each thread has for itself are 256 in a row. */
export const WORDS = {
  /** Changes whenever there is something for a thread. */
  wake: 0,
  /** Of a meeting: who has come, how many meetings there were, who sleeps there. */
  arrived: 16,
  phase: 32,
  asleep: 48,
  /** A thread has failed in the middle of something. */
  failed: 64,
  /** What to run: a space, one of its entries, and what that is called with. */
  space: 80,
  entry: 81,
  table: 82,
  batch: 83,
  time: 84,
  past: 85,
  threads: 86,
  /** By thread: messages sent to it, messages that it has dealt with, runs that it takes part in. */
  posted: 128,
  ready: 384,
  runs: 640,
  count: 896,
  /** Looks at a word before a thread goes to sleep over it. */
  spins: 4000,
  /** Milliseconds after which a thread that sleeps looks whether another one has failed. */
  patience: 500,
  /** Bytes that a memory weighs where engines do not count it: see space.ts. */
  weight: 64 * 2 ** 20,
} as const;
export type Words = typeof WORDS;

/** A memory, and the functions over it by their place in the list of names. */
export interface Post {
  readonly control: Int32Array;
  readonly thread: number;
  readonly space: {
    readonly id: number;
    readonly module: Module;
    readonly memory: Memory;
    readonly names: readonly string[];
  } | null;
  /** Spaces that are no more. */
  readonly gone: readonly number[];
}

export type Meet = (threads: number) => void;

/** Makes the function in which threads wait until so many are there. */
export function meetingOf(control: Int32Array, words: Words): Meet {
  const { arrived, phase, asleep, failed, spins, patience } = words;
  return (threads) => {
    const before = Atomics.load(control, phase);
    if (Atomics.add(control, arrived, 1) === threads - 1) {
      Atomics.store(control, arrived, 0);
      Atomics.store(control, phase, (before + 1) | 0);
      if (Atomics.load(control, asleep) > 0) Atomics.notify(control, phase);
      return;
    }
    for (let i = 0; i < spins; i++) if (Atomics.load(control, phase) !== before) return;
    Atomics.add(control, asleep, 1);
    while (Atomics.load(control, phase) === before) {
      Atomics.wait(control, phase, before, patience);
      if (Atomics.load(control, failed) !== 0) throw new Error("a thread has failed");
    }
    Atomics.sub(control, asleep, 1);
  };
}

type Run = (...values: readonly number[]) => void;

/** The script of a thread. It sleeps, not in its event loop but where it can be woken soonest, until there is something to do. */
function serve(meeting: typeof meetingOf, math: typeof hostMath, words: Words): void {
  interface Port {
    addEventListener(type: "message", listener: (event: { readonly data: Post }) => void): void;
  }
  const scope = globalThis as unknown as Port & {
    readonly WebAssembly: Engine;
    readonly process?: { getBuiltinModule(name: string): { readonly parentPort: Port } };
  };
  const port = scope.process?.getBuiltinModule("node:worker_threads").parentPort ?? scope;
  const spaces = new Map<
    number,
    { readonly entries: readonly Run[]; readonly weight: ArrayBuffer }
  >();
  let [received, done] = [0, 0];
  const run = (control: Int32Array, thread: number, meet: Meet): void => {
    const at = (word: number): number => Atomics.load(control, word);
    const threads = at(words.threads);
    try {
      const entry = spaces.get(at(words.space))!.entries[at(words.entry)]!;
      entry(at(words.table), at(words.batch), at(words.time), at(words.past), thread, threads);
      meet(threads);
    } catch (error) {
      Atomics.store(control, words.failed, 1);
      throw error;
    }
  };
  port.addEventListener("message", ({ data: { control, thread, space, gone } }) => {
    const meet = meeting(control, words);
    for (const id of gone) spaces.delete(id);
    if (space !== null) {
      const { memory, module, names, id } = space;
      const imports = { env: { memory }, math, team: { meet } };
      const { exports } = new scope.WebAssembly.Instance(module, imports);
      const entries = names.map((name) => exports[name] as Run);
      // What this is for is said in space.ts.
      spaces.set(id, { entries, weight: new ArrayBuffer(words.weight) });
    }
    received++;
    Atomics.store(control, words.ready + thread, received);
    Atomics.notify(control, words.ready + thread);
    for (;;) {
      const wake = Atomics.load(control, words.wake);
      // Messages come to the event loop.
      if (Atomics.load(control, words.posted + thread) !== received) return;
      if (Atomics.load(control, words.runs + thread) !== done) {
        done = (done + 1) | 0;
        run(control, thread, meet);
        continue;
      }
      let spins = 0;
      while (spins < words.spins && Atomics.load(control, words.wake) === wake) spins++;
      if (spins === words.spins) Atomics.wait(control, words.wake, wake);
    }
  });
}

export const threadScript = (): string =>
  `(${serve.toString()})(${meetingOf.toString()}, (${hostMathWith.toString()})(${erf.toString()}), ${JSON.stringify(WORDS)});`;
