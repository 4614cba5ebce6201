/** A kernel of the loop language as a function in WebAssembly. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import type { ElementType, LoopBuffer, LoopKernel, Statement } from "../../loop/ir.ts";
import { drawsRandom, isSpread } from "../../loop/scan.ts";
import { Addresses } from "./addresses.ts";
import { Body, type Code } from "./body.ts";
import { converted, Expressions, typeOfKind, type Kind, type Real, type Variable } from "./expressions.ts"; // prettier-ignore
import type { Library } from "./functions/index.ts";
import type { Instruction, ValueType, WasmFunction } from "./instructions.ts";
import { meeting, partOf, type Team } from "./team.ts";

const SHIFTS: Readonly<Record<ElementType, number>> = { f32: 2, f64: 3, i32: 2 };
/** Bytes of a page of memory as a power of two, and of a vector. */
const [PAGE_SHIFT, VECTOR] = [16, 16];

/**
 * A function that takes the addresses of the kernel's buffers and its sizes and, where it is made for several threads,
 * which one of how many runs it. `real`: what floats are computed in.
 */
export function kernelFunction(kernel: LoopKernel, library: Library, real: Real): WasmFunction {
  // Random numbers are the same on all targets: where they are drawn, arithmetic is in doubles as in JavaScript.
  return new KernelWriter(kernel, library, drawsRandom(kernel.body) ? "f64" : real).write();
}

class KernelWriter {
  readonly #kernel: LoopKernel;
  readonly #buffers: ReadonlyMap<string, LoopBuffer & { readonly local: number }>;
  readonly #body: Body;
  readonly #addresses: Addresses;
  readonly #expressions: Expressions;
  readonly #variables = new Map<string, Variable>();
  readonly #mutable = new Set<string>();
  readonly #library: Library;
  readonly #team: Team;
  /** The local that holds the highest address of a vector, if any is asked for. */
  #limit: number | null = null;

