/**
 * The memory of a module. It never grows: growing would leave every array over it empty. A program has one that holds its
 * parameters and its instances while there is room, as large as an engine gives it without using it (pages are taken when
 * they are written); an instance for which there is no room gets one of its own.
 */
import type { ElementType } from "../../format/program.ts";
import { arrayOver, BYTES } from "../arena.ts";
import type { Data } from "../program.ts";
import type { Sizes } from "../../format/program.ts";
import type { Memory, Module } from "./engine.ts";
import { wasmEngine } from "./features.ts";
import { hostMath } from "./math.ts";
import { team } from "./team.ts";
import { WORDS } from "./worker.ts";

const PAGE = 65_536;
const MOST_PAGES = 65_536;
/** Compiled code takes it that no buffer begins below (compiler/targets/wasm/addresses.ts). */
const FIRST = PAGE;
/** Vectors may be loaded from a little beyond the last buffer. */
const LAST = 64;
/** A cache line. */
const LINE = 64;

export const aligned = (bytes: number): number => Math.ceil(bytes / LINE) * LINE;

const pagesFor = (bytes: number): number => Math.ceil((bytes + FIRST + LAST) / PAGE);

interface Region {
  readonly start: number;
  readonly end: number;
}

/** A module, and how many threads run it: one, or several where it was made for memory that they share (shared.ts). */
export interface Code {
  readonly module: Module;
  readonly threads: number;
}

export type EntryFunction = (
  table: number,
  batch: number,
  time: number,
  past: number,
  thread: number,
  threads: number,
) => number | void;

/** An entry over its memory. */
export interface SpaceEntry {
  /** How many threads may run it. */
  readonly threads: number;
  /** Whether they can now. */
  ready(): boolean;
  run(table: number, sizes: Sizes, together: boolean): void;
}

/** Nobody waits for himself. */
const alone = (): void => {};

/** One memory and the module's functions over it. */
export class Space {
  readonly #code: Code;
  readonly #memory: Memory;
  /**
   * Memory that is never touched. Engines do not count shared memory when they ask themselves whether it is time to
   * collect what is not used any more: without this, programs that are no more would pile up.
   */
  readonly weight: ArrayBuffer | null;
  /** What threads know this memory by. */
  readonly #id: number;
  readonly #functions: Readonly<Record<string, unknown>>;
  /** In order, with used memory between. */
  #free: Region[];
  /** Memory from here on has never been used and is zero. */
  #fresh = FIRST;

  private constructor(code: Code, pages: number) {
    const engine = wasmEngine();
    const several = code.threads > 1 ? team() : null;
    const size = several === null ? {} : { maximum: pages, shared: true };
    this.#code = code;
    this.#memory = new engine.Memory({ initial: pages, ...size });
    this.weight = several === null ? null : new ArrayBuffer(WORDS.weight);
    this.#functions = new engine.Instance(code.module, {
      env: { memory: this.#memory },
      math: hostMath,
      team: { meet: several?.meet ?? alone },
    }).exports;
    this.#id = several?.enter(this) ?? 0;
    this.#free = [{ start: FIRST, end: pages * PAGE - LAST }];
  }

  /** A memory with room for so many bytes; of up to `wished` where the engine gives it. @throws RangeError */
  static make(code: Code, bytes: number, wished = bytes): Space {
    const least = pagesFor(bytes);
    let most = Math.max(least, Math.min(pagesFor(wished), MOST_PAGES));
    for (;;) {
      try {
        return new Space(code, most);
      } catch (error) {
        if (!(error instanceof RangeError) || most <= least) throw error;
        most = Math.max(least, most >> 1);
      }
    }
  }

  /** Whether an array lies in this memory. */
  holds(data: Data): boolean {
    return data.buffer === this.#memory.buffer;
  }

  /** The first address of so many bytes of zeros, on a cache line; null if there is no room. */
  take(bytes: number): number | null {
    const needed = aligned(bytes);
    const at = this.#free.findIndex(({ start, end }) => end - start >= needed);
    const region = this.#free[at];
    if (region === undefined) return null;
    const { start, end } = region;
    this.#free.splice(at, 1, ...(end - start > needed ? [{ start: start + needed, end }] : []));
    const used = Math.min(start + needed, this.#fresh);
    if (used > start) new Uint8Array(this.#memory.buffer, start, used - start).fill(0);
    this.#fresh = Math.max(this.#fresh, start + needed);
    return start;
  }

  /** Gives back what `take` gave. Nobody may use it any more. */
  give(start: number, bytes: number): void {
    const all = [...this.#free, { start, end: start + aligned(bytes) }];
    all.sort((a, b) => a.start - b.start);
    const joined: Region[] = [];
    for (const region of all) {
      const last = joined.at(-1);
      if (last === undefined || last.end < region.start) joined.push(region);
      else joined.splice(-1, 1, { start: last.start, end: region.end });
    }
    this.#free = joined;
  }

  array(type: ElementType, address: number, length: number): Data {
    return arrayOver(type, this.#memory.buffer, address, length);
  }

  /** New memory for an array; null if there is no room. */
  allocate(type: ElementType, length: number): Data | null {
    const address = this.take(length * BYTES[type]);
    return address === null ? null : this.array(type, address, length);
  }

  /** An entry for these sizes; null if there is none of this name. */
  entry(name: string, { batch, time, past }: Sizes): SpaceEntry | null {
    const names = Object.keys(this.#functions);
    const own = `fwp_${name}`;
    const found = this.#functions[own];
    if (typeof found !== "function") return null;
    const run = found as EntryFunction;
    // Asked for no threads it says whether several are worth it.
    const several = this.#code.threads > 1 && run(0, batch, time, past, 0, 0) === 1;
    const threads = several ? this.#code.threads : 1;
    const shared = { module: this.#code.module, memory: this.#memory, names };
    const call = (table: number, sizes: Sizes, count: number): void => {
      run(table, sizes.batch, sizes.time, sizes.past, 0, count);
    };
    return {
      threads,
      ready: () => threads > 1 && team().ready(this.#id, shared, threads),
      run: (table, sizes, together) => {
        if (!together) return call(table, sizes, 1);
        const mine = (): void => call(table, sizes, threads);
        team().run(this.#id, names.indexOf(own), table, sizes, threads, mine);
      },
    };
  }
}
