/**
 * Statements of the loop language as JavaScript. The arithmetic is that of doubles and of 32-bit integers (`| 0`), which
 * engines compile to machine arithmetic; elements are rounded when they are stored.
 */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import type { BinaryOp, Expr, LoopKernel, Statement, UnaryOp } from "../../loop/ir.ts";
import { bodiesOf, expressionsOf, parts } from "../../loop/scan.ts";

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

interface Printed {
  readonly text: string;
  readonly level: number;
}
const atom = (text: string): Printed => ({ text, level: PRECEDENCE.atom });

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

function number(value: number): Printed {
  if (value === Infinity) return atom("Infinity");
  if (Number.isNaN(value)) return atom("NaN");
  const text = value === -Infinity ? "-Infinity" : Object.is(value, -0) ? "-0" : String(value);
  return text.startsWith("-") ? { text, level: PRECEDENCE.unary } : atom(text);
}

function infix(a: Expr, sign: string, b: Expr, level: number): Printed {
  const [left, right] = [print(a), print(b)];
  const wrap = (p: Printed, least: number) => (p.level < least ? `(${p.text})` : p.text);
  return { text: `${wrap(left, level)} ${sign} ${wrap(right, level + 1)}`, level };
}

const int32 = (p: Printed): Printed => ({
  text: `${p.level < PRECEDENCE.bit_or ? `(${p.text})` : p.text} | 0`,
  level: PRECEDENCE.bit_or,
});

function printBinary(fn: BinaryOp, a: Expr, b: Expr): Printed {
  const ints = a.type.kind === "int";
  const call = (name: string) => atom(`${name}(${print(a).text}, ${print(b).text})`);
  switch (fn) {
    case "add":
      return infix(a, "+", b, PRECEDENCE.add);
    case "sub":
      return infix(a, "-", b, PRECEDENCE.add);
    case "mul":
      if (!ints) return infix(a, "*", b, PRECEDENCE.mul);
      // A product of two 32-bit numbers may not fit a double exactly.
      return small(a) || small(b) ? infix(a, "*", b, PRECEDENCE.mul) : call("Math.imul");
    case "div":
      return ints ? int32(infix(a, "/", b, PRECEDENCE.mul)) : infix(a, "/", b, PRECEDENCE.mul);
    case "mod":
      return ints ? infix(a, "%", b, PRECEDENCE.mul) : call("modulo");
    case "pow":
      return call("Math.pow");
    case "max":
    case "min":
      return call(`Math.${fn}`);
    case "lt":
      return infix(a, "<", b, PRECEDENCE.lt);
    case "le":
      return infix(a, "<=", b, PRECEDENCE.lt);
    case "eq":
      return infix(a, "===", b, PRECEDENCE.eq);
    case "ne":
      return infix(a, "!==", b, PRECEDENCE.eq);
    case "and":
      return infix(a, "&&", b, PRECEDENCE.and);
    case "or":
      return infix(a, "||", b, PRECEDENCE.or);
    case "bit_and":
      return infix(a, "&", b, PRECEDENCE.bit_and);
    case "bit_or":
      return infix(a, "|", b, PRECEDENCE.bit_or);
    case "bit_xor":
      return infix(a, "^", b, PRECEDENCE.bit_xor);
    case "shift_left":
      return infix(a, "<<", b, PRECEDENCE.shift);
    case "shift_right":
      return infix(a, ">>>", b, PRECEDENCE.shift);
    case "mul_high":
      return call("multiplyHigh");
    default:
      return unreachable(fn);
  }
}
const small = (e: Expr): boolean => e.op === "number" && Math.abs(e.value) < 2 ** 21;

function printUnary(fn: UnaryOp, x: Expr): Printed {
  const inner = print(x);
  const tight = inner.level < PRECEDENCE.atom ? `(${inner.text})` : inner.text;
  switch (fn) {
    case "neg":
      return { text: `-${tight}`, level: PRECEDENCE.unary };
    case "not":
      return { text: `!${tight}`, level: PRECEDENCE.unary };
    case "float_of_bool":
      return { text: `${tight} ? 1 : 0`, level: PRECEDENCE.conditional };
    case "float_of_int":
      return inner;
    case "int_of_float":
      return int32(inner);
    case "float_of_unsigned":
      return { text: `${tight} >>> 0`, level: PRECEDENCE.shift };
    default: {
      const name = MATH[fn];
      if (name === undefined) throw new InternalError(`no JavaScript for ${fn}`);
      return atom(`${name}(${inner.text})`);
    }
  }
}

function print(e: Expr): Printed {
  if (e.type.lanes !== 1) throw new InternalError("JavaScript has no vectors");
  switch (e.op) {
    case "number":
      return number(e.value);
    case "variable":
      return atom(e.name);
    case "load":
      return atom(`${e.buffer}[${print(e.index).text}]`);
    case "unary":
      return printUnary(e.fn, e.x);
    case "binary":
      return printBinary(e.fn, e.a, e.b);
    case "select": {
      const c = print(e.condition);
      const test = c.level <= PRECEDENCE.conditional ? `(${c.text})` : c.text;
      return {
        text: `${test} ? ${print(e.a).text} : ${print(e.b).text}`,
        level: PRECEDENCE.conditional,
      };
    }
    case "splat":
    case "ramp":
    case "across":
      return print(e.x);
    case "sums":
    case "shuffle":
      throw new InternalError("no JavaScript for vectors");
    default:
      return unreachable(e);
  }
}

