/**
 * Symbolic sizes: polynomials with integer coefficients over named sizes.
 *
 * Two sizes are equal when their polynomials are, so sizes of equal value and different name stay different. What is
 * not a polynomial (a quotient that does not divide, `ceil(log2(n))`) becomes an opaque atom of its own.
 */
import { InternalError } from "../diagnostics/diagnostic.ts";

/** A named size. `key` tells atoms apart, `name` is what the user reads. */
export interface NamedAtom {
  readonly kind: "named";
  readonly key: string;
  readonly name: string;
}
export type DimFunction = "div" | "ceildiv" | "mod" | "ceil_log2" | "floor_log2" | "max" | "min";
/** A function of sizes that is not a polynomial. */
export interface OpaqueAtom {
  readonly kind: "opaque";
  readonly key: string;
  readonly fn: DimFunction;
  readonly args: readonly Dim[];
}
export type Atom = NamedAtom | OpaqueAtom;

interface Term {
  readonly coefficient: number;
  /** Atoms with multiplicity, sorted by key. */
  readonly atoms: readonly Atom[];
}

/** Immutable; terms sorted by monomial key, no zero coefficients. */
export interface Dim {
  readonly terms: readonly Term[];
  /** Canonical: equal keys, equal sizes. */
  readonly key: string;
}

export type Shape = readonly Dim[];

const monomialKey = (atoms: readonly Atom[]): string => atoms.map((a) => a.key).join("*");

function fromTerms(terms: readonly Term[]): Dim {
  const only = terms[0];
  if (terms.length === 1 && only!.coefficient !== 0) {
    return { terms, key: `${only!.coefficient}*${monomialKey(only!.atoms)}` };
  }
  const sums: (Term & { readonly monomial: string })[] = [];
  terms.forEach(({ coefficient, atoms }) => {
    const monomial = monomialKey(atoms);
    const at = sums.findIndex((s) => s.monomial === monomial);
    if (at < 0) sums.push({ monomial, coefficient, atoms });
    else sums[at] = { monomial, coefficient: sums[at]!.coefficient + coefficient, atoms };
  });
  const left = sums.filter((s) => s.coefficient !== 0);
  left.sort((a, b) => (a.monomial < b.monomial ? -1 : a.monomial > b.monomial ? 1 : 0));
  return {
    terms: left.map(({ coefficient, atoms }) => ({ coefficient, atoms })),
    key: left.map((s) => `${s.coefficient}*${s.monomial}`).join("+"),
  };
}

/** Sizes up to here are made once. */
const SMALL = 4096;
const small: Dim[] = [];

const ofNumber = (value: number): Dim =>
  fromTerms(value === 0 ? [] : [{ coefficient: value, atoms: [] }]);

/** The size `value`, an integer. */
export function dim(value: number): Dim {
  if (!Number.isInteger(value)) throw new InternalError(`a size must be an integer, not ${value}`);
  return value < 0 || value > SMALL ? ofNumber(value) : (small[value] ??= ofNumber(value));
}

/** A named size; `key` defaults to the name. */
export function named(name: string, key: string = name): Dim {
  return fromTerms([{ coefficient: 1, atoms: [{ kind: "named", key, name }] }]);
}

export const BATCH = named("batch", "$batch");
export const TIME = named("time", "$time");
/** How many steps a growing state already holds when a run starts. */
export const PAST = named("past", "$past");
/** Rows of a growing state at the end of a run. */
export const CAPACITY = add(PAST, TIME);

export function add(a: Dim, b: Dim): Dim {
  if (a.terms.length === 0) return b;
  if (b.terms.length === 0) return a;
  const x = constant(a);
  const y = constant(b);
  if (x !== undefined && y !== undefined) return dim(x + y);
  return fromTerms(a.terms.concat(b.terms));
}

export function scale(a: Dim, by: number): Dim {
  return fromTerms(a.terms.map((t) => ({ ...t, coefficient: t.coefficient * by })));
}

export function subtract(a: Dim, b: Dim): Dim {
  const x = constant(a);
  const y = constant(b);
  if (x !== undefined && y !== undefined) return dim(x - y);
  return add(a, scale(b, -1));
}

export function multiply(a: Dim, b: Dim): Dim {
  const x = constant(a);
  const y = constant(b);
  if (x === 1 || y === 0) return b;
  if (y === 1 || x === 0) return a;
  if (x !== undefined && y !== undefined) return dim(x * y);
  const terms: Term[] = [];
  a.terms.forEach((s) => {
    b.terms.forEach((t) => {
      const atoms = s.atoms.concat(t.atoms);
      if (atoms.length > 1) atoms.sort((x, y) => (x.key < y.key ? -1 : x.key > y.key ? 1 : 0));
      terms.push({ coefficient: s.coefficient * t.coefficient, atoms });
    });
  });
  return fromTerms(terms);
}

export function product(dims: Iterable<Dim>): Dim {
  let result = dim(1);
  for (const d of dims) result = multiply(result, d);
  return result;
}

export function sum(dims: Iterable<Dim>): Dim {
  let result = dim(0);
  for (const d of dims) result = add(result, d);
  return result;
}

export const equal = (a: Dim, b: Dim): boolean => a.key === b.key;
/** Whether something that a node holds is a size. */
export const isDim = (value: object): value is Dim => "terms" in value && "key" in value;

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => equal(d, b[i]!));
}

/** The value of a size without atoms, else undefined. */
export function constant(a: Dim): number | undefined {
  if (a.terms.length === 0) return 0;
  const term = a.terms[0];
  return a.terms.length === 1 && term!.atoms.length === 0 ? term!.coefficient : undefined;
}

