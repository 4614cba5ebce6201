/** Makes expressions of the loop language, with the arithmetic that can be done now done now. */
import { FLOAT, INT, type BinaryOp, type Expr, type LoopType, type UnaryOp } from "./ir.ts";

export const int = (value: number): Expr => ({ op: "number", type: INT, value });
export const float = (value: number): Expr => ({ op: "number", type: FLOAT, value });
export const variable = (name: string, type: LoopType): Expr => ({ op: "variable", type, name });
export const intVariable = (name: string): Expr => variable(name, INT);

const COMPARISONS: ReadonlySet<BinaryOp> = new Set(["lt", "le", "eq", "ne", "and", "or"]);

export function unary(fn: UnaryOp, x: Expr): Expr {
  const kind =
    fn === "not"
      ? "bool"
      : fn === "int_of_float"
        ? "int"
        : fn.startsWith("float_of")
          ? "float"
          : x.type.kind;
  if (x.op === "number" && fn === "float_of_int") return float(x.value);
  if (x.op === "number" && fn === "neg") return { ...x, value: -x.value };
  return { op: "unary", type: { kind, lanes: x.type.lanes }, fn, x };
}

function foldInts(fn: BinaryOp, a: number, b: number): number | undefined {
  switch (fn) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "max":
      return Math.max(a, b);
    case "min":
      return Math.min(a, b);
    case "div":
      return b === 0 ? undefined : Math.trunc(a / b);
    case "mod":
      return b === 0 ? undefined : a % b;
    default:
      return undefined;
  }
}

/** x + 0, x · 1 and x / 1 are x for every x of either kind; x · 0 is 0 only for ints. */
function neutral(fn: BinaryOp, a: Expr, b: Expr): Expr | undefined {
  const x = a.op === "number" ? a.value : undefined;
  const y = b.op === "number" ? b.value : undefined;
  if (fn === "add" && a.type.kind === "int") return x === 0 ? b : y === 0 ? a : undefined;
  if (fn === "sub" && y === 0) return a;
  if (fn === "mul") {
    if (a.type.kind === "int" && (x === 0 || y === 0)) return int(0);
    return x === 1 ? b : y === 1 ? a : undefined;
  }
  return fn === "div" && y === 1 ? a : undefined;
}

export function binary(fn: BinaryOp, a: Expr, b: Expr): Expr {
  if (a.op === "number" && b.op === "number" && a.type.kind === "int") {
    const value = foldInts(fn, a.value, b.value);
    if (value !== undefined) return int(value);
  }
  const simple = neutral(fn, a, b);
  if (simple !== undefined) return simple;
  const kind = COMPARISONS.has(fn) ? "bool" : a.type.kind;
  return { op: "binary", type: { kind, lanes: a.type.lanes }, fn, a, b };
}

export const add = (a: Expr, b: Expr): Expr => binary("add", a, b);
export const sub = (a: Expr, b: Expr): Expr => binary("sub", a, b);
export const mul = (a: Expr, b: Expr): Expr => binary("mul", a, b);

export function select(condition: Expr, a: Expr, b: Expr): Expr {
  return { op: "select", type: a.type, condition, a, b };
}
export function load(buffer: string, index: Expr, kind: "float" | "int"): Expr {
  return { op: "load", type: kind === "int" ? INT : FLOAT, buffer, index };
}
/** Neighbouring floats as a vector. */
export function vectorLoad(buffer: string, index: Expr, lanes: number): Expr {
  return { op: "load", type: { kind: "float", lanes }, buffer, index };
}
/** A scalar in every lane. */
export function splat(x: Expr, lanes: number): Expr {
  return { op: "splat", type: { ...x.type, lanes }, x };
}
/** The truth of a float that stands for a condition. */
export function truth(x: Expr): Expr {
  if (x.op === "unary" && x.fn === "float_of_bool") return x.x;
  return binary("ne", x, x.type.kind === "int" ? int(0) : float(0));
}
