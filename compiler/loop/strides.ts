/** By how much an index moves when a variable does. */
import type { Expr, Statement } from "./ir.ts";
import { bodiesOf, parts } from "./scan.ts";

/** Coefficient of a variable in an int expression; null if it is not linear in it with a number. */
export type Stride = number | null;

/** What ints of a kernel are multiples of. */
export class Strides {
  /** Int variables by name, as they were defined. */
  readonly #defined = new Map<string, Expr>();

  readonly #known = new Map<string, Stride>();

  note(s: Statement): void {
    if (s.op === "define" && s.type.kind === "int" && !s.mutable)
      this.#defined.set(s.name, s.value);
    bodiesOf(s).forEach((body) => body.forEach((x) => this.note(x)));
  }

  of(e: Expr, variable: string): Stride {
    switch (e.op) {
      case "number":
        return 0;
      case "variable": {
        if (e.name === variable) return 1;
        const value = this.#defined.get(e.name);
        if (value === undefined) return 0;
        const key = `${e.name} ${variable}`;
        const known = this.#known.get(key);
        if (known !== undefined) return known;
        const stride = this.of(value, variable);
        this.#known.set(key, stride);
        return stride;
      }
      case "binary": {
        const a = this.of(e.a, variable);
        const b = this.of(e.b, variable);
        if (a === 0 && b === 0) return 0;
        if (a === null || b === null) return null;
        if (e.fn === "add") return a + b;
        if (e.fn === "sub") return a - b;
        if (e.fn !== "mul") return null;
        if (b === 0 && e.b.op === "number") return a * e.b.value;
        return a === 0 && e.a.op === "number" ? b * e.a.value : null;
      }
      default:
        return this.#mentions(e, variable) ? null : 0;
    }
  }
  #mentions(e: Expr, variable: string): boolean {
    if (e.op === "variable") return this.of(e, variable) !== 0;
    return parts(e).some((x) => this.#mentions(x, variable));
  }
}
