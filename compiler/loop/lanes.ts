/** The body of a loop for several neighbouring iterations at once: each value a vector, or a scalar that all of them share. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import { splat } from "./build.ts";
import type { BinaryOp, Expr, LoopType, Statement, UnaryOp } from "./ir.ts";
import { parts } from "./scan.ts";
import type { Strides } from "./strides.ts";

/** Thrown where something has no vector form; the loop then stays as it is. */
export class NotAVector extends Error {}

/** What `make` makes; null where something has no vector form. */
export function asVectors<T>(make: () => T | null): T | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof NotAVector) return null;
    throw error;
  }
}

/** Computed in doubles, or ints without instructions of vectors. */
const SCALAR_ONLY: ReadonlySet<UnaryOp | BinaryOp> = new Set([
  "pow",
  "mod",
  "mul_high",
  "shift_left",
  "shift_right",
  "int_of_float",
]);

/** A division of ints stops the program where the divisor is zero: it must not run where it is not asked for. */
const divides = (e: Expr): boolean =>
  (e.op === "binary" && e.type.kind === "int" && (e.fn === "div" || e.fn === "mod") && e.b.op !== "number") || // prettier-ignore
  parts(e).some(divides);

export class Lanes {
  readonly #variable: string;
  readonly #strides: Strides;
  readonly #lanes: number;
  /** Variables of the body that are vectors now. */
  readonly #vectors = new Map<string, LoopType>();
  /** Int variables of the body that differ between lanes, and what they are. The variable itself is that of the first lane. */
  readonly #ints = new Map<string, Expr>();

  constructor(loopVariable: string, strides: Strides, lanes: number) {
    this.#variable = loopVariable;
    this.#strides = strides;
    this.#lanes = lanes;
  }

  #type(type: LoopType): LoopType {
    if (type.lanes !== 1) throw new NotAVector();
    return { ...type, lanes: this.#lanes };
  }

  /** Whether a value differs between lanes. */
  #varies(e: Expr): boolean {
    if (e.op === "variable") {
      return e.name === this.#variable || this.#vectors.has(e.name) || this.#ints.has(e.name);
    }
    return parts(e).some((x) => this.#varies(x));
  }

  block(statements: readonly Statement[]): Statement[] {
    return statements.map((s) => this.#statement(s));
  }

  #statement(s: Statement): Statement {
    switch (s.op) {
      case "comment":
        return s;
      case "barrier":
      case "prefetch":
        throw new NotAVector();
      case "define": {
        const type = this.#type(s.type);
        if (type.kind === "int") {
          if (s.mutable) throw new NotAVector();
          if (this.#varies(s.value)) this.#ints.set(s.name, s.value);
          return s;
        }
        if (!s.mutable && !this.#varies(s.value)) return s;
        const value = this.vector(s.value);
        this.#vectors.set(s.name, type);
        return { ...s, type, value };
      }
      case "assign":
        if (!this.#vectors.has(s.name)) throw new NotAVector();
        return { ...s, value: this.vector(s.value) };
      case "store":
        if (this.#strides.of(s.index, this.#variable) !== 1) throw new NotAVector();
        return { ...s, value: this.vector(s.value) };
      case "for":
        if (this.#varies(s.from) || this.#varies(s.to)) throw new NotAVector();
        return { ...s, body: this.block(s.body) };
      case "if":
        if (this.#varies(s.condition)) throw new NotAVector();
        return { ...s, body: this.block(s.body), otherwise: this.block(s.otherwise) };
      default:
        return unreachable(s);
    }
  }

  /** The value in every lane. */
  vector(e: Expr): Expr {
    const type = this.#type(e.type);
    if (!this.#varies(e)) return splat(e, this.#lanes);
    if (type.kind === "int" && this.#strides.of(e, this.#variable) === 1) {
      return { op: "ramp", type, x: e };
    }
    switch (e.op) {
      case "variable": {
        const defined = this.#ints.get(e.name);
        return defined === undefined ? { ...e, type } : this.vector(defined);
      }
      case "load":
        if (this.#strides.of(e.index, this.#variable) !== 1) throw new NotAVector();
        return { ...e, type };
      case "unary":
        if (SCALAR_ONLY.has(e.fn)) throw new NotAVector();
        if (e.x.type.kind === "int" && !/^(?:neg|float_of_)/.test(e.fn)) throw new NotAVector();
        return { ...e, type, x: this.vector(e.x) };
      case "binary":
        if (SCALAR_ONLY.has(e.fn)) throw new NotAVector();
        if (e.fn === "div" && type.kind === "int") throw new NotAVector();
        if (e.fn === "eq" && e.a.type.kind === "bool") throw new NotAVector();
        return { ...e, type, a: this.vector(e.a), b: this.vector(e.b) };
      case "select": {
        const [a, b] = [this.vector(e.a), this.vector(e.b)];
        if (!this.#varies(e.condition)) return { ...e, type, a, b };
        if (divides(e.a) || divides(e.b)) throw new NotAVector();
        return { ...e, type, condition: this.vector(e.condition), a, b };
      }
      case "number":
      case "splat":
      case "ramp":
      case "across":
      case "sums":
      case "shuffle":
        throw new NotAVector();
      default:
        return unreachable(e);
    }
  }
}
