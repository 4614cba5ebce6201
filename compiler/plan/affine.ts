/** Indices as sums of loop variables times sizes: what addresses are made of and what makes loops comparable. */
import {
  add as addDims,
  apply,
  constant,
  dim,
  equal,
  multiply,
  scale,
  subtract,
  type Dim,
} from "../dims.ts";

/** An int in scope: a loop's variable, or one computed from others. 0 ≤ value < extent. */
export interface IndexVariable {
  readonly name: string;
  readonly extent: Dim;
  /** Number of loops around the place from which it can be seen: 0 for the kernel's top. */
  readonly depth: number;
}

interface Term {
  readonly variable: IndexVariable;
  readonly coefficient: Dim;
}

/** constant + Σ coefficient · variable, one term per variable, sorted by depth and name, no zero coefficients. */
export interface Affine {
  readonly constant: Dim;
  readonly terms: readonly Term[];
}

const ZERO = dim(0);
const ONE = dim(1);

export const fixed = (value: Dim | number): Affine => ({
  constant: typeof value === "number" ? dim(value) : value,
  terms: [],
});
export const ofVariable = (variable: IndexVariable): Affine => ({
  constant: ZERO,
  terms: [{ variable, coefficient: ONE }],
});

const isThere = ({ coefficient }: Term): boolean => coefficient.terms.length > 0;

/** Where one term stands beside another: before it, after it, or in its place. */
const compared = ({ variable: s }: Term, { variable: t }: Term): number =>
  s.name === t.name ? 0 : s.depth - t.depth || (s.name < t.name ? -1 : 1);

export function plus(a: Affine, b: Affine): Affine {
  if (a.terms.length === 0 && a.constant.terms.length === 0) return b;
  if (b.terms.length === 0 && b.constant.terms.length === 0) return a;
  const constant = addDims(a.constant, b.constant);
  if (b.terms.length === 0) return { constant, terms: a.terms };
  if (a.terms.length === 0) return { constant, terms: b.terms };
  // Both are in order.
  const terms: Term[] = [];
  let i = 0;
  let j = 0;
  while (i < a.terms.length && j < b.terms.length) {
    const s = a.terms[i]!;
    const t = b.terms[j]!;
    const order = compared(s, t);
    if (order <= 0) i += 1;
    if (order >= 0) j += 1;
    if (order !== 0) terms.push(order < 0 ? s : t);
    else {
      const both = { variable: t.variable, coefficient: addDims(s.coefficient, t.coefficient) };
      if (isThere(both)) terms.push(both);
    }
  }
  for (; i < a.terms.length; i++) terms.push(a.terms[i]!);
  for (; j < b.terms.length; j++) terms.push(b.terms[j]!);
  return { constant, terms };
}

export function shifted(a: Affine, by: Dim): Affine {
  return { constant: addDims(a.constant, by), terms: a.terms };
}

export function times(a: Affine, by: Dim): Affine {
  if (equal(by, ONE)) return a;
  const terms = a.terms.map(({ variable, coefficient }) => ({
    variable,
    coefficient: multiply(coefficient, by),
  }));
  return { constant: multiply(a.constant, by), terms: terms.filter(isThere) };
}

export function minus(a: Affine, b: Affine): Affine {
  return plus(a, times(b, dim(-1)));
}

export const keyOf = (a: Affine): string =>
  `${a.constant.key};${a.terms.map((t) => `${t.variable.name}*${t.coefficient.key}`).join(";")}`;

export const sameAffine = (a: Affine, b: Affine): boolean => keyOf(a) === keyOf(b);

/** The variable that an index is, if it is just one. */
export function asVariable(a: Affine): IndexVariable | undefined {
  if (a.terms.length !== 1 || a.constant.terms.length > 0) return undefined;
  const term = a.terms[0]!;
  return equal(term.coefficient, ONE) ? term.variable : undefined;
}

/** The axis of an index along which an address grows by one; undefined where there is none. */
export function nextAlong(address: Affine, variables: readonly Affine[]): number | undefined {
  const found = variables.findIndex((v) => {
    const name = v.terms[0]?.variable.name;
    const term = address.terms.find((t) => t.variable.name === name);
    return name !== undefined && term !== undefined && constant(term.coefficient) === 1;
  });
  return found < 0 ? undefined : found;
}

/** How deep in the loops an index is fixed. */
export const depthOf = (a: Affine): number => a.terms.at(-1)?.variable.depth ?? 0;

/** a / b where b divides a for every value of the sizes; else undefined. */
export function quotient(a: Dim, b: Dim): Dim | undefined {
  if (equal(b, ONE)) return a;
  const found = apply("div", a, b);
  return equal(multiply(found, b), a) ? found : undefined;
}

/** Whether a ≥ 0 for all sizes ≥ 1, as far as its polynomial shows. */
export function surelyNonNegative(a: Dim): boolean {
  // Each term with atoms is at least its coefficient, as the sizes are at least one.
  let least = 0;
  for (let i = 0; i < a.terms.length; i++) {
    const t = a.terms[i]!;
    const opaque = t.atoms.some((x) =>
      x.kind === "opaque" ? x.fn !== "ceildiv" && x.fn !== "max" : x.key === "$past",
    );
    if (t.coefficient < 0 && t.atoms.length > 0) return false;
    least += opaque ? Math.min(0, t.coefficient) : t.coefficient;
  }
  return least >= 0;
}

/** The largest value of an index whose coefficients are not negative; undefined where one is. */
function largest(a: Affine): Dim | undefined {
  let total = a.constant;
  for (const t of a.terms) {
    if (!surelyNonNegative(t.coefficient)) return undefined;
    total = addDims(total, multiply(t.coefficient, subtract(t.variable.extent, ONE)));
  }
  return total;
}

/** Quotient and remainder by a size where they are again such sums; else undefined. */
export function divide(
  a: Affine,
  by: Dim,
): { readonly quotient: Affine; readonly remainder: Affine } | undefined {
  if (equal(by, ONE)) return { quotient: a, remainder: fixed(0) };
  const whole: Term[] = [];
  const rest: Term[] = [];
  a.terms.forEach((t) => {
    const q = quotient(t.coefficient, by);
    if (q === undefined) rest.push(t);
    else whole.push({ ...t, coefficient: q });
  });
  let wholeConstant = ZERO;
  let restConstant = a.constant;
  const q = quotient(a.constant, by);
  const n = constant(by);
  const c = constant(a.constant);
  if (q !== undefined) {
    wholeConstant = q;
    restConstant = ZERO;
  } else if (n !== undefined && c !== undefined) {
    wholeConstant = dim(Math.floor(c / n));
    restConstant = dim(c - n * Math.floor(c / n));
  }
  const remainder = { constant: restConstant, terms: rest };
  const top = largest(remainder);
  if (top === undefined || !surelyNonNegative(restConstant)) return undefined;
  if (!surelyNonNegative(subtract(subtract(by, ONE), top))) return undefined;
  return { quotient: { constant: wholeConstant, terms: whole }, remainder };
}

/** Row-major strides. */
export function stridesOf(shape: readonly Dim[]): Dim[] {
  const strides: Dim[] = [];
  let step = ONE;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step = multiply(step, shape[i]!);
  }
  return strides;
}

/** Σ index · stride. */
export function linear(index: readonly Affine[], strides: readonly Dim[]): Affine {
  let total = fixed(0);
  index.forEach((a, i) => (total = plus(total, times(a, strides[i]!))));
  return total;
}

export const negated = (a: Dim): Dim => scale(a, -1);
