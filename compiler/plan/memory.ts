/** The buffers of one entry of a program: what the caller gives, and scratch memory between and inside kernels. */
import { constant, dim, type Dim } from "../dims.ts";
import type { DType } from "../graph/ir.ts";
import type { Emitter, Source } from "./emitter.ts";
import type { Machine } from "./machine.ts";
import { asIdentifier, RESERVED_WORDS } from "./names.ts";
import { moduleName, type ElementType, type LoopBuffer } from "../loop/ir.ts";

export type Precision = "f32" | "f64";

export interface Buffer {
  readonly name: string;
  readonly type: ElementType;
  readonly length: Dim;
  readonly kind: "port" | "scratch" | "shared";
  /** Used by one kernel only, inside its loops: could be a thread's own. */
  readonly local: boolean;
}

export class Memory {
  readonly precision: Precision;
  readonly machine: Machine;
  readonly buffers = new Map<string, Buffer>();
  readonly #shared = new Map<string, string>();
  readonly #moduleNames = new Set<string>();
  /** The kernel being written: the names that it has taken. */
  kernel: Pick<Emitter, "has" | "namings"> | null = null;

  constructor(precision: Precision, machine: Machine) {
    this.precision = precision;
    this.machine = machine;
  }

  has(name: string): boolean {
    return this.buffers.has(name) || this.#moduleNames.has(name);
  }
  elementType(dtype: DType): ElementType {
    return dtype === "int" ? "i32" : this.precision;
  }
  /** Functions of the generated module. */
  readonly functions = new Set<string>();

  #taken(name: string): boolean {
    return (
      this.has(name) ||
      this.kernel?.has(name) === true ||
      this.functions.has(name) ||
      RESERVED_WORDS.has(name)
    );
  }
  #free(wish: string): string {
    const clean = asIdentifier(wish);
    let name = clean;
    for (let i = 2; this.#taken(name) || this.#taken(moduleName(name)); i++) name = `${clean}_${i}`;
    return name;
  }
  port(wish: string, type: ElementType, length: Dim): string {
    const name = this.#free(wish);
    this.buffers.set(name, { name, type, length, kind: "port", local: false });
    return name;
  }
  scratch(
    wish: string,
    type: ElementType,
    length: Dim,
    local = false,
    from: Source = "graph",
  ): string {
    const name = this.#free(wish);
    this.buffers.set(name, { name, type, length, kind: "scratch", local });
    this.kernel?.namings.push({ kind: "scratch", wish, from, name, type, length, local });
    return name;
  }
  /** An array of the module: working memory in which no kernel leaves anything for another. As long as the longest asked for. */
  shared(wish: string, type: ElementType, length: number): string {
    const name = this.#shared.get(wish) ?? this.#free(wish);
    this.#shared.set(wish, name);
    this.#moduleNames.add(moduleName(name));
    const before = constant(this.buffers.get(name)?.length ?? dim(0))!;
    const longest = dim(Math.max(before, length));
    this.buffers.set(name, { name, type, length: longest, kind: "shared", local: true });
    return name;
  }
  /** Takes back scratch memory that was given last. */
  forget(names: readonly string[]): void {
    for (const name of names) this.buffers.delete(name);
  }
  /** Gives the memory as it is now, whatever is added to this one until it is asked for. */
  remembered(): () => Memory {
    const [buffers, functions] = [this.buffers.size, this.functions.size];
    const shared = [...this.#shared].map(
      ([wish, name]) => [wish, this.buffers.get(name)!] as const,
    );
    return () => {
      const memory = new Memory(this.precision, this.machine);
      for (const [name, buffer] of [...this.buffers].slice(0, buffers))
        memory.buffers.set(name, buffer);
      for (const name of [...this.functions].slice(0, functions)) memory.functions.add(name);
      for (const [wish, buffer] of shared) {
        // It may have become longer since.
        memory.buffers.set(buffer.name, buffer);
        memory.#shared.set(wish, buffer.name);
        memory.#moduleNames.add(moduleName(buffer.name));
      }
      return memory;
    };
  }
  /** The buffer as a kernel sees it. */
  describe(name: string, access: LoopBuffer["access"]): LoopBuffer {
    const buffer = this.buffers.get(name)!;
    const length = constant(buffer.length);
    const local = buffer.local && length !== undefined;
    return {
      name,
      type: buffer.type,
      space: buffer.kind === "shared" ? "module" : local ? "local" : "global",
      access,
      length: local ? length : null,
    };
  }
}
