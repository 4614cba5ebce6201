/**
 * The threads besides this one: workers, made at the first run that is worth it. Nobody waits until they are there: runs are
 * done alone meanwhile, and for good where there can be none.
 */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import type { Sizes } from "../../format/program.ts";
import { threadCount, type Env } from "../threads.ts";
import type { Memory, Module } from "./engine.ts";
import { environment, processors, sharingMissing, startThread, type Thread } from "./host.ts";
import { meetingOf, threadScript, WORDS, type Meet, type Post } from "./worker.ts";

/** What threads have to know of a memory and its functions. */
export interface Shared {
  readonly module: Module;
  readonly memory: Memory;
  readonly names: readonly string[];
}

interface Member {
  readonly thread: Thread;
  /** Memories that it knows, and those of them that are no more. */
  readonly knows: Set<number>;
  gone: number[];
  posted: number;
}

const BYTES = 4;
/** Milliseconds that threads are given to start where somebody asks for nothing but that. */
const PATIENCE = 5000;

export class Team {
  readonly #control = new Int32Array(new SharedArrayBuffer(BYTES * WORDS.count));
  readonly #members: Member[] = [];
  readonly #collected = new FinalizationRegistry((id: number) => this.#forget(id));
  readonly meet: Meet = meetingOf(this.#control, WORDS);
  #ids = 0;
  #broken: string | null = null;
  #runs = 0;

  /** How many runs were done together. */
  get runs(): number {
    return this.#runs;
  }
  /** Why there are no threads after all; null as long as nothing has failed. */
  get broken(): string | null {
    return this.#broken;
  }

  /** A number for a memory, as long as `owner` lives. */
  enter(owner: object): number {
    this.#collected.register(owner, ++this.#ids);
    return this.#ids;
  }
  #forget(id: number): void {
    for (const member of this.#members) if (member.knows.delete(id)) member.gone.push(id);
  }

  /** Whether so many threads, with this one, can run what is in this memory now. If not they are told of it. */
  ready(id: number, shared: Shared, threads: number): boolean {
    for (let i = 1; i < threads && this.#broken === null; i++) {
      if (this.#members[i - 1]?.knows.has(id) !== true) this.#tell(i, { id, ...shared });
    }
    return this.#broken === null && this.arrived(threads) === threads;
  }

  /** Of the first threads, how many with this one have done what they were told. */
  arrived(threads: number): number {
    let count = 1;
    for (let i = 1; i < threads; i++) if (this.#isReady(i)) count++;
    return count;
  }
  #isReady(i: number): boolean {
    return Atomics.load(this.#control, WORDS.ready + i) === this.#members[i - 1]?.posted;
  }

  #tell(i: number, space: Post["space"]): void {
    try {
      const member = this.#members[i - 1] ?? this.#make();
      const post: Post = { control: this.#control, thread: i, space, gone: member.gone };
      member.gone = [];
      if (space !== null) member.knows.add(space.id);
      // A thread that sees this goes where messages come.
      Atomics.store(this.#control, WORDS.posted + i, ++member.posted);
      this.#wake();
      member.thread.post(post);
    } catch (error) {
      this.#broken = error instanceof Error ? error.message : String(error);
    }
  }
  #make(): Member {
    const thread = startThread(threadScript(), (reason) => (this.#broken ??= reason));
    const member: Member = { thread, knows: new Set(), gone: [], posted: 0 };
    this.#members.push(member);
    return member;
  }
  #wake(): void {
    Atomics.add(this.#control, WORDS.wake, 1);
    Atomics.notify(this.#control, WORDS.wake);
  }

  /** Calls an entry in so many threads, which are `ready`; `own` is the call of this one. */
  run(
    id: number,
    entry: number,
    table: number,
    { batch, time, past }: Sizes,
    threads: number,
    own: () => void,
  ): void {
    const control = this.#control;
    control.set([id, entry, table, batch, time, past, threads], WORDS.space);
    for (let i = 1; i < threads; i++) Atomics.add(control, WORDS.runs + i, 1);
    this.#wake();
    this.#runs++;
    try {
      own();
      this.meet(threads);
    } catch (error) {
      this.#broken = "a thread has failed";
      throw error;
    }
  }

  /** Makes so many threads, if that is possible. How many there are then, with this one. */
  gather(threads: number): number {
    for (let i = 1; i < threads && this.#broken === null; i++) {
      if (this.#members[i - 1] === undefined) this.#tell(i, null);
    }
    return this.#broken === null ? this.wait(threads, PATIENCE) : 1;
  }

  /** Waits until threads have done what they were told, at most so many milliseconds. How many have. */
  wait(threads: number, milliseconds: number): number {
    const end = performance.now() + milliseconds;
    for (let i = 1; i < threads; i++) {
      for (;;) {
        const left = end - performance.now();
        const seen = Atomics.load(this.#control, WORDS.ready + i);
        if (this.#isReady(i) || left <= 0 || this.#broken !== null) break;
        Atomics.wait(this.#control, WORDS.ready + i, seen, left);
      }
    }
    return this.arrived(threads);
  }
}

let made: Team | null = null;
let missing: string | null | undefined;

/** The threads of this process. Only where memory can be shared: see `wasmThreads`. */
export function team(): Team {
  if (sharingMissing() !== null) throw new InternalError("threads where no memory is shared");
  return (made ??= new Team());
}

export interface WasmThreads {
  /** How many run a program, as long as they can be made. */
  readonly threads: number;
  /** Why it is one where more were asked for, else null. */
  readonly why: string | null;
}

/** How many threads run programs: `$FWP_THREADS`, or as many as there are processors; one where they cannot share memory. */
export function wasmThreads(env: Env = environment): WasmThreads {
  const wanted = threadCount(env, processors());
  if (wanted === 1) return { threads: 1, why: null };
  if (missing === undefined) missing = sharingMissing();
  return missing === null ? { threads: wanted, why: null } : { threads: 1, why: missing };
}

/** The same after they have been made, to see whether they can be. */
export function possibleWasmThreads(env: Env = environment): WasmThreads {
  const found = wasmThreads(env);
  if (found.threads === 1 || team().gather(found.threads) === found.threads) return found;
  return { threads: 1, why: team().broken ?? "threads do not start" };
}
