/**
 * Expressions of the loop language as JavaScript. The arithmetic is that of doubles and of 32-bit integers (`| 0`), which
 * engines compile to machine arithmetic; elements are rounded when they are stored.
 */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import type { BinaryOp, Expr, UnaryOp } from "../../loop/ir.ts";
import type { Paper } from "./paper.ts";

/** Operator precedence as JavaScript has it; an operand of lower precedence gets parentheses. */
const PRECEDENCE = {
  conditional: 2,
  or: 3,
  and: 4,
  bit_or: 5,
  bit_xor: 6,
  bit_and: 7,
  eq: 8,
  lt: 9,
  shift: 10,
  add: 11,
  mul: 12,
  unary: 14,
  atom: 20,
} as const;

type Level = (typeof PRECEDENCE)[keyof typeof PRECEDENCE];

interface Printed<T> {
  readonly content: T;
  readonly level: Level;
  /** Of a chain of operands. */
  readonly sign?: string;
}

const MATH: Readonly<Partial<Record<UnaryOp, string>>> = {
  exp: "Math.exp",
  log: "Math.log",
  log1p: "Math.log1p",
  expm1: "Math.expm1",
  sqrt: "Math.sqrt",
  sin: "Math.sin",
  cos: "Math.cos",
  tanh: "Math.tanh",
  abs: "Math.abs",
  sign: "Math.sign",
  floor: "Math.floor",
  ceil: "Math.ceil",
  round: "roundEven",
  erf: "erf",
};

const BITS = new Set<Level>([
  PRECEDENCE.bit_or,
  PRECEDENCE.bit_xor,
  PRECEDENCE.bit_and,
  PRECEDENCE.shift,
]);

/** Whether `a + b + c` may be written so: one chain. Readers are not asked to know how `%` goes with the others. */
const chains = (sign: string, level: Level, { level: inner, sign: other }: Printed<unknown>) =>
  inner === level &&
  level !== PRECEDENCE.shift &&
  level !== PRECEDENCE.eq &&
  (level === PRECEDENCE.mul ? sign === other && sign !== "%" : true);

/** Whether an operand that binds tighter gets parentheses all the same, as they help to read it. */
const helped = (level: Level, { level: inner, sign }: Printed<unknown>): boolean =>
  sign !== undefined &&
  (BITS.has(level) ||
    (level === PRECEDENCE.or && inner === PRECEDENCE.and) ||
    (level === PRECEDENCE.add && sign === "%"));

function numberText(value: number): string {
  if (Object.is(value, -0)) return "-0";
  return String(value).replace("e+", "e");
}

const isSmall = (e: Expr): boolean => e.op === "number" && Math.abs(e.value) < 2 ** 21;

/** Writes expressions on one kind of paper. */
export class Writer<T> {
  readonly #paper: Paper<T>;

  constructor(paper: Paper<T>) {
    this.#paper = paper;
  }

  /** An expression as it stands. */
  write(e: Expr): T {
    return this.#print(e).content;
  }

  /** An int expression that is kept: brought back to 32 bits if arithmetic could have left them. */
  kept(e: Expr): T {
    const arithmetic =
      e.op === "binary" &&
      e.type.kind === "int" &&
      (e.fn === "add" || e.fn === "sub" || e.fn === "mul");
    const printed = this.#print(e);
    return (arithmetic ? this.#int32(printed) : printed).content;
  }

  /** A variable and the bound of its loop. */
  compared(name: string, sign: "<" | ">=", bound: Expr): T {
    return this.#infix(this.#atom(name), sign, this.#print(bound), PRECEDENCE.lt).content;
  }

  element(buffer: string, index: Expr): T {
    return this.#paper.element(buffer, this.write(index));
  }

  #atom(text: string): Printed<T> {
    return { content: this.#paper.atom(text), level: PRECEDENCE.atom };
  }

  #wrapped({ content }: Printed<T>): T {
    return this.#paper.parenthesised(content);
  }

  #infix(left: Printed<T>, sign: string, right: Printed<T>, level: Level): Printed<T> {
    const chained = chains(sign, level, left);
    const leftOpen = chained || (left.level > level && !helped(level, left));
    const rightOpen = right.level > level && !helped(level, right);
    const a = leftOpen ? left.content : this.#wrapped(left);
    const b = rightOpen ? right.content : this.#wrapped(right);
    return { content: this.#paper.infix(a, sign, b, chained), level, sign };
  }