/** a / b when b is one term that divides every term of a; else undefined. */
function exactQuotient(a: Dim, b: Dim): Dim | undefined {
  if (b.terms.length !== 1) return undefined;
  const [divisor] = b.terms;
  const terms: Term[] = [];
  for (const term of a.terms) {
    if (term.coefficient % divisor!.coefficient !== 0) return undefined;
    const rest = [...term.atoms];
    for (const atom of divisor!.atoms) {
      const at = rest.findIndex((x) => x.key === atom.key);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    terms.push({ coefficient: term.coefficient / divisor!.coefficient, atoms: rest });
  }
  return fromTerms(terms);
}

function evaluate(fn: DimFunction, args: readonly number[]): number {
  const [a = 0, b = 0] = args;
  switch (fn) {
    case "div":
      return a / b;
    case "ceildiv":
      return Math.ceil(a / b);
    case "mod":
      return a % b;
    case "ceil_log2":
      return Math.ceil(Math.log2(a));
    case "floor_log2":
      return Math.floor(Math.log2(a));
    case "max":
      return Math.max(a, b);
    case "min":
      return Math.min(a, b);
  }
}

/** A function of sizes: folded when all arguments are known or the quotient is exact, else opaque. */
export function apply(fn: DimFunction, ...args: Dim[]): Dim {
  const values = args.map(constant);
  if (values.every((v) => v !== undefined)) {
    const value = evaluate(fn, values as number[]);
    if (Number.isInteger(value)) return dim(value);
  }
  if ((fn === "div" || fn === "ceildiv") && args.length === 2) {
    const exact = exactQuotient(args[0]!, args[1]!);
    if (exact !== undefined) return exact;
  }
  if ((fn === "max" || fn === "min") && equal(args[0]!, args[1]!)) return args[0]!;
  const key = `${fn}(${args.map((a) => a.key).join(",")})`;
  return fromTerms([{ coefficient: 1, atoms: [{ kind: "opaque", key, fn, args }] }]);
}

/** Replaces named atoms; `lookup` gives undefined for those that stay. */
export function substitute(a: Dim, lookup: (atom: NamedAtom) => Dim | undefined): Dim {
  if (a.terms.every((t) => t.atoms.length === 0)) return a;
  // Mostly a size is one name: it is replaced or it stays.
  const [term] = a.terms;
  const [atom] = term!.atoms;
  if (
    a.terms.length === 1 &&
    term!.coefficient === 1 &&
    term!.atoms.length === 1 &&
    atom?.kind === "named"
  ) {
    return lookup(atom) ?? a;
  }
  return sum(
    a.terms.map((t) =>
      multiply(
        dim(t.coefficient),
        product(
          t.atoms.map((atom) =>
            atom.kind === "named"
              ? (lookup(atom) ?? fromTerms([{ coefficient: 1, atoms: [atom] }]))
              : apply(atom.fn, ...atom.args.map((x) => substitute(x, lookup))),
          ),
        ),
      ),
    ),
  );
}

/** Every named atom in a size, those inside opaque atoms included. */
export function* atomsOf(a: Dim): Generator<NamedAtom> {
  for (const term of a.terms) {
    for (const atom of term.atoms) {
      if (atom.kind === "named") yield atom;
      else for (const x of atom.args) yield* atomsOf(x);
    }
  }
}

const SHOWN: Record<DimFunction, (args: string[]) => string> = {
  div: ([a, b]) => `(${a}) / (${b})`,
  ceildiv: ([a, b]) => `ceil((${a}) / (${b}))`,
  mod: ([a, b]) => `mod(${a}, ${b})`,
  ceil_log2: ([a]) => `ceil(log2(${a}))`,
  floor_log2: ([a]) => `floor(log2(${a}))`,
  max: ([a, b]) => `max(${a}, ${b})`,
  min: ([a, b]) => `min(${a}, ${b})`,
};

function showAtom(atom: Atom): string {
  return atom.kind === "named" ? atom.name : SHOWN[atom.fn](atom.args.map(show));
}

/** As the user would write it: `3 * n + 4`. */
export function show(a: Dim): string {
  if (a.terms.length === 0) return "0";
  // Terms with atoms first, the plain number last, as a person writes them.
  const terms = [...a.terms].sort((s, t) => t.atoms.length - s.atoms.length);
  return terms
    .map((t, i) => {
      const size = Math.abs(t.coefficient);
      const factors = t.atoms.map(showAtom);
      if (size !== 1 || factors.length === 0) factors.unshift(String(size));
      const sign = t.coefficient < 0 ? (i === 0 ? "-" : " - ") : i === 0 ? "" : " + ";
      return sign + factors.join(" * ");
    })
    .join("");
}

/** `[heads, value, key]` */
export function showShape(shape: Shape): string {
  return `[${shape.map(show).join(", ")}]`;
}

/** The number a size comes to when every named atom has a value. Throws when one has none. */
export function evaluateDim(a: Dim, values: (atom: NamedAtom) => number | undefined): number {
  let total = 0;
  for (let i = 0; i < a.terms.length; i++) {
    const { coefficient, atoms } = a.terms[i]!;
    let value = coefficient;
    for (let j = 0; j < atoms.length; j++) {
      const atom = atoms[j]!;
      if (atom.kind === "named") {
        const found = values(atom);
        if (found === undefined) throw new InternalError(`the size ${atom.name} has no value`);
        value *= found;
      } else {
        value *= evaluate(
          atom.fn,
          atom.args.map((x) => evaluateDim(x, values)),
        );
      }
    }
    total += value;
  }
  return total;
}
