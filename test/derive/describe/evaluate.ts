/** Formulas as numbers, for tests: numbers, vectors and matrices in float64. Knows nothing of how formulas are made. */
import type { Formula } from "../../../compiler/derive/describe/expression.ts";

export type Value =
  | { readonly kind: "number"; readonly x: number }
  | { readonly kind: "vector"; readonly x: readonly number[] }
  | { readonly kind: "matrix"; readonly x: readonly (readonly number[])[] }
  /** A multiple of the identity, and a vector of ones, of any size. */
  | { readonly kind: "eye"; readonly x: number }
  | { readonly kind: "ones" };

export const number = (x: number): Value => ({ kind: "number", x });
export const vector = (x: readonly number[]): Value => ({ kind: "vector", x });
export const matrix = (x: readonly (readonly number[])[]): Value => ({ kind: "matrix", x });

export const eye = (n: number): number[][] =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i === j ? 1 : 0)));

const turned = (a: readonly (readonly number[])[]): number[][] =>
  a[0]!.map((_, j) => a.map((row) => row[j]!));
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);
export const times = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]) =>
  a.map((row) => turned(b).map((column) => dot(row, column)));

type Two = (a: number, b: number) => number;

/** Element by element; a number, and a multiple of I beside a matrix, are spread out. */
function each(f: Two, a: Value, b: Value): Value {
  if (a.kind === "eye" && b.kind === "eye") return { kind: "eye", x: f(a.x, b.x) };
  if (a.kind === "eye" && b.kind === "matrix") {
    return each(f, matrix(eye(b.x.length).map((r) => r.map((x) => x * a.x))), b);
  }
  if (a.kind === "matrix" && b.kind === "eye") {
    return each(f, a, matrix(eye(a.x.length).map((r) => r.map((x) => x * b.x))));
  }
  if (a.kind === "number" && b.kind === "number") return number(f(a.x, b.x));
  if (a.kind === "vector") return vector(a.x.map((x, i) => f(x, b.kind === "vector" ? b.x[i]! : scalar(b)))); // prettier-ignore
  if (b.kind === "vector") return vector(b.x.map((y) => f(scalar(a), y)));
  if (a.kind === "matrix") return matrix(a.x.map((r, i) => r.map((x, j) => f(x, b.kind === "matrix" ? b.x[i]![j]! : scalar(b))))); // prettier-ignore
  if (b.kind === "matrix") return matrix(b.x.map((r) => r.map((y) => f(scalar(a), y))));
  throw new Error(`${a.kind} with ${b.kind}`);
}
function scalar(v: Value): number {
  if (v.kind !== "number") throw new Error(`a ${v.kind} where a number is needed`);
  return v.x;
}

function product(a: Value, b: Value): Value {
  if (a.kind === "eye" && b.kind === "number") return { kind: "eye", x: a.x * b.x };
  if (b.kind === "eye" && a.kind === "number") return { kind: "eye", x: a.x * b.x };
  if (a.kind === "eye" && b.kind === "matrix") return each((x) => x, matrix(b.x.map((r) => r.map((x) => x * a.x))), number(0)); // prettier-ignore
  if (a.kind === "matrix" && b.kind === "eye") return product(b, a);
  if (a.kind === "matrix" && b.kind === "matrix") return matrix(times(a.x, b.x));
  return each((x, y) => x * y, a, b);
}

