/** Values as sums of products of atoms, and what can be said of their range and of the length of vectors among them. */
import { constant, type Shape } from "../dims.ts";
import type { Graph, NodeId } from "../graph/ir.ts";
import { divisorOf, normaliserOf, plainOf, sumOf, type Normaliser } from "./normalisers.ts";
import { largest, plus, product, type Range, type Ranges } from "./ranges.ts";

export interface Monomial {
  readonly factor: number;
  readonly atoms: readonly NodeId[];
}

const MOST_TERMS = 32;

/** Σ factor · Π atoms; null where it would be too long. Layouts are seen through. */
export function polynomial(graph: Graph, start: NodeId): readonly Monomial[] | null {
  const node = graph.nodes[plainOf(graph, start)]!;
  const alone = [{ factor: 1, atoms: [node.id] }];
  if (node.op === "constant") return [{ factor: node.value, atoms: [] }];
  if (node.op === "unary" && node.fn === "neg") {
    return scaled(polynomial(graph, node.x), -1);
  }
  if (node.op === "contract") {
    const all = new Set([...node.aLabels, ...node.bLabels]);
    if (all.size > node.outLabels.length) return alone;
    return multiplied(polynomial(graph, node.a), polynomial(graph, node.b));
  }
  if (node.op !== "binary") return alone;
  switch (node.fn) {
    case "mul":
      return multiplied(polynomial(graph, node.a), polynomial(graph, node.b));
    case "add":
      return added(polynomial(graph, node.a), polynomial(graph, node.b));
    case "sub":
      return added(polynomial(graph, node.a), scaled(polynomial(graph, node.b), -1));
    default:
      return alone;
  }
}

type Poly = readonly Monomial[] | null;
const scaled = (a: Poly, by: number): Poly =>
  a?.map((m) => ({ ...m, factor: m.factor * by })) ?? null;
const added = (a: Poly, b: Poly): Poly =>
  a === null || b === null || a.length + b.length > MOST_TERMS ? null : [...a, ...b];
const multiplied = (a: Poly, b: Poly): Poly =>
  a === null || b === null || a.length * b.length > MOST_TERMS
    ? null
    : a.flatMap((x) =>
        b.map((y) => ({
          factor: x.factor * y.factor,
          atoms: [...x.atoms, ...y.atoms].sort((i, j) => i - j),
        })),
      );

const MOST_ATOMS = 8;

/**
 * The range of a value. A polynomial of degree one in each of its atoms is extreme at corners of the box of their ranges,
 * which (1 − a)(1 − b), once multiplied out, cannot be seen to be positive without.
 */
export function rangeOf(ranges: Ranges, id: NodeId): Range {
  const plain = ranges.at(id);
  const poly = polynomial(ranges.graph, id);
  if (poly === null) return plain;
  const corner = polynomialRange(ranges, poly);
  return {
    low: Math.max(plain.low, corner.low),
    high: Math.min(plain.high, corner.high),
    open: plain.low >= corner.low && plain.open,
  };
}

export function polynomialRange(ranges: Ranges, poly: readonly Monomial[]): Range {
  const atoms = [...new Set(poly.flatMap((m) => m.atoms))];
  const box = atoms.map((a) => ranges.at(a));
  const linear = poly.every((m) => new Set(m.atoms).size === m.atoms.length);
  const finite = box.every((r) => Number.isFinite(r.low) && Number.isFinite(r.high));
  if (!linear || !finite || atoms.length > MOST_ATOMS) {
    return poly
      .map((m) => m.atoms.reduce((r, a) => product(r, ranges.at(a)), exactly(m.factor)))
      .reduce(plus, exactly(0));
  }
  let [low, high] = [Infinity, -Infinity];
  for (let corner = 0; corner < 2 ** atoms.length; corner++) {
    const end = new Map(atoms.map((a, i) => [a, (corner >> i) & 1 ? box[i]!.high : box[i]!.low]));
    const value = poly.reduce(
      (sum, m) => sum + m.atoms.reduce((p, a) => p * end.get(a)!, m.factor),
      0,
    );
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high, open: false };
}

const exactly = (value: number): Range => ({ low: value, high: value, open: false });

const elements = (shape: Shape): number => shape.reduce((n, d) => n * (constant(d) ?? Infinity), 1);

/** A vector as a product of atoms, some of which may lay in the scalar it is multiplied by. */
export interface Vector {
  readonly factor: number;
  readonly atoms: readonly NodeId[];
}

export function vectorOf(graph: Graph, id: NodeId): Vector {
  const poly = polynomial(graph, id);
  const [only] = poly ?? [];
  return poly?.length === 1 ? only! : { factor: 1, atoms: [plainOf(graph, id)] };
}

/** Through nodes that only lay out the same numbers or leave some out: no part of a vector is longer than the whole. */
function sourceOf(graph: Graph, id: NodeId): NodeId {
  const plain = plainOf(graph, id);
  const node = graph.nodes[plain]!;
  return node.op === "slice" ? sourceOf(graph, node.x) : plain;
}

/** A bound on the length of something of `count` elements. */
interface Part {
  readonly length: number;
  readonly count: number;
  /** On the size of each element. */
  readonly sup: number;
}

/** Of an atom that is itself normalised, or part of something that is. */
function ownPart(ranges: Ranges, id: NodeId, n: number): Part | null {
  const { graph } = ranges;
  const source = sourceOf(graph, id);
  const node = graph.nodes[source]!;
  const sup = largest(ranges.at(id));
  if (node.op === "binary" && node.fn === "div") {
    const by = normaliserOf(graph, node.b, (x) => ranges.at(x));
    if (by === null || plainOf(graph, by.of) !== plainOf(graph, node.a)) return null;
    return partBy(ranges, by, sup);
  }
  const joined = joinedLength(ranges, source, n);
  if (joined !== null) return { length: joined, count: elements(node.shape), sup };
  const inner = vectorOf(graph, source);
  if (inner.atoms.length < 2) return null;
  const length = lengthOf(ranges, inner, n, []);
  return Number.isFinite(length) ? { length, count: elements(node.shape), sup } : null;
}

