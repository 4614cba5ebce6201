/** Arithmetic on numbers that are known when the spec is compiled. */
import type { Span } from "../../grammar/ast.ts";
import { add, apply, dim, multiply, show, subtract, type Dim } from "../dims.ts";
import type { Frame } from "./frame.ts";
import type { NumberValue, Value } from "./values.ts";

export const numberValue = (value: number): NumberValue => ({
  kind: "number",
  value,
  dim: Number.isInteger(value) ? dim(value) : null,
});
export const sizeValue = (d: Dim): NumberValue => ({ kind: "number", value: null, dim: d });

/** The number itself, or null while it depends on sizes without a value. */
export function valueOf(frame: Frame, number: NumberValue): number | null {
  if (number.value !== null) return number.value;
  return number.dim === null ? null : frame.session.numeric(number.dim);
}

function sizeArithmetic(operator: string, a: Dim, b: Dim): Dim | null {
  switch (operator) {
    case "+":
      return add(a, b);
    case "-":
      return subtract(a, b);
    case "*":
      return multiply(a, b);
    case "/":
      return apply("div", a, b);
    default:
      return null;
  }
}

const PLAIN: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "^": (a, b) => a ** b,
};

const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

export function numberArithmetic(
  frame: Frame,
  operator: string,
  a: NumberValue,
  b: NumberValue,
): Value {
  const [x, y] = [valueOf(frame, a), valueOf(frame, b)];
  const compare = COMPARE[operator];
  if (compare !== undefined) {
    return { kind: "bool", value: x === null || y === null ? null : compare(x, y) };
  }
  const value = x === null || y === null ? null : PLAIN[operator]!(x, y);
  // A quotient of sizes may be a size (`width / heads`) or a fraction (`1 / n`): it stays a size only where it may be whole.
  const whole = a.dim !== null && b.dim !== null && (value === null || Number.isInteger(value));
  if (whole && operator !== "^")
    return { kind: "number", value: null, dim: sizeArithmetic(operator, a.dim, b.dim) };
  if (whole && b.value !== null && b.value >= 0 && b.value <= 8) {
    let power = dim(1);
    for (let i = 0; i < b.value; i++) power = multiply(power, a.dim);
    return sizeValue(power);
  }
  return value === null ? { kind: "number", value: null, dim: null } : numberValue(value);
}

export function showNumber(number: NumberValue): string {
  return number.value !== null
    ? String(number.value)
    : number.dim !== null
      ? show(number.dim)
      : "a number";
}

/** The value as a size; reports and gives null if it is not a whole number. */
export function asSize(frame: Frame, value: Value, what: string, span: Span): Dim | null {
  if (value.kind === "error") return null;
  if (value.kind === "number") {
    const known = valueOf(frame, value);
    if (known !== null && !Number.isInteger(known)) {
      frame.report("fwp2204", span, { what, found: String(known) });
      return null;
    }
    if (value.dim !== null) return value.dim;
    if (known !== null) return dim(known);
    return null;
  }
  frame.report("fwp2203", span, { what });
  return null;
}

/** The value as a whole number that is known now; null (unreported) while it depends on sizes without a value. */
export function asCount(frame: Frame, value: Value, what: string, span: Span): number | null {
  const size = asSize(frame, value, what, span);
  if (size === null) return null;
  const count = frame.session.numeric(size);
  if (count !== null && count < 0) {
    frame.report("fwp2205", span, { what, expected: "0 or more", found: String(count) });
    return null;
  }
  return count;
}

/** The functions that also take plain numbers. */
export const NUMBER_FUNCTIONS: Readonly<Record<string, (...x: number[]) => number>> = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  log2: Math.log2,
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  round: Math.round,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  softplus: (x) => Math.log1p(Math.exp(x)),
  expm1: Math.expm1,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  relu: (x) => Math.max(x, 0),
  rsqrt: (x) => 1 / Math.sqrt(x),
  sign: Math.sign,
  max: Math.max,
  min: Math.min,
};

/** A builtin applied to plain numbers. `ceil(log2(n))` stays a size while n has no value. */
export function numberFunction(
  frame: Frame,
  name: string,
  args: readonly NumberValue[],
): NumberValue {
  const [first] = args;
  if (name === "log2" && first!.dim !== null) {
    const n = valueOf(frame, first!);
    const value = n === null ? null : Math.log2(n);
    return { kind: "number", value, dim: null, log2Of: first!.dim };
  }
  if ((name === "ceil" || name === "floor") && first!.log2Of !== undefined) {
    return sizeValue(apply(`${name}_log2`, first!.log2Of));
  }
  const values = args.map((a) => valueOf(frame, a));
  const fn = NUMBER_FUNCTIONS[name]!;
  if (values.every((v) => v !== null)) {
    const value = fn(...(values as number[]));
    // A size that is not rounded has the same value but keeps its name.
    const [only] = args;
    const same = (name === "ceil" || name === "floor" || name === "round") && value === values[0];
    return same && only!.dim !== null ? only! : numberValue(value);
  }
  const dims = args.map((a) => a.dim);
  if ((name === "max" || name === "min") && dims.length === 2 && dims.every((d) => d !== null)) {
    return sizeValue(apply(name, dims[0]!, dims[1]!));
  }
  return { kind: "number", value: null, dim: null };
}
