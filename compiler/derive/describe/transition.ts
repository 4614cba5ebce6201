/** What one step does to a state, as A and B and C of W ← A W B + C, from its terms in index notation. */
import { GraphBuilder, type Graph, type NodeId } from "../../graph/index.ts";
import { degrees } from "../analyse/degree.ts";
import { Expander } from "../analyse/expand.ts";
import { Inexpressible, Products, UNIT, type Factor, type Label, type Sum, type Term } from "../analyse/terms.ts"; // prettier-ignore
import { versions } from "./cuts.ts";
import * as f from "./expression.ts";
import type { Formula } from "./expression.ts";
import type { Notation } from "./notation.ts";

/** Which axes of a state count as rows and as columns; along all others nothing is mixed. */
export interface Sides {
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** A G ⊙ (A W B), one of the addends of the new state. Null for what does nothing. */
export interface Addend {
  readonly A: Formula | null;
  readonly B: Formula | null;
  readonly G: Formula | null;
}

export interface Transition {
  readonly sides: Sides;
  readonly addends: readonly Addend[];
  /** Null for zero. */
  readonly C: Formula | null;
}

type Side =
  | { readonly kind: "one" }
  | { readonly kind: "diagonal"; readonly of: Formula }
  | { readonly kind: "matrix"; readonly of: Formula };

interface Part {
  readonly scalar: Formula;
  readonly left: Side;
  readonly right: Side;
  /** Factors along rows and columns at once. */
  readonly both: Formula | null;
  /** Whether something is summed over. */
  readonly mixes: boolean;
}

const ONE = f.symbol("I");
/** A vector of ones. */
const ALL = f.symbol("1");

/** Which axes the terms of a sum sum over: the sets that occur. */
function summedAxes({ terms, out }: Sum): (readonly number[])[] {
  const sets = terms.map(({ state }) =>
    (state ?? []).flatMap((l, axis) => (l !== UNIT && !out.includes(l) ? [axis] : [])),
  );
  const some = sets.filter((axes) => axes.length > 0);
  return [...new Map(some.map((axes) => [axes.join(), axes])).values()];
}

/** Axes that the keys of what is summed over have as well: heads. */
function leadAxes({ terms, out }: Sum, summed: readonly number[]): Set<number> {
  const found = new Set<number>();
  for (const { state, factors } of terms) {
    if (state === null) continue;
    const inside = summed.map((axis) => state[axis]!);
    const ends = [...inside, ...summed.map((axis) => out[axis]!)];
    for (const { labels } of factors) {
      if (!labels.some((l) => ends.includes(l))) continue;
      for (const l of labels) if (!ends.includes(l)) found.add(out.indexOf(l));
    }
  }
  return found;
}

/**
 * Rows and columns where the terms themselves tell: what is summed over is one side, the rest the other.
 * @throws Inexpressible where terms sum over sets of axes that overlap.
 */
function sidesOf(sum: Sum, rank: number): Sides | null {
  const groups = summedAxes(sum).sort((a, b) => a[0]! - b[0]!);
  const [first, second] = groups;
  if (first === undefined) return null;
  if (second !== undefined) {
    const both = new Set([...first, ...second]).size === first.length + second.length;
    if (!both || groups.length > 2) throw new Inexpressible("sums over different axes");
    return { left: first, right: second };
  }
  const lead = leadAxes(sum, first);
  const all = Array.from({ length: rank }, (_, i) => i);
  const rest = all.filter((a) => !first.includes(a) && !lead.has(a));
  if (rest.length === 0) return { left: first, right: [] };
  // Several axes together are a key of a matrix values × keys, whatever their places.
  const behind = first.length > 1 || first[0]! > rest.at(-1)!;
  return behind ? { left: rest, right: first } : { left: first, right: rest };
}

const touches = (x: Factor, list: readonly Label[]): boolean =>
  x.labels.some((l) => list.includes(l));

class Terms {
  readonly #notation: (factor: Factor) => Formula;
  readonly #isUnit: (label: Label) => boolean;
  readonly #sides: Sides;

