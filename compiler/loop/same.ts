/** Kernels that differ in names only: the blocks of a deep model have the same loops. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { Expr, LoopBuffer, LoopKernel, LoopType, Statement } from "./ir.ts";
import { statementsIn } from "./scan.ts";

/** What can be seen of a kernel at a glance: kernels of other outlines are others. */
function outlineOf({ buffers, sizes, body }: LoopKernel): string {
  let outline = `${sizes.length}`;
  buffers.forEach(({ type, space, access, length }) => {
    outline += ` ${type} ${space} ${access}`;
    // Of the module's arrays each kernel sees as much as was known to be wanted when it was written.
    if (space !== "module") outline += ` ${length}`;
  });
  statementsIn(body).forEach(({ op }) => {
    if (op !== "comment") outline += ` ${op}`;
  });
  return outline;
}

/** A function of a module. */
interface SharedKernel {
  readonly name: string;
  /** The first kernel that it is. */
  readonly kernel: LoopKernel;
}

/** The functions of a module: kernels that differ in names only are one. */
export class SharedKernels {
  readonly #outlines = new Map<string, SharedKernel[]>();
  readonly #kernels = new Map<LoopKernel, SharedKernel>();

  /** The function that a kernel is, and whether it has to be written yet. */
  functionOf(kernel: LoopKernel): SharedKernel & { readonly isNew: boolean } {
    const like = kernel.like && this.#kernels.get(kernel.like);
    if (like !== undefined) return { ...like, isNew: false };
    const outline = outlineOf(kernel);
    const alike = this.#outlines.get(outline) ?? [];
    this.#outlines.set(outline, alike);
    const known = alike.find((k) => new Comparison().kernels(kernel, k.kernel));
    const own = known ?? { name: kernel.name, kernel };
    if (known === undefined) alike.push(own);
    this.#kernels.set(kernel, own);
    return { ...own, isNew: known === undefined };
  }
}

const sameType = (a: LoopType, b: LoopType): boolean => a.kind === b.kind && a.lanes === b.lanes;

/**
 * Goes through two kernels side by side: each name of one stands for one of the other. Comments say nothing. Arrays of the
 * module keep their names: nobody hands them to a kernel.
 */
class Comparison {
  readonly #there = new Map<string, string>();
  readonly #back = new Map<string, string>();

  /** Of kernels of one outline. */
  kernels(a: LoopKernel, b: LoopKernel): boolean {
    const sameBuffer = ({ name, space }: LoopBuffer, i: number): boolean => {
      const other = b.buffers[i]!.name;
      return this.#names(name, other) && (space !== "module" || name === other);
    };
    return (
      a.buffers.every(sameBuffer) &&
      a.sizes.every((x, i) => this.#names(x, b.sizes[i]!)) &&
      this.#bodies(a.body, b.body)
    );
  }

  #names(a: string, b: string): boolean {
    const known = this.#there.get(a);
    if (known !== undefined) return known === b;
    if (this.#back.has(b)) return false;
    this.#there.set(a, b);
    this.#back.set(b, a);
    return true;
  }

  #expressions(a: Expr, b: Expr): boolean {
    if (a.op !== b.op || !sameType(a.type, b.type)) return false;
    switch (a.op) {
      case "number":
        return b.op === a.op && Object.is(a.value, b.value);
      case "variable":
        return b.op === a.op && this.#names(a.name, b.name);
      case "load":
        return b.op === a.op && this.#names(a.buffer, b.buffer) && this.#expressions(a.index, b.index); // prettier-ignore
      case "unary":
        return b.op === a.op && a.fn === b.fn && this.#expressions(a.x, b.x);
      case "across":
        return b.op === a.op && a.fn === b.fn && this.#expressions(a.x, b.x);
      case "binary":
        return b.op === a.op && a.fn === b.fn && this.#expressions(a.a, b.a) && this.#expressions(a.b, b.b); // prettier-ignore
      case "select":
        return (
          b.op === a.op &&
          this.#expressions(a.condition, b.condition) &&
          this.#expressions(a.a, b.a) &&
          this.#expressions(a.b, b.b)
        );
      case "splat":
        return b.op === a.op && this.#expressions(a.x, b.x);
      case "ramp":
        return b.op === a.op && this.#expressions(a.x, b.x);
      case "shuffle":
        return (
          b.op === a.op &&
          a.from.join() === b.from.join() &&
          this.#expressions(a.a, b.a) &&
          this.#expressions(a.b, b.b)
        );
      case "sums":
        return (
          b.op === a.op &&
          a.xs.length === b.xs.length &&
          a.xs.every((x, i) => this.#expressions(x, b.xs[i]!))
        );
      default:
        return unreachable(a);
    }
  }

  #bodies(a: readonly Statement[], b: readonly Statement[]): boolean {
    let j = 0;
    for (let i = 0; i < a.length; i++) {
      const s = a[i]!;
      if (s.op === "comment") continue;
      while (b[j]?.op === "comment") j += 1;
      const other = b[j++];
      if (other === undefined || !this.#statements(s, other)) return false;
    }
    while (b[j]?.op === "comment") j += 1;
    return j === b.length;
  }

  #statements(a: Statement, b: Statement): boolean {
    switch (a.op) {
      case "comment":
      case "barrier":
        return b.op === a.op;
      case "prefetch":
        return b.op === a.op && this.#names(a.buffer, b.buffer) && this.#expressions(a.index, b.index); // prettier-ignore
      case "define":
        return (
          b.op === a.op &&
          a.mutable === b.mutable &&
          sameType(a.type, b.type) &&
          this.#expressions(a.value, b.value) &&
          this.#names(a.name, b.name)
        );
      case "assign":
        return b.op === a.op && this.#names(a.name, b.name) && this.#expressions(a.value, b.value); // prettier-ignore
      case "store":
        return (
          b.op === a.op &&
          a.add === b.add &&
          this.#names(a.buffer, b.buffer) &&
          this.#expressions(a.index, b.index) &&
          this.#expressions(a.value, b.value)
        );
      case "for":
        return (
          b.op === a.op &&
          a.step === b.step &&
          a.down === b.down &&
          a.spread === b.spread &&
          this.#names(a.variable, b.variable) &&
          this.#expressions(a.from, b.from) &&
          this.#expressions(a.to, b.to) &&
          this.#bodies(a.body, b.body)
        );
      case "if":
        return (
          b.op === a.op &&
          this.#expressions(a.condition, b.condition) &&
          this.#bodies(a.body, b.body) &&
          this.#bodies(a.otherwise, b.otherwise)
        );
      default:
        return unreachable(a);
    }
  }
}
