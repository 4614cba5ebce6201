/** Checks a kernel: names known and used as what they are, types that fit, buffers touched as they are declared. */
import { InternalError, unreachable } from "../../diagnostics/diagnostic.ts";
import type { BinaryOp, Expr, LoopBuffer, LoopKernel, LoopType, Statement } from "./ir.ts";
import { parts } from "./scan.ts";

interface Variable {
  readonly type: LoopType;
  readonly mutable: boolean;
}

const INT_ONLY: ReadonlySet<BinaryOp> = new Set([
  "bit_and",
  "bit_or",
  "bit_xor",
  "shift_left",
  "shift_right",
  "mul_high",
]);
const COMPARES: ReadonlySet<BinaryOp> = new Set(["lt", "le", "eq", "ne"]);

/** @throws InternalError naming the kernel and what is wrong with it. */
export function verifyKernel(kernel: LoopKernel): void {
  new Verifier(kernel).check();
}

class Verifier {
  readonly #kernel: LoopKernel;
  readonly #buffers: ReadonlyMap<string, LoopBuffer>;
  readonly #scopes: Map<string, Variable>[] = [new Map()];
  /** Inside conditions under which not all threads need come by. */
  #divergent = 0;
  /** Sizes and ints made of them alone: the same for all threads. */
  readonly #same = new Set<string>();

  constructor(kernel: LoopKernel) {
    this.#kernel = kernel;
    this.#buffers = new Map(kernel.buffers.map((b) => [b.name, b]));
    for (const s of kernel.sizes) {
      this.#declare(s, { type: { kind: "int", lanes: 1 }, mutable: false });
      this.#same.add(s);
    }
  }

  check(): void {
    this.#expect(this.#buffers.size === this.#kernel.buffers.length, "two buffers of one name");
    for (const b of this.#kernel.buffers) {
      this.#expect(b.space === "global" || b.length !== null, `${b.name} has no length`);
    }
    this.#block(this.#kernel.body);
  }

  #expect(ok: boolean, what: string): asserts ok {
    if (!ok) throw new InternalError(`kernel ${this.#kernel.name}: ${what}`);
  }
  #declare(name: string, v: Variable): void {
    this.#expect(!this.#buffers.has(name), `${name} is a buffer and a variable`);
    this.#expect(
      this.#scopes.every((s) => !s.has(name)),
      `${name} is declared twice`,
    );
    this.#scopes.at(-1)!.set(name, v);
  }
  #find(name: string): Variable {
    const found = this.#scopes.map((s) => s.get(name)).find((v) => v !== undefined);
    this.#expect(found !== undefined, `${name} is not known here`);
    return found;
  }
  #block(statements: readonly Statement[]): void {
    this.#scopes.push(new Map());
    statements.forEach((s) => this.#statement(s));
    this.#scopes.pop();
  }

  #statement(s: Statement): void {
    switch (s.op) {
      case "comment":
        return this.#expect(!s.text.includes("\n"), "a comment of several lines");
      case "define":
        this.#type(s.value, s.type.kind, s.name);
        if (!s.mutable && this.#isSame(s.value)) this.#same.add(s.name);
        return this.#declare(s.name, { type: s.type, mutable: s.mutable });
      case "assign": {
        const v = this.#find(s.name);
        this.#expect(v.mutable, `${s.name} is constant`);
        return this.#type(s.value, v.type.kind, s.name);
      }
      case "store": {
        const b = this.#buffer(s.buffer, s.add ? ["readwrite"] : ["write", "readwrite"]);
        this.#type(s.index, "int", `index of ${s.buffer}`);
        return this.#type(s.value, b.type === "i32" ? "int" : "float", s.buffer);
      }
      case "for": {
        this.#type(s.from, "int", s.variable);
        this.#type(s.to, "int", s.variable);
        this.#expect(
          Number.isInteger(s.step) && s.step > 0,
          `${s.variable} goes in steps of ${s.step}`,
        );
        this.#scopes.push(new Map());
        this.#declare(s.variable, { type: { kind: "int", lanes: 1 }, mutable: false });
        this.#block(s.body);
        this.#scopes.pop();
        return;
      }
      case "if": {
        this.#type(s.condition, "bool", "a condition");
        const may = this.#isSame(s.condition) ? 0 : 1;
        this.#divergent += may;
        this.#block(s.body);
        this.#block(s.otherwise);
        this.#divergent -= may;
        return;
      }
      case "prefetch":
        this.#buffer(s.buffer, ["read", "readwrite"]);
        return this.#type(s.index, "int", `index of ${s.buffer}`);
      case "barrier":
        return this.#expect(this.#divergent === 0, "a barrier that some threads may not reach");
      default:
        return unreachable(s);
    }
  }

  #isSame(e: Expr): boolean {
    if (e.op === "variable") return this.#same.has(e.name);
    return e.op !== "load" && parts(e).every((x) => this.#isSame(x));
  }

  #buffer(name: string, access: readonly LoopBuffer["access"][]): LoopBuffer {
    const found = this.#buffers.get(name);
    this.#expect(found !== undefined, `no buffer ${name}`);
    this.#expect(access.includes(found.access), `${name} is ${found.access}`);
    return found;
  }

  #type(e: Expr, kind: LoopType["kind"], what: string): void {
    this.#check(e);
    this.#expect(e.type.kind === kind, `${what} is ${e.type.kind}, expected ${kind}`);
  }

  #check(e: Expr): void {
    for (const x of parts(e)) this.#check(x);
    switch (e.op) {
      case "number":
      case "unary":
        return;
      case "variable":
        return this.#expect(
          this.#find(e.name).type.kind === e.type.kind,
          `${e.name} is of another type`,
        );
      case "load": {
        const b = this.#buffer(e.buffer, ["read", "readwrite"]);
        this.#expect((b.type === "i32") === (e.type.kind === "int"), `${e.buffer} holds ${b.type}`);
        return this.#expect(e.index.type.kind === "int", `index of ${e.buffer}`);
      }
      case "binary":
        this.#expect(
          e.a.type.kind === e.b.type.kind,
          `${e.fn} of ${e.a.type.kind} and ${e.b.type.kind}`,
        );
        if (INT_ONLY.has(e.fn))
          this.#expect(e.a.type.kind === "int", `${e.fn} of ${e.a.type.kind}`);
        if (COMPARES.has(e.fn))
          this.#expect(e.type.kind === "bool", `${e.fn} gives ${e.type.kind}`);
        return;
      case "select":
        this.#expect(e.condition.type.kind === "bool", "select by what is no condition");
        return this.#expect(e.a.type.kind === e.b.type.kind, "select of two types");
      case "splat":
        return this.#expect(e.x.type.lanes === 1, "splat of a vector");
      case "ramp":
        return this.#expect(e.x.type.lanes === 1 && e.x.type.kind === "int", "ramp of no int");
      case "across":
        return this.#expect(e.type.lanes === 1, "across gives a scalar");
      case "sums":
        return this.#expect(
          e.xs.length === e.type.lanes && e.xs.every((x) => x.type.lanes === e.type.lanes),
          "sums of as many vectors as lanes",
        );
      case "shuffle":
        return this.#expect(
          [e.a, e.b].every((x) => x.type.lanes === e.type.lanes && x.type.kind === e.type.kind) &&
            e.from.length === e.type.lanes &&
            e.from.every((lane) => lane >= 0 && lane < 2 * e.type.lanes),
          "a shuffle of two vectors of as many lanes as it gives",
        );
      default:
        return unreachable(e);
    }
  }
}
