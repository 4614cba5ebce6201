/** A sum of products taken apart: Σ over labels of Π factors, whatever nodes it was written with. */
import { BATCH, evaluateDim, TIME, type Dim } from "../dims.ts";
import type { Graph, Node, NodeId } from "../graph/ir.ts";
import { bodyNode } from "../graph/shapes.ts";

export interface Factor {
  readonly node: NodeId;
  /** One label per axis. */
  readonly labels: readonly number[];
}

export interface Product {
  readonly negative: boolean;
  readonly factors: readonly Factor[];
}

export interface SumOfProducts {
  readonly terms: readonly Product[];
  readonly out: readonly number[];
  readonly sizes: ReadonlyMap<number, Dim>;
  /** Of a contraction: what each operand is a sum of. */
  readonly sides:
    readonly { readonly labels: readonly number[]; readonly terms: readonly Product[] }[] | null;
}

/** How many nodes (and outputs) read each node. */
export type Uses = ReadonlyMap<NodeId, number>;

const NOMINAL: Readonly<Record<string, number>> = { [BATCH.key]: 8, [TIME.key]: 128 };

/** A size as a number; run-time sizes count as usual ones. */
export const nominal = (d: Dim): number => evaluateDim(d, (atom) => NOMINAL[`1*${atom.key}`] ?? 16);

export const volume = (labels: Iterable<number>, sizes: ReadonlyMap<number, Dim>): number => {
  let total = 1;
  for (const l of labels) total *= nominal(sizes.get(l)!);
  return total;
};

const MOST_TERMS = 4;

class Reader {
  readonly #graph: Graph;
  readonly #uses: Uses;

  constructor(graph: Graph, uses: Uses) {
    this.#graph = graph;
    this.#uses = uses;
  }

  #single(id: NodeId): boolean {
    return (this.#uses.get(id) ?? 0) <= 1;
  }

  #elements(id: NodeId): number {
    return bodyNode(this.#graph, id).shape.reduce((n, d) => n * nominal(d), 1);
  }

  /** Is a node larger than each of the values it is made from? Then it is better never made. */
  #expands(node: Node, parts: readonly NodeId[]): boolean {
    const own = this.#elements(node.id);
    return parts.every((p) => this.#elements(this.#strip(p)) < own);
  }

  /** Is a node one of its parts scaled, by what is the same along some axis? Then it is made in passing wherever it is read. */
  #scales(parts: readonly NodeId[], node: Node): boolean {
    const own = this.#elements(node.id);
    return parts.some((p) => this.#elements(this.#strip(p)) < own);
  }
  #strip(id: NodeId): NodeId {
    const x = bodyNode(this.#graph, id);
    return x.op === "broadcast" ? this.#strip(x.x) : id;
  }

  /** The products that a value under the given labels is a sum of. */
  terms(id: NodeId, labels: readonly number[], top: boolean): Product[] {
    const node = bodyNode(this.#graph, id);
    const atom: Product[] = [{ negative: false, factors: [{ node: id, labels }] }];
    const flatten = (parts: readonly NodeId[]) =>
      top || this.#single(id) || this.#expands(node, parts);
    switch (node.op) {
      case "broadcast":
        return this.terms(
          node.x,
          node.axes.map((a) => labels[a]!),
          false,
        );
      case "transpose":
        return this.terms(
          node.x,
          node.perm.map((_, i) => labels[node.perm.indexOf(i)]!),
          false,
        );
      case "unary":
        if (node.fn !== "neg") return atom;
        return this.terms(node.x, labels, false).map((t) => ({ ...t, negative: !t.negative }));
      case "contract": {
        const outer = [...node.aLabels, ...node.bLabels].every((l) => node.outLabels.includes(l));
        const scaled = this.#scales([node.a, node.b], node);
        if (!outer || !(scaled || flatten([node.a, node.b]))) return atom;
        const place = (own: readonly number[]) =>
          own.map((l) => labels[node.outLabels.indexOf(l)]!);
        return (
          multiplied(
            this.terms(node.a, place(node.aLabels), false),
            this.terms(node.b, place(node.bLabels), false),
          ) ?? atom
        );
      }
      case "binary":
        if (node.dtype !== "float") return atom;
        if (
          node.fn === "mul" &&
          (this.#scales([node.a, node.b], node) || flatten([node.a, node.b]))
        ) {
          return (
            multiplied(this.terms(node.a, labels, false), this.terms(node.b, labels, false)) ?? atom
          );
        }
        if ((node.fn === "add" || node.fn === "sub") && !top && this.#single(id))
          return this.#addends(node, labels) ?? atom;
        return atom;
      default:
        return atom;
    }
  }

  /** A sum is split when one side is a product that would otherwise be made in full only for this. */
  #addends(node: Extract<Node, { op: "binary" }>, labels: readonly number[]): Product[] | null {
    const left = this.terms(node.a, labels, false);
    const right = this.terms(node.b, labels, false);
    const product = (terms: readonly Product[]) =>
      terms.every((t) => t.factors.every((f) => f.labels.length < labels.length));
    if (!product(left) && !product(right)) return null;
    const signed = node.fn === "sub" ? right.map((t) => ({ ...t, negative: !t.negative })) : right;
    return left.length + signed.length > MOST_TERMS ? null : [...left, ...signed];
  }
}

function multiplied(a: readonly Product[], b: readonly Product[]): Product[] | null {
  if (a.length * b.length > MOST_TERMS) return null;
  return a.flatMap((s) =>
    b.map((t) => ({ negative: s.negative !== t.negative, factors: [...s.factors, ...t.factors] })),
  );
}

/** A contraction or sum as a sum of products; null for any other node. */
export function sumOfProducts(graph: Graph, node: Node, uses: Uses): SumOfProducts | null {
  const reader = new Reader(graph, uses);
  const sizes = new Map<number, Dim>();
  const note = (labels: readonly number[], id: NodeId) =>
    bodyNode(graph, id).shape.forEach((d, i) => sizes.set(labels[i]!, d));
  if (node.op === "contract") {
    note(node.aLabels, node.a);
    note(node.bLabels, node.b);
    const sides = [
      { labels: node.aLabels, terms: reader.terms(node.a, node.aLabels, false) },
      { labels: node.bLabels, terms: reader.terms(node.b, node.bLabels, false) },
    ];
    const terms = multiplied(sides[0]!.terms, sides[1]!.terms);
    return terms && { terms, out: node.outLabels, sizes, sides };
  }
  if (node.op === "reduce" && node.fn === "sum") {
    const labels = bodyNode(graph, node.x).shape.map((_, i) => i);
    note(labels, node.x);
    const terms = reader.terms(node.x, labels, false);
    return { terms, out: labels.filter((l) => !node.axes.includes(l)), sizes, sides: null };
  }
  return null;
}