  constructor(kernel: LoopKernel, library: Library, real: Real) {
    this.#kernel = kernel;
    if (kernel.buffers.some((b) => b.space === "module")) {
      throw new InternalError(`kernel ${kernel.name} is not for a machine with vectors`);
    }
    this.#buffers = new Map(kernel.buffers.map((b, local) => [b.name, { ...b, local }]));
    const i32: ValueType = "i32";
    const given = [...this.#buffers.keys(), ...kernel.sizes];
    this.#library = library;
    this.#team = { thread: given.length, threads: given.length + 1 };
    const names = isSpread(kernel.body) ? [...given, "thread", "threads"] : given;
    this.#body = new Body(names.map((name) => [name, i32] as const));
    kernel.sizes.forEach((name, i) => {
      this.#variables.set(name, { local: this.#buffers.size + i, kind: "i32" });
    });
    this.#addresses = new Addresses(this.#body, {
      int: (e) => this.#expressions.int(e),
      buffer: (name) => {
        const { local, type } = this.#buffer(name);
        return { local, shift: SHIFTS[type] };
      },
    });
    this.#expressions = new Expressions({
      real,
      library,
      addresses: this.#addresses,
      variable: (name) => {
        const found = this.#variables.get(name);
        if (found === undefined) throw new InternalError(`${name} is not known here`);
        return found;
      },
      element: (name) => this.#buffer(name).type,
      limit: () => {
        this.#limit ??= this.#body.lasting("i32", "limit");
        return [{ op: "local.get", local: this.#limit }];
      },
      keep: (kind, code) => this.#body.keep(typeOfKind(kind), "kept", code),
    });
  }
  #buffer(name: string): LoopBuffer & { readonly local: number } {
    const found = this.#buffers.get(name);
    if (found === undefined) throw new InternalError(`no buffer ${name}`);
    return found;
  }

  write(): WasmFunction {
    const { name, title, body } = this.#kernel;
    const instructions = this.#body.nested(() => this.#block(body));
    if (this.#limit !== null) {
      this.#body.emit(
        { op: "memory.size" },
        { op: "i32.const", value: PAGE_SHIFT },
        { op: "i32.shl" },
        { op: "i32.const", value: VECTOR },
        { op: "i32.sub" },
        { op: "local.set", local: this.#limit },
      );
    }
    this.#body.emit(...instructions);
    return this.#body.finish(name, title, null, false);
  }

  #block(statements: readonly Statement[]): void {
    const own: string[] = [];
    for (const s of statements) {
      this.#statement(s);
      if (s.op === "define") own.push(s.name);
    }
    for (const name of own) this.#forget(name);
  }
  #forget(name: string): void {
    const { local, kind } = this.#variables.get(name)!;
    this.#variables.delete(name);
    this.#mutable.delete(name);
    this.#body.release(typeOfKind(kind), local);
  }
  #declare(name: string, kind: Kind): number {
    const local = this.#body.local(typeOfKind(kind), name);
    this.#variables.set(name, { local, kind });
    return local;
  }

  #statement(s: Statement): void {
    switch (s.op) {
      case "comment":
      case "prefetch":
        return;
      case "barrier":
        return this.#body.emit(...meeting(this.#library, this.#team));
      case "define": {
        const kind = this.#expressions.kindOf(s.type);
        const code = this.#expressions.as(s.value, kind);
        const local = this.#declare(s.name, kind);
        if (s.mutable) this.#mutable.add(s.name);
        return this.#body.emit(...code, { op: "local.set", local });
      }
      case "assign": {
        const { local, kind } = this.#variables.get(s.name)!;
        const code = this.#expressions.as(s.value, kind);
        return this.#body.emit(...code, { op: "local.set", local });
      }
      case "store":
        return this.#store(s);
      case "for":
        return this.#for(s);
      case "if": {
        const condition = this.#expressions.condition(s.condition);
        const body = this.#body.nested(() => this.#block(s.body));
        const otherwise = this.#body.nested(() => this.#block(s.otherwise));
        return this.#body.emit(...condition, { op: "if", result: null, body, otherwise });
      }
      default:
        return unreachable(s);
    }
  }

  #store(s: Statement & { op: "store" }): void {
    const { type } = this.#buffer(s.buffer);
    const { lanes } = s.value.type;
    const { code: address, offset } = this.#addresses.of(s);
    if (lanes > 1) {
      const kind = this.#expressions.kindOf(s.value.type);
      const element = { f32x4: "f32", f64x2: "f64", i32x4: "i32" }[kind as string];
      if (element !== type) throw new InternalError(`a vector of ${kind} into ${type}`);
      const value = this.#expressions.as(s.value, kind);
      const old: Code = [...address, { op: "v128.load", offset }];
      const sum: Code = [...old, ...value, { op: `${kind as "f32x4"}.add` }];
      this.#body.emit(...address, ...(s.add ? sum : value), { op: "v128.store", offset });
      return;
    }
    let value: Code;
    if (type === "i32") {
      value = this.#expressions.int(s.value);
      if (s.add) value = [...address, { op: "i32.load", offset }, ...value, { op: "i32.add" }];
    } else {
      const wide = this.#expressions.value(s.value);
      if (s.add) {
        const { kind } = wide;
        if (kind !== "f32" && kind !== "f64") throw new InternalError(`${kind} into ${type}`);
        const old: Code = [...address, { op: `${type}.load`, offset }];
        const sum = kind === "f64" && type === "f32" ? converted({ kind: "f32", code: old }, "f64") : old; // prettier-ignore
        const added: Code = [...sum, ...converted(wide, kind === "f64" ? "f64" : type)];
        value = converted({ kind, code: [...added, { op: `${kind}.add` }] }, type);
      } else value = converted(wide, type);
    }
    this.#body.emit(...address, ...value, { op: `${type}.store`, offset });
  }

  #for(s: Statement & { op: "for" }): void {
    if (s.down && s.step !== 1) throw new InternalError("a backward loop in steps");
    if (s.spread === "workgroups") return this.#shared(s);
    const given = this.#expressions.int(s.to);
    // A bound that is more than a number or a variable is computed once.
    if (given.length === 1) return this.#rounds(s, this.#expressions.int(s.from), given);
    const end = this.#body.local("i32", `${s.variable}_end`);
    this.#body.emit(...given, { op: "local.set", local: end });
    this.#rounds(s, this.#expressions.int(s.from), [{ op: "local.get", local: end }]);
    this.#body.release("i32", end);
  }

  /** A loop of which every thread runs its part. */
  #shared(s: Statement & { op: "for" }): void {
    const range = { from: this.#expressions.int(s.from), to: this.#expressions.int(s.to) };
    const locals = ["first", "last"].map((end) => this.#body.local("i32", `${s.variable}_${end}`));
    const [first, last] = partOf(this.#library, this.#team, { ...range, step: s.step });
    const [from = 0, to = 0] = locals;
    this.#body.emit(...first, { op: "local.set", local: from });
    this.#body.emit(...last, { op: "local.set", local: to });
    this.#rounds(s, [{ op: "local.get", local: from }], [{ op: "local.get", local: to }]);
    for (const local of locals) this.#body.release("i32", local);
  }

  #rounds(s: Statement & { op: "for" }, from: Code, to: Code): void {
    const visible = new Set([...this.#variables.keys()].filter((name) => !this.#mutable.has(name)));
    this.#addresses.loop(s.body, visible, () => {
      const local = this.#declare(s.variable, "i32");
      const v: Instruction = { op: "local.get", local };
      const set: Instruction = { op: "local.set", local };
      const one: Instruction = { op: "i32.const", value: s.step };
      const again: Code = s.down
        ? [v, ...from, { op: "i32.ge_s" }]
        : [v, ...to, { op: "i32.lt_s" }];
      this.#body.emit(...(s.down ? [...to, one, { op: "i32.sub" } as const] : from), set);
      const loop = this.#body.nested(() => {
        this.#block(s.body);
        this.#body.emit(v, one, { op: s.down ? "i32.sub" : "i32.add" }, set);
        this.#body.emit(...again, { op: "br_if", depth: 0 });
      });
      const body: Instruction[] = [{ op: "loop", body: loop }];
      this.#body.emit(...again, { op: "if", result: null, body, otherwise: [] });
      this.#forget(s.variable);
    });
  }
}