  #call(name: string, ...operands: readonly Expr[]): Printed<T> {
    const content = this.#paper.call(
      name,
      operands.map((x) => this.write(x)),
    );
    return { content, level: PRECEDENCE.atom };
  }

  #number(value: number): Printed<T> {
    const text = numberText(value);
    const level = text.startsWith("-") ? PRECEDENCE.unary : PRECEDENCE.atom;
    return { content: this.#paper.atom(text), level };
  }

  #int32(x: Printed<T>): Printed<T> {
    return this.#infix(x, "|", this.#number(0), PRECEDENCE.bit_or);
  }

  #binary(fn: BinaryOp, a: Expr, b: Expr): Printed<T> {
    const ints = a.type.kind === "int";
    const infix = (sign: string, level: Level) =>
      this.#infix(this.#print(a), sign, this.#print(b), level);
    switch (fn) {
      case "add":
        return infix("+", PRECEDENCE.add);
      case "sub":
        return infix("-", PRECEDENCE.add);
      case "mul":
        // A product of two 32-bit numbers may not fit a double exactly.
        return !ints || isSmall(a) || isSmall(b)
          ? infix("*", PRECEDENCE.mul)
          : this.#call("Math.imul", a, b);
      case "div":
        return ints ? this.#int32(infix("/", PRECEDENCE.mul)) : infix("/", PRECEDENCE.mul);
      case "mod":
        return ints ? infix("%", PRECEDENCE.mul) : this.#call("modulo", a, b);
      case "pow":
        return this.#call("Math.pow", a, b);
      case "max":
      case "min":
        return this.#call(`Math.${fn}`, a, b);
      case "lt":
        return infix("<", PRECEDENCE.lt);
      case "le":
        return infix("<=", PRECEDENCE.lt);
      case "eq":
        return infix("===", PRECEDENCE.eq);
      case "ne":
        return infix("!==", PRECEDENCE.eq);
      case "and":
        return infix("&&", PRECEDENCE.and);
      case "or":
        return infix("||", PRECEDENCE.or);
      case "bit_and":
        return infix("&", PRECEDENCE.bit_and);
      case "bit_or":
        return infix("|", PRECEDENCE.bit_or);
      case "bit_xor":
        return infix("^", PRECEDENCE.bit_xor);
      case "shift_left":
        return infix("<<", PRECEDENCE.shift);
      case "shift_right":
        return infix(">>>", PRECEDENCE.shift);
      case "mul_high":
        return this.#call("multiplyHigh", a, b);
      default:
        return unreachable(fn);
    }
  }

  #unary(fn: UnaryOp, x: Expr): Printed<T> {
    const signed = (sign: string): Printed<T> => {
      const { content, level } = this.#print(x);
      const prefixed = this.#paper.prefix(sign, content, level < PRECEDENCE.atom);
      return { content: prefixed, level: PRECEDENCE.unary };
    };
    switch (fn) {
      case "neg":
        return signed("-");
      case "not":
        return signed("!");
      case "float_of_bool":
        return this.#choice(this.#print(x), this.#number(1), this.#number(0));
      case "float_of_int":
        return this.#print(x);
      case "int_of_float":
        return this.#int32(this.#print(x));
      case "float_of_unsigned":
        return this.#infix(this.#print(x), ">>>", this.#number(0), PRECEDENCE.shift);
      default: {
        const name = MATH[fn];
        if (name === undefined) throw new InternalError(`no JavaScript for ${fn}`);
        return this.#call(name, x);
      }
    }
  }

  #choice(condition: Printed<T>, yes: Printed<T>, no: Printed<T>): Printed<T> {
    const level = PRECEDENCE.conditional;
    const test = condition.level <= level ? this.#wrapped(condition) : condition.content;
    const nested = yes.level === level;
    return { content: this.#paper.conditional(test, yes.content, no.content, nested), level };
  }

  #print(e: Expr): Printed<T> {
    if (e.type.lanes !== 1) throw new InternalError("JavaScript has no vectors");
    switch (e.op) {
      case "number":
        return this.#number(e.value);
      case "variable":
        return this.#atom(e.name);
      case "load":
        return { content: this.element(e.buffer, e.index), level: PRECEDENCE.atom };
      case "unary":
        return this.#unary(e.fn, e.x);
      case "binary":
        return this.#binary(e.fn, e.a, e.b);
      case "select":
        return this.#choice(this.#print(e.condition), this.#print(e.a), this.#print(e.b));
      case "splat":
      case "ramp":
      case "across":
        return this.#print(e.x);
      case "sums":
      case "shuffle":
        throw new InternalError("no JavaScript for vectors");
      default:
        return unreachable(e);
    }
  }
}
