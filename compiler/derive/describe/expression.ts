/** Formulas about one step, and the two ways to write them: as in a spec (`rate * outer(v, k)`), as on paper (`rate v kᵀ`). */
import { unreachable } from "../../../diagnostics/diagnostic.ts";

export interface Signed {
  readonly minus: boolean;
  readonly of: Formula;
}

export type Formula =
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "sum"; readonly terms: readonly Signed[] }
  /** `hadamard`: at least two factors have elements of their own, so the product is one of elements. */
  | { readonly kind: "product"; readonly factors: readonly Formula[]; readonly hadamard: boolean }
  | { readonly kind: "quotient"; readonly over: Formula; readonly under: Formula }
  /** A product that sums: matrix and vector, two matrices. */
  | { readonly kind: "matmul"; readonly a: Formula; readonly b: Formula }
  | { readonly kind: "dot"; readonly a: Formula; readonly b: Formula }
  | { readonly kind: "outer"; readonly a: Formula; readonly b: Formula }
  | { readonly kind: "transpose"; readonly of: Formula }
  | { readonly kind: "diag"; readonly of: Formula }
  | { readonly kind: "index"; readonly of: Formula; readonly at: string }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Formula[] }
  /** A comparison, or a product of the vectors along two axes: `⊗`. */
  | { readonly kind: "infix"; readonly sign: string; readonly a: Formula; readonly b: Formula }
  | { readonly kind: "choice"; readonly when: Formula; readonly a: Formula; readonly b: Formula }
  | {
      readonly kind: "einsum";
      readonly operands: readonly { readonly of: Formula; readonly axes: string }[];
      readonly out: string;
    };

export type Style = "spec" | "paper";

// ------------------------------------------------------------------------------------------------- making them

export const symbol = (name: string): Formula => ({ kind: "symbol", name });
export const number = (value: number): Formula =>
  value < 0 ? minus({ kind: "number", value: -value }) : { kind: "number", value };
export const call = (name: string, ...args: Formula[]): Formula => ({ kind: "call", name, args });
export const minus = (of: Formula): Formula => {
  const terms = termsOf(of);
  return sum(...terms.map((t) => ({ ...t, minus: !t.minus })));
};

export const isNumber = (f: Formula, value: number): boolean =>
  f.kind === "number" && f.value === value;

const termsOf = (f: Formula): readonly Signed[] =>
  f.kind === "sum" ? f.terms : [{ minus: false, of: f }];

/** Sums inside are joined with it, zeros go, and what is added comes before what is taken away if it can. */
export function sum(...terms: readonly Signed[]): Formula {
  const flat = terms.flatMap((t) =>
    termsOf(t.of).map((u) => ({ of: u.of, minus: u.minus !== t.minus })),
  );
  const left = collected(flat);
  const [first] = left;
  if (first === undefined) return number(0);
  if (left.length === 1 && !first.minus) return first.of;
  if (!first.minus) return { kind: "sum", terms: left };
  const plus = left.find((t) => !t.minus);
  return { kind: "sum", terms: plus === undefined ? left : [plus, ...left.filter((t) => t !== plus)] }; // prettier-ignore
}
/** A term's number and the rest of it. */
function apart({ minus: negative, of }: Signed): { value: number; rest: Formula } {
  const sign = negative ? -1 : 1;
  if (of.kind === "number") return { value: sign * of.value, rest: { kind: "number", value: 1 } };
  if (of.kind !== "product" || of.factors[0]?.kind !== "number") return { value: sign, rest: of };
  const [first, ...others] = of.factors as [Formula & { kind: "number" }, ...Formula[]];
  const rest: Formula = others.length === 1 ? others[0]! : { ...of, factors: others };
  return { value: sign * first.value, rest };
}

/** Terms that differ in a number only are one; those that cancel go. */
function collected(terms: readonly Signed[]): Signed[] {
  const groups = new Map<string, { value: number; rest: Formula; only: Signed | null }>();
  for (const term of terms) {
    const { value, rest } = apart(term);
    const key = JSON.stringify(rest);
    const old = groups.get(key);
    if (old === undefined) groups.set(key, { value, rest, only: term });
    else groups.set(key, { value: old.value + value, rest, only: null });
  }
  return [...groups.values()].flatMap(({ value, rest, only }) => {
    if (value === 0) return [];
    const of = only?.of ?? product([{ kind: "number", value: Math.abs(value) }, rest]);
    return [{ minus: value < 0, of }];
  });
}

export const plus = (...terms: readonly Formula[]): Formula =>
  sum(...terms.map((of) => ({ minus: false, of })));
export const less = (a: Formula, b: Formula): Formula =>
  sum({ minus: false, of: a }, { minus: true, of: b });