/** An int expression that is kept: brought back to 32 bits if arithmetic could have left them. */
function kept(e: Expr): string {
  const p = print(e);
  const arithmetic =
    e.op === "binary" && e.type.kind === "int" && ["add", "sub", "mul"].includes(e.fn);
  return arithmetic ? int32({ ...p, text: p.text }).text : p.text;
}

export interface PrintOptions {
  /** Puts types where TypeScript with `noUncheckedIndexedAccess` wants something said. */
  readonly types: boolean;
}

export function printStatements(
  statements: readonly Statement[],
  indent: string,
  out: string[] = [],
): string[] {
  for (const s of statements) {
    switch (s.op) {
      case "comment":
        out.push(`${indent}// ${s.text}`);
        break;
      case "define":
        out.push(`${indent}${s.mutable ? "let" : "const"} ${s.name} = ${kept(s.value)};`);
        break;
      case "assign":
        out.push(`${indent}${s.name} = ${kept(s.value)};`);
        break;
      case "store":
        out.push(
          `${indent}${s.buffer}[${print(s.index).text}] ${s.add ? "+=" : "="} ${print(s.value).text};`,
        );
        break;
      case "for": {
        const [from, to] = [kept(s.from), print(s.to).text];
        const v = s.variable;
        const head = s.down
          ? `let ${v} = ${kept({ op: "binary", type: s.to.type, fn: "sub", a: s.to, b: { op: "number", type: s.to.type, value: 1 } })}; ${v} >= ${from}; ${v}--`
          : `let ${v} = ${from}; ${v} < ${to}; ${s.step === 1 ? `${v}++` : `${v} += ${s.step}`}`;
        if (s.down && s.step !== 1) throw new InternalError("a backward loop in steps");
        out.push(`${indent}for (${head}) {`);
        printStatements(s.body, `${indent}  `, out);
        out.push(`${indent}}`);
        break;
      }
      case "if":
        out.push(`${indent}if (${print(s.condition).text}) {`);
        printStatements(s.body, `${indent}  `, out);
        if (s.otherwise.length > 0) {
          out.push(`${indent}} else {`);
          printStatements(s.otherwise, `${indent}  `, out);
        }
        out.push(`${indent}}`);
        break;
      case "barrier":
        break;
      default:
        unreachable(s);
    }
  }
  return out;
}

/** Helpers that JavaScript's Math does not have, each printed where a kernel uses it. */
export const HELPERS: Readonly<
  Record<
    string,
    { readonly doc: string; readonly parameters: readonly string[]; readonly body: string }
  >
> = {
  erf: {
    doc: "The error function: its series near zero, a continued fraction away from it.",
    parameters: ["x"],
    body: `const a = Math.abs(x);
if (a > 6) return Math.sign(x);
if (a < 2.5) {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (-x * x * (2 * n - 1)) / (n * (2 * n + 1));
    total += term;
  }
  return 1.1283791670955126 * total;
}
let f = 0;
for (let k = 60; k > 0; k--) f = k / 2 / (a + f);
return Math.sign(x) * (1 - Math.exp(-a * a) / (1.772453850905516 * (a + f)));`,
  },
  roundEven: {
    doc: "To the nearest integer, halves to the even one.",
    parameters: ["x"],
    body: `const low = Math.floor(x);
const rest = x - low;
if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
return low % 2 === 0 ? low : low + 1;`,
  },
  modulo: {
    doc: "The remainder with the sign of the divisor.",
    parameters: ["a", "b"],
    body: "return a - b * Math.floor(a / b);",
  },
  multiplyHigh: {
    doc: "The upper 32 bits of the product of two unsigned 32-bit numbers.",
    parameters: ["a", "b"],
    body: `const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
const middle = a1 * b0 + ((a0 * b0) >>> 16);
const cross = a0 * b1 + (middle % 0x10000);
return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) | 0;`,
  },
};

/** The helpers that a kernel calls. */
export function helpersOf(kernel: LoopKernel): Set<string> {
  const found = new Set<string>();
  const visitExpr = (e: Expr): void => {
    if (e.op === "unary" && e.fn === "erf") found.add("erf");
    if (e.op === "unary" && e.fn === "round") found.add("roundEven");
    if (e.op === "binary" && e.fn === "mod" && e.type.kind === "float") found.add("modulo");
    if (e.op === "binary" && e.fn === "mul_high") found.add("multiplyHigh");
    for (const x of parts(e)) visitExpr(x);
  };
  const visit = (s: Statement): void => {
    expressionsOf(s).forEach(visitExpr);
    for (const body of bodiesOf(s)) body.forEach(visit);
  };
  kernel.body.forEach(visit);
  return found;
}
