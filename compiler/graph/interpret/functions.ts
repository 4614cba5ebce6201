/** The elementwise functions in float64, and the conventions where mathematics leaves a choice. */
import { unreachable } from "../../../diagnostics/diagnostic.ts";
import type { BinaryFn, DType, UnaryFn } from "../ir.ts";

/** erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!  (Abramowitz and Stegun 7.1.6): all terms of one sign. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/** Halves go to the even neighbour, as in IEEE 754. */
export function roundEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

export function unaryFunction(fn: UnaryFn): (x: number) => number {
  switch (fn) {
    case "neg":
      return (x) => -x;
    case "exp":
      return Math.exp;
    case "log":
      return Math.log;
    case "log1p":
      return Math.log1p;
    case "expm1":
      return Math.expm1;
    case "sqrt":
      return Math.sqrt;
    case "rsqrt":
      return (x) => 1 / Math.sqrt(x);
    case "sin":
      return Math.sin;
    case "cos":
      return Math.cos;
    case "tanh":
      return Math.tanh;
    case "sigmoid":
      return (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
    case "softplus":
      return (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    case "relu":
      return (x) => (x > 0 ? x : 0);
    case "abs":
      return Math.abs;
    case "sign":
      return Math.sign;
    case "floor":
      return Math.floor;
    case "ceil":
      return Math.ceil;
    case "round":
      return roundEven;
    case "reciprocal":
      return (x) => 1 / x;
    case "erf":
      return erf;
    case "step":
      return (x) => (x > 0 ? 1 : 0);
    case "to_float":
      return (x) => x;
    case "to_int":
      return Math.trunc;
    default:
      return unreachable(fn);
  }
}

/** `mod` has the divisor's sign, and the quotient of integers is rounded down, so that they belong together. */
export function binaryFunction(fn: BinaryFn, dtype: DType): (a: number, b: number) => number {
  switch (fn) {
    case "add":
      return (a, b) => a + b;
    case "sub":
      return (a, b) => a - b;
    case "mul":
      return (a, b) => a * b;
    case "div":
      return dtype === "int" ? (a, b) => Math.floor(a / b) : (a, b) => a / b;
    case "pow":
      return Math.pow;
    case "max":
      return Math.max;
    case "min":
      return Math.min;
    case "mod":
      return (a, b) => a - b * Math.floor(a / b);
    case "lt":
      return (a, b) => (a < b ? 1 : 0);
    case "le":
      return (a, b) => (a <= b ? 1 : 0);
    case "eq":
      return (a, b) => (a === b ? 1 : 0);
    case "ne":
      return (a, b) => (a === b ? 0 : 1);
    case "and":
      return (a, b) => (a !== 0 && b !== 0 ? 1 : 0);
    case "or":
      return (a, b) => (a !== 0 || b !== 0 ? 1 : 0);
    default:
      return unreachable(fn);
  }
}