/** Signs come to the front and numbers are multiplied. */
export function product(factors: readonly Formula[], hadamard = false): Formula {
  let value = 1;
  const left: Formula[] = [];
  for (let f of factors) {
    if (f.kind === "sum" && f.terms.length === 1) {
      value *= -1;
      f = f.terms[0]!.of;
    }
    if (f.kind === "number") value *= f.value;
    else if (f.kind === "product" && (!f.hadamard || hadamard)) {
      for (const g of f.factors) {
        if (g.kind === "number") value *= g.value;
        else left.push(g);
      }
    } else left.push(f);
  }
  if (value === 0) return number(0);
  const size = Math.abs(value);
  const all = size === 1 ? left : [number(size), ...left];
  const made: Formula =
    all.length === 0
      ? number(1)
      : all.length === 1
        ? all[0]!
        : { kind: "product", factors: all, hadamard };
  return value < 0 ? minus(made) : made;
}

/** Factors that all of several formulas have, and what is left of each without them. */
export function commonFactors(all: readonly Formula[]): {
  readonly common: readonly Formula[];
  readonly rest: readonly Formula[];
} {
  const apart = all.map((x) => {
    const negative = x.kind === "sum" && x.terms.length === 1;
    const of = negative ? x.terms[0]!.of : x;
    const factors = of.kind === "product" && !of.hadamard ? of.factors : [of];
    return { negative, left: factors.map((y) => ({ y, key: JSON.stringify(y) })) };
  });
  const [first] = apart;
  const common: Formula[] = [];
  for (const { y, key } of all.length < 2 ? [] : [...first!.left]) {
    const places = apart.map(({ left }) => left.findIndex((z) => z.key === key));
    if (places.includes(-1) || isNumber(y, 1)) continue;
    common.push(y);
    apart.forEach(({ left }, i) => left.splice(places[i]!, 1));
  }
  const rest = apart.map(({ negative, left }) => {
    const made = product(left.map((z) => z.y));
    return negative ? minus(made) : made;
  });
  return { common, rest };
}

export const outer = (a: Formula, b: Formula): Formula => signed({ kind: "outer", a, b });
export const dot = (a: Formula, b: Formula): Formula => signed({ kind: "dot", a, b });
export const matmul = (a: Formula, b: Formula): Formula => signed({ kind: "matmul", a, b });
export const quotient = (over: Formula, under: Formula): Formula =>
  over.kind === "sum" && over.terms.length === 1
    ? minus(quotient(over.terms[0]!.of, under))
    : { kind: "quotient", over, under };
export const diag = (of: Formula): Formula => ({ kind: "diag", of });
export const transposed = (of: Formula): Formula =>
  of.kind === "transpose" ? of.of : { kind: "transpose", of };

/** The signs of both sides go in front. */
function signed(f: Formula & { kind: "outer" | "dot" | "matmul" }): Formula {
  const single = (x: Formula): x is Formula & { kind: "sum" } =>
    x.kind === "sum" && x.terms.length === 1;
  const [a, b] = [single(f.a), single(f.b)];
  if (!a && !b) return f;
  const made: Formula = {
    kind: f.kind,
    a: single(f.a) ? f.a.terms[0]!.of : f.a,
    b: single(f.b) ? f.b.terms[0]!.of : f.b,
  };
  return a === b ? made : minus(made);
}

/** How many names and numbers a formula is made of. */
export function sizeOf(f: Formula): number {
  const all = (list: readonly Formula[]): number => list.reduce((n, x) => n + sizeOf(x), 0);
  switch (f.kind) {
    case "symbol":
    case "number":
      return 1;
    case "sum":
      return all(f.terms.map((t) => t.of));
    case "product":
      return all(f.factors);
    case "quotient":
      return all([f.over, f.under]);
    case "matmul":
    case "dot":
    case "outer":
    case "infix":
      return all([f.a, f.b]);
    case "transpose":
    case "diag":
    case "index":
      return sizeOf(f.of);
    case "call":
      return 1 + all(f.args);
    case "choice":
      return all([f.when, f.a, f.b]);
    case "einsum":
      return 1 + all(f.operands.map((o) => o.of));
    default:
      return unreachable(f);
  }
}

// ------------------------------------------------------------------------------------------------ writing them

const LEVEL = { choice: 0, compare: 1, sum: 2, product: 3, matmul: 4, negative: 5, atom: 9 } as const; // prettier-ignore

const digits = (value: number): string => String(Number(value.toPrecision(6)));

interface Written {
  readonly text: string;
  readonly level: number;
}

const atom = (text: string): Written => ({ text, level: LEVEL.atom });

