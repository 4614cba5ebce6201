/**
 * Kernels that differ from one before them in names only, as those of the blocks of a deep model do, are not written
 * again: such a kernel gets its names as if it were, and its loops when somebody wants to see them.
 */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { Emitter, type Naming, type Source } from "./emitter.ts";
import { fingerprintOf, type Fingerprint } from "./fingerprint.ts";
import { writeKernel, type Called, type PlannedKernel, type Written } from "./kernel.ts";
import type { Memory } from "./memory.ts";
import type { Nest } from "./order.ts";
import type { RegionPlan } from "./place.ts";

interface First extends Written {
  readonly print: Fingerprint;
}

type Renaming = Map<string, string>;

export class KernelWriter {
  readonly #plan: RegionPlan;
  readonly #memory: Memory;
  /** The first kernels of their kinds, by what they depend on. */
  readonly #firsts = new Map<string, First>();

  readonly #each: boolean;

  /** `each`: writes every kernel. */
  constructor(plan: RegionPlan, memory: Memory, each: boolean) {
    this.#plan = plan;
    this.#memory = memory;
    this.#each = each;
  }

  kernel(nests: readonly Nest[], called: Called): PlannedKernel {
    if (this.#each) return writeKernel(this.#plan, nests, this.#memory, called).kernel;
    const print = fingerprintOf(this.#plan, nests, this.#memory);
    const first = this.#firsts.get(print.text);
    const repeated = first === undefined ? null : this.#repeated(first, print, nests, called);
    if (repeated !== null) return repeated;
    const written = writeKernel(this.#plan, nests, this.#memory, called);
    if (first === undefined) this.#firsts.set(print.text, { ...written, print });
    return written.kernel;
  }

  #repeated(
    first: First,
    print: Fingerprint,
    nests: readonly Nest[],
    called: Called,
  ): PlannedKernel | null {
    const [plan, memory] = [this.#plan, this.#memory];
    const before = memory.remembered();
    const renaming = renamed(first, print, memory);
    if (renaming === null) return null;
    const { kernel: like } = first;
    const own = (name: string): string => renaming.get(name) ?? name;
    const buffers = like.buffers.map((b) => memory.describe(own(b.name), b.access));
    const names = called();
    const { spread } = like;
    let written: PlannedKernel | null = null;
    return {
      ...names,
      buffers,
      sizes: like.sizes,
      like,
      spread: spread && { work: spread.work, privates: new Set([...spread.privates].map(own)) },
      get body() {
        written ??= writeKernel(plan, nests, before(), () => names).kernel;
        if (written.buffers.some((b, i) => b.name !== buffers[i]?.name))
          throw new InternalError(`${names.name} is not like ${like.name}`);
        return written.body;
      },
    };
  }
}

/** Gives a kernel its names as if it were written: buffers of the first as its own. Null, and nothing given, where that is not clear. */
function renamed(first: First, print: Fingerprint, memory: Memory): Renaming | null {
  const names: Readonly<Record<Source, Renaming>> = {
    graph: pairs(first.print.paths, print.paths),
    buffer: pairs(first.print.buffers, print.buffers),
    variable: new Map(),
  };
  const emitter = new Emitter(memory);
  const given: string[] = [];
  memory.kernel = emitter;
  const name = (n: Naming): boolean => {
    if (n.kind === "size") {
      emitter.reads(n.name);
      return true;
    }
    const wish = wishOf(n, names[n.from]);
    if (wish === null) return false;
    if (n.kind === "local") names.variable.set(n.name, emitter.name(wish, n.from));
    else {
      const buffer = memory.scratch(wish, n.type, n.length, n.local, n.from);
      names.buffer.set(n.name, buffer);
      given.push(buffer);
    }
    return true;
  };
  if (first.namings.every(name) && inOrder(names.variable)) return names.buffer;
  memory.forget(given);
  return null;
}

const pairs = (from: readonly string[], to: readonly string[]): Renaming =>
  new Map(from.map((name, i) => [name, to[i]!]));

/**
 * The wish of a kernel where the first one had another: it is a name, a name and more, or a word of its own. Names of the
 * graph without a path are the same in both, and no word has a path. Null where it could be made of several names.
 */
function wishOf({ wish, from }: Exclude<Naming, { kind: "size" }>, names: Renaming): string | null {
  if (from === "graph" && !wish.includes(".")) return wish;
  let found: string | null = null;
  // The name is all of the wish, or ends before an underscore.
  for (let end = wish.length; end > 0; end = wish.lastIndexOf("_", end - 1)) {
    const own = names.get(wish.slice(0, end));
    if (own === undefined) continue;
    const made = own + wish.slice(end);
    if (found !== null && found !== made) return null;
    found = made;
  }
  return found ?? (from === "variable" ? wish : null);
}

/** Whether variables have the same order by name: terms of an index do (affine.ts). */
function inOrder(variables: Renaming): boolean {
  // By the units of their characters, as `<` compares them.
  const own = [...variables.keys()].sort().map((name) => variables.get(name)!);
  return own.every((name, i) => i === 0 || own[i - 1]! < name);
}