const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  tanh: Math.tanh,
  exp: Math.exp,
  softplus: (x) => Math.log1p(Math.exp(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
  cos: Math.cos,
  sin: Math.sin,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
};

export interface Sizes {
  readonly rows: number;
  readonly columns: number;
}

export function evaluate(f: Formula, names: ReadonlyMap<string, Value>, sizes: Sizes): Value {
  const of = (x: Formula): Value => evaluate(x, names, sizes);
  switch (f.kind) {
    case "symbol": {
      if (f.name === "I") return { kind: "eye", x: 1 };
      if (f.name === "1") return { kind: "ones" };
      const found = names.get(f.name);
      if (found === undefined) throw new Error(`what is ${f.name}?`);
      return found;
    }
    case "number":
      return number(f.value);
    case "sum":
      return f.terms
        .map(({ minus, of: t }) => (minus ? product(number(-1), of(t)) : of(t)))
        .reduce((a, b) => each((x, y) => x + y, a, b));
    case "product": {
      const all = f.factors.map(of);
      return all.reduce(f.hadamard ? (a, b) => each((x, y) => x * y, a, b) : product);
    }
    case "quotient":
      return each((x, y) => x / y, of(f.over), of(f.under));
    case "outer": {
      const [a, b] = [of(f.a), of(f.b)];
      const list = (v: Value, n: number): readonly number[] =>
        v.kind === "ones" ? Array.from({ length: n }, () => 1) : v.kind === "vector" ? v.x : [scalar(v)]; // prettier-ignore
      const right = list(b, sizes.columns);
      return matrix(list(a, sizes.rows).map((x) => right.map((y) => x * y)));
    }
    case "dot": {
      const [a, b] = [of(f.a), of(f.b)];
      if (a.kind !== "vector" || b.kind !== "vector") throw new Error("a dot of no vectors");
      return number(dot(a.x, b.x));
    }
    case "matmul": {
      const [a, b] = [of(f.a), of(f.b)];
      if (a.kind === "matrix" && b.kind === "vector") return vector(a.x.map((r) => dot(r, b.x)));
      return product(a, b);
    }
    case "transpose": {
      const a = of(f.of);
      return a.kind === "matrix" ? matrix(turned(a.x)) : a;
    }
    case "diag": {
      const a = of(f.of);
      if (a.kind !== "vector") throw new Error(`diag of a ${a.kind}`);
      return matrix(eye(a.x.length).map((r, i) => r.map((x) => x * a.x[i]!)));
    }
    case "infix": {
      const [a, b] = [of(f.a), of(f.b)];
      if (f.sign === "⊗" && a.kind === "vector" && b.kind === "vector") return vector(a.x.flatMap((x) => b.x.map((y) => x * y))); // prettier-ignore
      // Ones along the rest of the rows or columns.
      if (f.sign === "⊗" && (a.kind === "ones" || b.kind === "ones")) {
        const [x, last] = a.kind === "vector" ? [a.x, true] : b.kind === "vector" ? [b.x, false] : [[], true]; // prettier-ignore
        const whole = [sizes.columns, sizes.rows].find((n) => n > x.length && n % x.length === 0)!;
        const ones = Array.from({ length: whole / x.length }, () => 1);
        return vector(last ? x.flatMap((y) => ones.map(() => y)) : ones.flatMap(() => x));
      }
      return each((x, y) => Number({ "<": x < y, "<=": x <= y, "==": x === y, "!=": x !== y }[f.sign]), a, b); // prettier-ignore
    }
    case "call": {
      const [a] = f.args.map(of);
      if (f.name === "sum" && a?.kind === "vector") return number(a.x.reduce((x, y) => x + y, 0));
      const fn = FUNCTIONS[f.name];
      if (fn === undefined || a === undefined) throw new Error(`what is ${f.name}()?`);
      return each((x) => fn(x), a, number(0));
    }
    case "index": {
      const a = of(f.of);
      if (a.kind === "number") return a;
      if (a.kind !== "vector") throw new Error("an element of no vector");
      return number(a.x[Number(f.at) - 1]!);
    }
    case "choice": {
      const when = of(f.when);
      const [a, b] = [of(f.a), of(f.b)];
      const chosen = each((c, x) => (c !== 0 ? x : 0), when, a);
      return each((x, y) => x + y, chosen, each((c, x) => (c !== 0 ? 0 : x), when, b)); // prettier-ignore
    }
    case "einsum":
      throw new Error("an einsum");
  }
}