/** A formula as text. */
export function write(f: Formula, style: Style): string {
  const paper = style === "paper";
  const at = (x: Formula, level: number): string => {
    const made = of(x);
    return made.level < level ? `(${made.text})` : made.text;
  };
  const between = (list: readonly Formula[], sign: string, level: number): Written => ({
    text: list.map((x, i) => at(x, i === 0 ? level : level + 1)).join(sign),
    level,
  });
  const list = (all: readonly Formula[]): string => all.map((x) => of(x).text).join(", ");
  const of = (x: Formula): Written => {
    switch (x.kind) {
      case "symbol":
        return atom(x.name);
      case "number":
        return atom(digits(x.value));
      case "sum": {
        const sign = paper ? "−" : "-";
        const text = x.terms.map((t, i) => {
          const inner = at(t.of, i === 0 && !t.minus ? LEVEL.sum : LEVEL.sum + 1);
          if (i === 0) return t.minus ? `${sign}${inner}` : inner;
          return ` ${t.minus ? sign : "+"} ${inner}`;
        });
        return { text: text.join(""), level: LEVEL.sum };
      }
      case "product":
        if (!paper) return between(x.factors, " * ", LEVEL.product);
        return between(x.factors, x.hadamard ? " ⊙ " : " ", LEVEL.product);
      case "quotient":
        return between([x.over, x.under], paper ? "/" : " / ", LEVEL.product);
      case "matmul":
        return between([x.a, x.b], paper ? " " : " @ ", paper ? LEVEL.product : LEVEL.matmul);
      case "dot":
        if (!paper) return atom(`dot(${list([x.a, x.b])})`);
        return atom(`(${at(x.a, LEVEL.matmul)} · ${at(x.b, LEVEL.matmul)})`);
      case "outer":
        if (!paper) return atom(`outer(${list([x.a, x.b])})`);
        return { text: `${at(x.a, LEVEL.matmul)} ${at(x.b, LEVEL.atom)}ᵀ`, level: LEVEL.matmul };
      case "transpose":
        return atom(paper ? `${at(x.of, LEVEL.atom)}ᵀ` : `transpose(${of(x.of).text})`);
      case "diag":
        return atom(`diag(${of(x.of).text})`);
      case "index":
        return atom(`${at(x.of, LEVEL.atom)}[${x.at}]`);
      case "call":
        return atom(`${x.name}(${list(x.args)})`);
      case "infix":
        return between([x.a, x.b], ` ${x.sign} `, x.sign === "⊗" ? LEVEL.product : LEVEL.compare);
      case "choice": {
        const [when, a, b] = [x.when, x.a, x.b].map((y) => at(y, LEVEL.compare));
        return { text: `if ${when!} then ${a!} else ${b!}`, level: LEVEL.choice };
      }
      case "einsum": {
        const parts = x.operands.map((o) => `${at(o.of, LEVEL.atom)}[${[...o.axes].join(", ")}]`);
        return atom(`einsum(${parts.join(", ")} -> [${[...x.out].join(", ")}])`);
      }
      default:
        return unreachable(x);
    }
  };
  return of(f).text;
}

/** The formula with its names changed. */
export function renamed(f: Formula, to: (name: string) => string): Formula {
  const of = (x: Formula): Formula => renamed(x, to);
  switch (f.kind) {
    case "symbol":
      return symbol(to(f.name));
    case "number":
      return f;
    case "sum":
      return { ...f, terms: f.terms.map((t) => ({ ...t, of: of(t.of) })) };
    case "product":
      return { ...f, factors: f.factors.map(of) };
    case "quotient":
      return { ...f, over: of(f.over), under: of(f.under) };
    case "matmul":
    case "dot":
    case "outer":
    case "infix":
      return { ...f, a: of(f.a), b: of(f.b) };
    case "transpose":
    case "diag":
    case "index":
      return { ...f, of: of(f.of) };
    case "call":
      return { ...f, args: f.args.map(of) };
    case "choice":
      return { ...f, when: of(f.when), a: of(f.a), b: of(f.b) };
    case "einsum":
      return { ...f, operands: f.operands.map((o) => ({ ...o, of: of(o.of) })) };
    default:
      return unreachable(f);
  }
}

/** Products with unit vectors in front of what they are multiplied with: `e ⊗ k`, however the axes are laid out. */
export function unitsFirst(f: Formula, isUnit: (name: string) => boolean): Formula {
  const of = (x: Formula): Formula => unitsFirst(x, isUnit);
  const only = (x: Formula): boolean =>
    x.kind === "symbol" ? isUnit(x.name) : x.kind === "sum" && x.terms.every((t) => only(t.of));
  const factors = (x: Formula): readonly Formula[] => {
    if (x.kind === "product") return x.factors.flatMap(factors);
    if (x.kind === "outer" || (x.kind === "infix" && x.sign === "⊗")) return [x.a, x.b].flatMap(factors); // prettier-ignore
    if (x.kind === "transpose") return factors(x.of);
    return x.kind === "call" && x.name === "transpose" ? factors(x.args[0]!) : [x];
  };
  if (f.kind === "sum") return sum(...f.terms.map((t) => ({ ...t, of: of(t.of) })));
  const all = factors(f);
  const units = all.filter(only);
  if (units.length === 0) return all.length === 1 && all[0] !== f ? of(all[0]!) : f;
  const unit = product(units, true);
  const rest = all.filter((x) => !only(x)).map(of);
  return rest.length === 0 ? unit : { kind: "infix", sign: "⊗", a: unit, b: product(rest) };
}
