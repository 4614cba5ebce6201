/** Expressions of the loop language in C. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import type { BinaryOp, Expr, LoopType, UnaryOp } from "../../loop/ir.ts";
import { vectorType } from "./helpers.ts";
import { isWord } from "./ints.ts";

/** Operator precedence; an operand of lower precedence gets parentheses. */
const LEVEL = {
  conditional: 2,
  or: 3,
  and: 4,
  eq: 8,
  lt: 9,
  add: 11,
  mul: 12,
  unary: 14,
  atom: 20,
} as const;

export interface Printed {
  readonly text: string;
  readonly level: number;
}
const atom = (text: string): Printed => ({ text, level: LEVEL.atom });

/** Functions of math.h; the float ones end in f. */
const LIBRARY: Readonly<Partial<Record<UnaryOp, string>>> = {
  exp: "exp",
  log: "log",
  log1p: "log1p",
  expm1: "expm1",
  sqrt: "sqrt",
  sin: "sin",
  cos: "cos",
  tanh: "tanh",
  abs: "fabs",
  floor: "floor",
  ceil: "ceil",
  round: "rint",
  erf: "erf",
};

/** What is made of all lanes of a vector. */
const ACROSS = { sum: "sum", max: "largest", min: "smallest" } as const;

export type Real = "float" | "double";

/** Prints the expressions of one kernel and keeps account of the helpers that they call. */
export class ExpressionPrinter {
  /** What floats are computed in. */
  readonly real: Real;
  readonly #words: ReadonlySet<string>;
  readonly #helpers: Set<string>;

  constructor(real: Real, words: ReadonlySet<string>, helpers: Set<string>) {
    this.real = real;
    this.#words = words;
    this.#helpers = helpers;
  }