/** A bound on the length of what is put together from other vectors, or has few places that are not zero; null for all else. */
function joinedLength(ranges: Ranges, id: NodeId, n: number): number | null {
  const { graph } = ranges;
  const node = graph.nodes[id]!;
  const own = (x: NodeId): number => {
    const sup = largest(ranges.at(x));
    return sup === 0 ? 0 : lengthOf(ranges, vectorOf(graph, x), n, []);
  };
  switch (node.op) {
    case "concat":
      return Math.hypot(...node.xs.map(own));
    case "select":
      return Math.hypot(own(node.a), own(node.b));
    case "place":
      return largest(ranges.at(node.value)) * Math.sqrt(elements(graph.nodes[node.value]!.shape));
    default:
      return null;
  }
}

/** Of what has been divided by a norm of its own. */
function partBy(ranges: Ranges, by: Normaliser, sup: number): Part | null {
  const { scale, count } = by;
  if (by.kind === "sum" && ranges.at(by.of).low < 0) return null;
  const length = by.kind === "root" ? 1 / Math.sqrt(scale) : 1 / scale;
  return { length, count, sup: Math.min(sup, length) };
}

/** Takes the items of one list out of another; false, and nothing taken, if some are not there. */
function takeOut(list: NodeId[], items: readonly NodeId[]): boolean {
  const left = [...list];
  for (const item of items) {
    const i = left.indexOf(item);
    if (i < 0) return false;
    left.splice(i, 1);
  }
  list.splice(0, list.length, ...left);
  return true;
}

/** Of bounds: where one factor is zero, so is the product. */
const productOf = (all: readonly number[]): number =>
  all.includes(0) ? 0 : all.reduce((m, x) => m * x, 1);

/** A bound on the length of a vector of n elements; `spare` are scalars of which it uses up those that normalise it. */
export function lengthOf(ranges: Ranges, vector: Vector, n: number, spare: NodeId[]): number {
  const { graph } = ranges;
  const pool = [...vector.atoms];
  const parts: Part[] = [];
  for (const scalars of [pool, spare]) {
    const found = scalars.slice();
    for (const id of found) {
      const by = divisorOf(graph, id, (x) => ranges.at(x));
      const part = by === null ? null : partBy(ranges, by, Infinity);
      if (part === null || !takeOut(pool, vectorOf(graph, by!.of).atoms)) continue;
      takeOut(scalars, [id]);
      parts.push(part);
    }
  }
  for (const id of pool) {
    const sup = largest(ranges.at(id));
    const count = elements(graph.nodes[id]!.shape);
    parts.push(ownPart(ranges, id, n) ?? { length: sup * Math.sqrt(n), count, sup });
  }
  const factor = Math.abs(vector.factor);
  const whole = parts.filter((p) => p.count >= n);
  if (whole.length === 0) {
    // An outer product of shorter vectors is as long as the product of their lengths.
    const lengths = parts.map((p) => Math.min(p.length, p.sup * Math.sqrt(p.count)));
    return productOf([factor, ...lengths, parts.length === 0 ? Math.sqrt(n) : 1]);
  }
  const by = whole.map((p) => productOf(parts.map((q) => (q === p ? p.length : q.sup))));
  return factor * Math.min(...by);
}

/**
 * A bound on a scalar times the squared length of a key of n elements, where the scalar is divided by that: r / (‖k‖² + ε) and
 * r / (1 + r ‖k‖²). Null where this is not seen.
 */
export function boundWithSquare(ranges: Ranges, id: NodeId, key: Vector, n: number): number | null {
  const { graph } = ranges;
  const at = (x: NodeId): Range => ranges.at(x);
  const node = graph.nodes[plainOf(graph, id)]!;
  let top: Poly;
  let below: Poly;
  if (node.op === "unary" && node.fn === "reciprocal") {
    [top, below] = [[{ factor: 1, atoms: [] }], polynomial(graph, node.x)];
  } else if (node.op === "binary" && node.fn === "div") {
    [top, below] = [polynomial(graph, node.a), polynomial(graph, node.b)];
  } else return null;
  if (top?.length !== 1 || below === null) return null;
  if (below.some((m) => polynomialRange(ranges, [m]).low < 0)) return null;
  for (const m of below) {
    for (const atom of m.atoms) {
      const sum = sumOf(graph, atom, at);
      if (sum?.squares !== true || sum.count < n) continue;
      const summed = vectorOf(graph, sum.of);
      const others = m.atoms.filter((x) => x !== atom);
      const left = [...top[0]!.atoms];
      if (summed.atoms.join() !== key.atoms.join() || !takeOut(left, others)) continue;
      const size = productOf(left.map((x) => largest(at(x))));
      const square = m.factor * sum.scale * (summed.factor / key.factor) ** 2;
      return (Math.abs(top[0]!.factor) * size) / square;
    }
  }
  return null;
}

/** The atoms that all terms share, and what is left of the terms without them. */
export function sharedAtoms(poly: readonly Monomial[]): { shared: NodeId[]; rest: Monomial[] } {
  const shared: NodeId[] = [];
  const rest = poly.map((m) => ({ factor: m.factor, atoms: [...m.atoms] }));
  for (const atom of poly[0]?.atoms ?? []) {
    if (!rest.every((m) => m.atoms.includes(atom))) continue;
    shared.push(atom);
    for (const m of rest) takeOut(m.atoms, [atom]);
  }
  return { shared, rest };
}
