/**
 * The memory of a module. It never grows: growing would leave every array over it empty. A program has one that holds its
 * parameters and its instances while there is room, as large as an engine gives it without using it (pages are taken when
 * they are written); an instance for which there is no room gets one of its own.
 */
import type { ElementType } from "../../format/program.ts";
import { arrayOver, BYTES } from "../arena.ts";
import type { Data } from "../program.ts";
import type { Memory, Module } from "./engine.ts";
import { wasmEngine } from "./features.ts";
import { hostMath } from "./math.ts";

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

export type EntryFunction = (table: number, batch: number, time: number, past: number) => void;

/** One memory and the module's functions over it. */
export class Space {
  readonly #memory: Memory;
  readonly #functions: Readonly<Record<string, unknown>>;
  /** In order, with used memory between. */
  #free: Region[];
  /** Memory from here on has never been used and is zero. */
  #fresh = FIRST;

  private constructor(module: Module, pages: number) {
    const engine = wasmEngine();
    this.#memory = new engine.Memory({ initial: pages });
    const made = new engine.Instance(module, { env: { memory: this.#memory }, math: hostMath });
    this.#functions = made.exports;
    this.#free = [{ start: FIRST, end: pages * PAGE - LAST }];
  }

  /** A memory with room for so many bytes; of up to `wished` where the engine gives it. @throws RangeError */
  static make(module: Module, bytes: number, wished = bytes): Space {
    const least = pagesFor(bytes);
    let most = Math.max(least, Math.min(pagesFor(wished), MOST_PAGES));
    for (;;) {
      try {
        return new Space(module, most);
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

  entry(name: string): EntryFunction | null {
    const found = this.#functions[`fwp_${name}`];
    return typeof found === "function" ? (found as EntryFunction) : null;
  }
}