  typeOf(type: LoopType, word = false): string {
    if (type.lanes > 1) return this.vector(type);
    if (type.kind === "float") return this.real;
    return type.kind === "bool" ? "int" : word ? "int32_t" : "int64_t";
  }
  vector(type: LoopType): string {
    if (type.kind !== "float") throw new InternalError(`no C for vectors of ${type.kind}`);
    return this.#helper(vectorType(this.real, type.lanes));
  }
  #helper(name: string): string {
    this.#helpers.add(name);
    return name;
  }

  text(e: Expr): string {
    return this.print(e, this.real).text;
  }

  /** `real`: the type to compute in. Doubles among floats make their surroundings double as far as C's rules say. */
  print(e: Expr, real: Real): Printed {
    switch (e.op) {
      case "number":
        return e.type.kind === "float" ? floatNumber(e.value, real) : intNumber(e.value);
      case "variable":
        return atom(e.name);
      case "load": {
        const at = `${e.buffer}[${this.text(e.index)}]`;
        return e.type.lanes === 1 ? atom(at) : atom(`(*(const ${this.vector(e.type)}_at *)&${at})`);
      }
      case "unary":
        return this.#unary(e.fn, e.x, real);
      case "binary":
        return e.a.type.kind === "int"
          ? this.#ints(e.fn, e.a, e.b)
          : this.#floats(e.fn, e.a, e.b, real);
      case "select": {
        const [c, a, b] = [e.condition, e.a, e.b].map((x) => this.print(x, real));
        return {
          text: `${wrap(c!, LEVEL.conditional + 1)} ? ${a!.text} : ${wrap(b!, LEVEL.conditional)}`,
          level: LEVEL.conditional,
        };
      }
      case "splat":
        return atom(`${this.#vectorFunction("splat", e.type)}(${this.print(e.x, this.real).text})`);
      case "ramp":
        throw new InternalError("no C for a ramp");
      case "across":
        return atom(`${this.#vectorFunction(ACROSS[e.fn], e.x.type)}(${this.text(e.x)})`);
      case "sums": {
        const xs = e.xs.map((x) => this.text(x)).join(", ");
        return atom(`${this.#vectorFunction("sums", e.type)}(${xs})`);
      }
      case "shuffle": {
        this.vector(e.type);
        const bytes = this.real === "float" ? 4 : 8;
        const [a, b] = [this.text(e.a), this.text(e.b)];
        return atom(`FWP_SHUFFLE(int${8 * bytes}_t, ${bytes * e.type.lanes}, ${a}, ${b}, ${e.from.join(", ")})`); // prettier-ignore
      }
      default:
        return unreachable(e);
    }
  }
  #vectorFunction(name: string, type: LoopType): string {
    this.vector(type);
    return `fwp_${name}${type.lanes}${this.real === "float" ? "f" : "d"}`;
  }

  #unary(fn: UnaryOp, x: Expr, real: Real): Printed {
    const cast = (type: string, inner: Printed) => ({
      text: `(${type})${wrap(inner, LEVEL.unary)}`,
      level: LEVEL.unary,
    });
    switch (fn) {
      case "neg":
        if (x.type.kind === "int" && isWord(x, this.#words)) {
          return cast("int32_t", atom(`(0u - ${this.#unsigned(x)})`));
        }
        return { text: `-${wrap(this.print(x, real), LEVEL.atom)}`, level: LEVEL.unary };
      case "not":
        return { text: `!${wrap(this.print(x, real), LEVEL.atom)}`, level: LEVEL.unary };
      case "float_of_bool":
      case "float_of_int":
        return cast(real, this.print(x, real));
      case "int_of_float":
        // In doubles: the quotient of two ints has to be exact before it is cut.
        return atom(`${this.#helper("fwp_int")}(${this.print(x, "double").text})`);
      case "float_of_unsigned":
        return cast(real, atom(this.#unsigned(x)));
      default:
        this.#scalar(x.type, fn);
        return atom(`${this.#function(fn, real)}(${this.print(x, real).text})`);
    }
  }
  #function(fn: UnaryOp, real: Real): string {
    const suffix = real === "float" ? "f" : "";
    if (fn === "sign") return this.#helper(`fwp_sign${suffix}`);
    if (real === "float" && (fn === "exp" || fn === "tanh")) return this.#helper(`fwp_${fn}f`);
    const name = LIBRARY[fn];
    if (name === undefined) throw new InternalError(`no C for ${fn}`);
    return this.#helper(`fwp_${name}${suffix}`);
  }
  #scalar(type: LoopType, what: string): void {
    if (type.lanes > 1) throw new InternalError(`no C for ${what} of vectors`);
  }

  #infix(a: Expr, sign: string, b: Expr, level: number, real: Real): Printed {
    const [left, right] = [this.print(a, real), this.print(b, real)];
    return { text: `${wrap(left, level)} ${sign} ${wrap(right, level + 1)}`, level };
  }

  /** Floats and truth values. */
  #floats(fn: BinaryOp, a: Expr, b: Expr, real: Real): Printed {
    const infix = (sign: string, level: number) => this.#infix(a, sign, b, level, real);
    switch (fn) {
      case "add":
        return infix("+", LEVEL.add);
      case "sub":
        return infix("-", LEVEL.add);
      case "mul":
        return infix("*", LEVEL.mul);
      case "div":
        return infix("/", LEVEL.mul);
    }
    if (a.type.lanes > 1 && (fn === "max" || fn === "min")) {
      const xs = [a, b].map((x) => this.print(x, real).text).join(", ");
      return atom(`${this.#vectorFunction(fn, a.type)}(${xs})`);
    }
    this.#scalar(a.type, fn);
    const call = (name: string, type: Real) =>
      atom(`${name}(${this.print(a, type).text}, ${this.print(b, type).text})`);
    switch (fn) {
      // What is left of 1 after a power close to it, or of a quotient after its floor, takes more digits than a float has.
      case "mod":
        return call(this.#helper("fwp_mod"), "double");
      case "pow":
        return call(this.#helper("fwp_pow"), "double");
      case "max":
      case "min":
        return call(this.#helper(`fwp_${fn}${real === "float" ? "f" : ""}`), real);
      case "lt":
        return infix("<", LEVEL.lt);
      case "le":
        return infix("<=", LEVEL.lt);
      case "eq":
        return infix("==", LEVEL.eq);
      case "ne":
        return infix("!=", LEVEL.eq);
      case "and":
        return infix("&&", LEVEL.and);
      case "or":
        return infix("||", LEVEL.or);
      default:
        throw new InternalError(`no C for ${fn} of ${a.type.kind}`);
    }
  }

  #unsigned(e: Expr): string {
    return `(uint32_t)${wrap(this.print(e, this.real), LEVEL.unary)}`;
  }

  #ints(fn: BinaryOp, a: Expr, b: Expr): Printed {
    this.#scalar(a.type, fn);
    const [x, y] = [this.print(a, this.real), this.print(b, this.real)];
    const word = isWord({ op: "binary", type: a.type, fn, a, b }, this.#words);
    // Each operand is printed once: printing it again at every level would take twice as long per level.
    const infix = (sign: string, level: number): Printed => ({
      text: `${wrap(x, level)} ${sign} ${wrap(y, level + 1)}`,
      level,
    });
    const wrapping = (sign: string, level: number) =>
      word ? asWord(`${this.#unsigned(a)} ${sign} ${this.#unsigned(b)}`) : infix(sign, level);
    const call = (name: string): Printed => {
      const result = `${this.#helper(name)}(${x.text}, ${y.text})`;
      return word ? asWord(result) : atom(result);
    };
    switch (fn) {
      case "add":
        return wrapping("+", LEVEL.add);
      case "sub":
        return wrapping("-", LEVEL.add);
      case "mul":
        return wrapping("*", LEVEL.mul);
      case "div":
      case "mod": {
        const sign = fn === "div" ? "/" : "%";
        if (!word) return infix(sign, LEVEL.mul);
        return asWord(`(int64_t)${wrap(x, LEVEL.unary)} ${sign} ${wrap(y, LEVEL.mul + 1)}`);
      }
      case "max":
        return call("fwp_int_max");
      case "min":
        return call("fwp_int_min");
      case "lt":
        return infix("<", LEVEL.lt);
      case "le":
        return infix("<=", LEVEL.lt);
      case "eq":
        return infix("==", LEVEL.eq);
      case "ne":
        return infix("!=", LEVEL.eq);
      case "bit_and":
        return asWord(`${this.#unsigned(a)} & ${this.#unsigned(b)}`);
      case "bit_or":
        return asWord(`${this.#unsigned(a)} | ${this.#unsigned(b)}`);
      case "bit_xor":
        return asWord(`${this.#unsigned(a)} ^ ${this.#unsigned(b)}`);
      case "shift_left":
        return asWord(`${this.#unsigned(a)} << (${y.text} & 31)`);
      case "shift_right":
        return asWord(`${this.#unsigned(a)} >> (${y.text} & 31)`);
      case "mul_high":
        return atom(`${this.#helper("fwp_mul_high")}(${this.#unsigned(a)}, ${this.#unsigned(b)})`);
      case "pow":
      case "and":
      case "or":
        throw new InternalError(`no C for ${fn} of ints`);
      default:
        return unreachable(fn);
    }
  }
}

const asWord = (text: string): Printed => ({ text: `(int32_t)(${text})`, level: LEVEL.unary });

const wrap = (p: Printed, least: number): string => (p.level < least ? `(${p.text})` : p.text);

function intNumber(value: number): Printed {
  return value < 0 ? { text: String(value), level: LEVEL.unary } : atom(String(value));
}

function floatNumber(value: number, real: Real): Printed {
  const held = real === "float" ? Math.fround(value) : value;
  if (Number.isNaN(held)) return atom("NAN");
  if (held === Infinity) return atom("INFINITY");
  if (held === -Infinity) return { text: "-INFINITY", level: LEVEL.unary };
  const digits = Object.is(value, -0) ? "-0" : String(value);
  const text = `${/[.e]/.test(digits) ? digits : `${digits}.0`}${real === "float" ? "f" : ""}`;
  return text.startsWith("-") ? { text, level: LEVEL.unary } : atom(text);
}