  constructor(
    notation: (factor: Factor) => Formula,
    isUnit: (label: Label) => boolean,
    sides: Sides,
  ) {
    this.#notation = notation;
    this.#isUnit = isUnit;
    this.#sides = sides;
  }

  #formula(factors: readonly Factor[], hadamard = false): Formula {
    return f.product(factors.map(this.#notation), hadamard);
  }

  /** One number per place along some axes together: `k1 ⊗ k2`, and `d ⊗ 1` where it is the same along one of them. */
  #vector(factors: readonly Factor[], own: readonly Label[]): Formula {
    const there = (x: Factor): readonly Label[] => x.labels.filter((l) => own.includes(l));
    const labels = factors.flatMap(there);
    if (labels.length === 0) return factors.length === 0 ? ALL : this.#formula(factors, true);
    const places = own.filter((l) => l !== UNIT && !this.#isUnit(l));
    if (places.length < 2) return this.#formula(factors, true);
    const apart = new Set(labels).size === labels.length;
    if (!apart) {
      const whole = factors.every((x) => places.every((l) => x.labels.includes(l)));
      if (whole) return this.#formula(factors, true);
      throw new Inexpressible("factors along some of the axes of a side");
    }
    const list: Formula[] = [];
    const done = new Set<Factor>();
    for (const label of places) {
      const x = factors.find((y) => y.labels.includes(label));
      if (x === undefined) list.push(ALL);
      else if (!done.has(x)) list.push(this.#notation(x));
      if (x !== undefined) done.add(x);
    }
    return list.reduce((p, q) => ({ kind: "infix", sign: "⊗", a: p, b: q }));
  }

  /** What a term does along the axes of one side. `place`: whether rows (in front of W) or columns. */
  #side(
    term: Term,
    out: readonly Label[],
    factors: readonly Factor[],
    axes: readonly number[],
    place: keyof Sides,
  ): Side {
    // prettier-ignore
    const ends = axes.map((a) => out[a]!);
    const inside = axes.map((a) => term.state![a]!).filter((l) => l !== UNIT && !ends.includes(l));
    if (inside.length === 0) {
      if (factors.length === 0) return { kind: "one" };
      return { kind: "diagonal", of: this.#vector(factors, ends) };
    }
    const reads = factors.filter((x) => touches(x, inside) && !touches(x, ends));
    const writes = factors.filter((x) => touches(x, ends) && !touches(x, inside));
    const full = factors.filter((x) => touches(x, ends) && touches(x, inside));
    if (full.length > 1) throw new Inexpressible("several matrices among other factors");
    const [x] = full;
    if (x !== undefined) {
      const own = x.labels.filter((l) => inside.includes(l) || ends.includes(l));
      const first = place === "right" ? inside : ends;
      const of = this.#notation(x);
      const matrix = first.includes(own[0]!) ? of : f.transposed(of);
      const [before, after] = [reads, writes].map((list, i) =>
        list.length === 0 ? [] : [f.diag(this.#vector(list, i === 0 ? inside : ends))],
      ) as [Formula[], Formula[]];
      const all = place === "right" ? [...before, matrix, ...after] : [...after, matrix, ...before];
      return { kind: "matrix", of: f.product(all) };
    }
    const [a, b] = [this.#vector(reads, inside), this.#vector(writes, ends)];
    return { kind: "matrix", of: place === "right" ? f.outer(a, b) : f.outer(b, a) };
  }

  part(term: Term, out: readonly Label[]): Part {
    const labels = (axes: readonly number[]): Label[] =>
      axes.flatMap((a) => [out[a]!, ...(term.state === null ? [] : [term.state[a]!])]);
    const [onLeft, onRight] = [labels(this.#sides.left), labels(this.#sides.right)];
    const both = term.factors.filter((x) => touches(x, onLeft) && touches(x, onRight));
    const left = term.factors.filter((x) => touches(x, onLeft) && !both.includes(x));
    const right = term.factors.filter((x) => touches(x, onRight) && !both.includes(x));
    const rest = term.factors.filter((x) => ![both, left, right].some((list) => list.includes(x)));
    const scalar = this.#formula(rest);
    const mixed = both.length === 0 ? null : this.#formula(both, true);
    if (term.state === null) {
      const side = (list: readonly Factor[], axes: readonly number[]): Side =>
        list.length === 0 ? { kind: "one" } : { kind: "diagonal", of: this.#vector(list, axes.map((a) => out[a]!)) }; // prettier-ignore
      const [l, r] = [side(left, this.#sides.left), side(right, this.#sides.right)];
      return { scalar, left: l, right: r, both: mixed, mixes: false };
    }
    term.state.forEach((l, axis) => {
      const at = out.indexOf(l);
      if (at >= 0 && at !== axis) throw new Inexpressible("the state's axes change places");
    });
    const mixes = term.state.some((l) => l !== UNIT && !out.includes(l));
    if (mixes && mixed !== null) throw new Inexpressible("factors along both sides");
    return {
      scalar,
      left: this.#side(term, out, left, this.#sides.left, "left"),
      right: this.#side(term, out, right, this.#sides.right, "right"),
      both: mixed,
      mixes,
    };
  }
}

/** The number of a multiple of I; null for another matrix. */
export const scalarOf = (x: Formula): Formula | null =>
  x.kind === "product" && x.factors.at(-1) === ONE ? f.product(x.factors.slice(0, -1)) : null;

const one = (x: Formula): boolean => f.isNumber(x, 1);

/** A side of a term as a matrix. */
function matrix(side: Side): Formula {
  if (side.kind === "one") return ONE;
  return side.kind === "diagonal" ? f.diag(side.of) : side.of;
}

/** Elements of what a term multiplies or adds: numbers, a vector, an outer product. */
function elements({ scalar, left, right, both }: Part, columns: boolean): Formula {
  const vectors = [left, right].map((s) => (s.kind === "one" ? null : s.of));
  const [l, r] = vectors;
  let made: Formula | null = l ?? r ?? null;
  if (l != null && r != null) made = f.outer(l, r);
  else if (columns && r != null) made = f.outer(ALL, r);
  else if (columns && l != null) made = f.outer(l, ALL);
  if (both !== null) made = made === null ? both : f.product([both, made], true);
  return made === null ? scalar : f.product([scalar, made]);
}

const nothing = (x: Formula | null): Formula | null => (x === ONE ? null : x);

/** The addends of one stretch of a step. */
function addends(parts: readonly Part[], columns: boolean): Addend[] {
  if (parts.length === 0) return [];
  const pure = parts.every((p) => p.both === null);
  const along = (place: keyof Sides, other: keyof Sides): Formula | null => {
    if (!pure || !parts.every((p) => p[other].kind === "one")) return null;
    if (parts.every((p) => p[place].kind === "one")) {
      const factor = f.plus(...parts.map((p) => p.scalar));
      return one(factor) ? ONE : f.product([factor, ONE]);
    }
    const { common, rest } = f.commonFactors(parts.map((p) => p.scalar));
    const sum = f.plus(...parts.map((p, i) => f.product([rest[i]!, matrix(p[place])])));
    return f.product([...common, sum]);
  };
  const sideOnly = columns ? along("right", "left") : along("left", "right");
  const otherOnly = columns ? along("left", "right") : null;
  if (sideOnly !== null) {
    const made = nothing(sideOnly);
    return [columns ? { A: null, B: made, G: null } : { A: made, B: null, G: null }];
  }
  if (otherOnly !== null) return [{ A: nothing(otherOnly), B: null, G: null }];
  if (parts.length === 1 && pure) {
    const [p] = parts as [Part];
    const B = f.product([p.scalar, matrix(p.right)]);
    return [{ A: nothing(matrix(p.left)), B: nothing(B), G: null }];
  }
  const still = parts.filter((p) => !p.mixes);
  const moving = parts.filter((p) => p.mixes);
  const G = f.plus(...still.map((p) => elements(p, columns)));
  return [
    ...(still.length === 0 ? [] : [{ A: null, B: null, G: one(G) ? null : G }]),
    ...(moving.length === 0 ? [] : moving.flatMap((p) => addends([p], columns))),
  ];
}

/** A sum of products for what leads from one version of a state to another. */
function expansion({ body, builder }: Question, from: NodeId, to: NodeId) {
  const found = degrees(body, new Set([from]));
  const products = new Products(builder);
  return { sum: new Expander(products, from, found).expand(to), products };
}

export interface Question {
  readonly body: Graph;
  readonly state: NodeId;
  readonly next: NodeId;
  /** Rows and columns where no term sums over anything. */
  readonly usual: Sides;
  /** Has the nodes of the body; takes those that are made of them on the way. */
  readonly builder: GraphBuilder;
  /** Of the builder's nodes. */
  readonly notation: Notation;
}

/** What leads from one version to another at once. @throws Inexpressible */
function stretchOf(q: Question, sides: Sides): (from: NodeId, to: NodeId) => Transition {
  const columns = sides.right.length > 0;
  return (from, to) => {
    const { sum, products } = expansion(q, from, to);
    const terms = new Terms((x) => q.notation.of(x.id), (l) => products.isUnit(l), sides); // prettier-ignore
    const parts = (free: boolean) =>
      sum.terms.filter((t) => (t.state === null) === free).map((t) => terms.part(t, sum.out));
    const C = parts(true).map((p) => elements(p, columns));
    return {
      sides,
      addends: addends(parts(false), columns),
      C: C.length === 0 ? null : f.plus(...C),
    };
  };
}

/** What one state of several contributes to the new value of another of its shape. @throws Inexpressible */
export function contributionOf(q: Question): readonly Addend[] {
  const { sum } = expansion(q, q.state, q.next);
  if (sum.terms.every((t) => t.state === null)) return [];
  const rank = q.body.nodes[q.state]!.shape.length;
  return stretchOf(q, sidesOf(sum, rank) ?? q.usual)(q.state, q.next).addends;
}

/** One stretch after the other where that is possible. @throws Inexpressible */
export function transitionOf(q: Question): Transition {
  const way = versions(q.body, q.state, q.next);
  const rank = q.body.nodes[q.state]!.shape.length;
  const stretch = stretchOf(q, sidesOf(expansion(q, q.state, q.next).sum, rank) ?? q.usual);
  const simple = (t: Transition) => t.addends.length === 1 && t.addends[0]!.G === null;
  try {
    const steps = way.slice(1).map((to, i) => stretch(way[i]!, to));
    if (steps.length > 0 && steps.every(simple)) return steps.reduce(then);
  } catch (problem) {
    if (!(problem instanceof Inexpressible)) throw problem;
  }
  return stretch(q.state, q.next);
}

/** The product of matrices, numbers first. */
function times(...list: readonly (Formula | null)[]): Formula | null {
  const there = list.filter((x) => x !== null);
  if (there.length === 0) return null;
  const scalars = there.map(scalarOf).filter((x) => x !== null);
  const matrices = there.filter((x) => scalarOf(x) === null);
  return f.product([...scalars, ...(matrices.length === 0 ? [ONE] : matrices)]);
}

/** First one step, then the other. */
function then(first: Transition, second: Transition): Transition {
  const [p] = first.addends as [Addend];
  const [q] = second.addends as [Addend];
  const moved = first.C === null ? null : times(q.A, first.C, q.B);
  const C = [moved, second.C].filter((x) => x !== null);
  return {
    sides: first.sides,
    addends: [{ A: times(q.A, p.A), B: times(p.B, q.B), G: null }],
    C: C.length === 0 ? null : f.plus(...C),
  };
}
