/** Kernels that differ in names only: the blocks of a deep model have the same loops. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { Expr, LoopKernel, LoopType, Statement } from "./ir.ts";
import { statementsIn } from "./scan.ts";

/**
 * What a kernel does, as a text in which its names are numbered in the order in which they come. Without comments. Arrays
 * of the module keep their names: nobody hands them to a kernel.
 */
function shapeOf(kernel: LoopKernel): string {
  const writer = new ShapeWriter();
  for (const { name, type, space, access, length } of kernel.buffers) {
    writer.name(name);
    writer.words.push(type, space, access, space === "module" ? name : `${length}`);
  }
  writer.words.push("sizes");
  kernel.sizes.forEach((name) => writer.name(name));
  writer.statements(kernel.body);
  return writer.words.join(" ");
}

/** What can be seen of a kernel at a glance: kernels of other outlines are others. */
function outlineOf({ buffers, sizes, body }: LoopKernel): string {
  let outline = `${sizes.length}`;
  buffers.forEach(({ type, space, access }) => {
    outline += ` ${type} ${space} ${access}`;
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
  /** By their outlines; the shape of one is of interest when there is another. */
  readonly #outlines = new Map<string, { readonly own: SharedKernel; shape: string | null }[]>();
  readonly #kernels = new Map<LoopKernel, SharedKernel>();

  /** The function that a kernel is, and whether it has to be written yet. */
  functionOf(kernel: LoopKernel): SharedKernel & { readonly isNew: boolean } {
    const like = kernel.like && this.#kernels.get(kernel.like);
    if (like !== undefined) return { ...like, isNew: false };
    const outline = outlineOf(kernel);
    const alike = this.#outlines.get(outline) ?? [];
    this.#outlines.set(outline, alike);
    const shape = alike.length === 0 ? null : shapeOf(kernel);
    const known = alike.find((k) => (k.shape ??= shapeOf(k.own.kernel)) === shape);
    const own = known?.own ?? { name: kernel.name, kernel };
    if (known === undefined) alike.push({ own, shape });
    this.#kernels.set(kernel, own);
    return { ...own, isNew: known === undefined };
  }
}

class ShapeWriter {
  readonly words: string[] = [];
  readonly #numbers = new Map<string, string>();

  name(name: string): void {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = `$${this.#numbers.size}`;
      this.#numbers.set(name, number);
    }
    this.words.push(number);
  }

  #type({ kind, lanes }: LoopType): void {
    this.words.push(kind, `${lanes}`);
  }

  /** Prefix notation: every operation has as many operands as it says. */
  #expression(e: Expr): void {
    const { words } = this;
    words.push(e.op);
    this.#type(e.type);
    switch (e.op) {
      case "number":
        words.push(Object.is(e.value, -0) ? "-0" : `${e.value}`);
        return;
      case "variable":
        return this.name(e.name);
      case "load":
        this.name(e.buffer);
        return this.#expression(e.index);
      case "unary":
      case "across":
        words.push(e.fn);
        return this.#expression(e.x);
      case "binary":
        words.push(e.fn);
        this.#expression(e.a);
        return this.#expression(e.b);
      case "select":
        this.#expression(e.condition);
        this.#expression(e.a);
        return this.#expression(e.b);
      case "splat":
      case "ramp":
        return this.#expression(e.x);
      case "shuffle":
        words.push(e.from.join());
        this.#expression(e.a);
        return this.#expression(e.b);
      case "sums":
        words.push(`${e.xs.length}`);
        return e.xs.forEach((x) => this.#expression(x));
      default:
        return unreachable(e);
    }
  }

  statements(body: readonly Statement[]): void {
    this.words.push("{");
    for (const s of body) this.#statement(s);
    this.words.push("}");
  }

  #statement(s: Statement): void {
    const { words } = this;
    if (s.op !== "comment") words.push(s.op);
    switch (s.op) {
      case "comment":
      case "barrier":
        return;
      case "prefetch":
        this.name(s.buffer);
        return this.#expression(s.index);
      case "define":
        this.name(s.name);
        this.#type(s.type);
        words.push(s.mutable ? "var" : "let");
        return this.#expression(s.value);
      case "assign":
        this.name(s.name);
        return this.#expression(s.value);
      case "store":
        this.name(s.buffer);
        words.push(s.add ? "+=" : "=");
        this.#expression(s.index);
        return this.#expression(s.value);
      case "for":
        this.name(s.variable);
        words.push(`${s.step}`, s.down ? "down" : "up", s.spread);
        this.#expression(s.from);
        this.#expression(s.to);
        return this.statements(s.body);
      case "if":
        this.#expression(s.condition);
        this.statements(s.body);
        return this.statements(s.otherwise);
      default:
        return unreachable(s);
    }
  }
}
