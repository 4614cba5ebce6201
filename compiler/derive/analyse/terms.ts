/**
 * Index notation: labels stand for axes, a term is a product of factors that are summed over every label the result lacks.
 * Factors are state-free nodes of the step; at most one factor of a term is the state itself.
 */
import { constant, dim, type Dim } from "../../dims.ts";
import { algebra, type GraphBuilder, type NodeId } from "../../graph/index.ts";

/** Distinct numbers for distinct axes. */
export type Label = number;
/** Stands in a term for axes of the state of length one: along these nothing can be summed, kept or moved. */
export const UNIT: Label = -1;

export interface Factor {
  readonly id: NodeId;
  readonly labels: readonly Label[];
}

export interface Term {
  /** The labels of the state's axes; null in a term without the state. */
  readonly state: readonly Label[] | null;
  readonly factors: readonly Factor[];
}

export interface Sum {
  /** Labels of the value's own axes. */
  readonly out: readonly Label[];
  readonly terms: readonly Term[];
}

/** Why an affine value could not be written as a sum of products. */
export class Inexpressible extends Error {
  /** The node at which it failed, if it was one. */
  readonly node: NodeId | null;

  constructor(message: string, node: NodeId | null = null) {
    super(message);
    this.node = node;
  }
}

/** Builds nodes for products of factors, and knows how long each label's axis is. */
export class Products {
  readonly builder: GraphBuilder;
  readonly #sizes: Dim[] = [];

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  label(size: Dim): Label {
    return this.#sizes.push(size) - 1;
  }
  labels(shape: readonly Dim[]): Label[] {
    return shape.map((d) => this.label(d));
  }
  size(label: Label): Dim {
    return this.#sizes[label]!;
  }
  isUnit(label: Label): boolean {
    return label === UNIT || constant(this.size(label)) === 1;
  }
  /** The factor without axes of length one, and without those along which it only repeats itself. */
  squeeze(factor: Factor): Factor {
    const node = this.builder.node(factor.id);
    if (node.op === "broadcast") {
      return this.squeeze({ id: node.x, labels: node.axes.map((a) => factor.labels[a]!) });
    }
    const labels = factor.labels.filter((l) => !this.isUnit(l));
    if (labels.length === factor.labels.length) return factor;
    const shape = labels.map((l) => this.size(l));
    return { id: algebra.reshape(this.builder, factor.id, shape), labels };
  }
  /** The factor at one place along an axis; itself if it lacks that. */
  at(factor: Factor, label: Label, place: number): Factor {
    const axis = factor.labels.indexOf(label);
    if (axis < 0) return factor;
    const { builder } = this;
    const labels = factor.labels.filter((l) => l !== label);
    const slice = algebra.slice(builder, factor.id, axis, dim(place), dim(1));
    return { id: algebra.reshape(builder, slice, labels.map((l) => this.size(l))), labels }; // prettier-ignore
  }
  one(): Factor {
    return { id: this.builder.constant(1), labels: [] };
  }
  /** One at a place along an axis, zero elsewhere. */
  unit(label: Label, at: Dim): Factor {
    const { builder } = this;
    const size = this.size(label);
    const place = algebra.broadcast(builder, builder.size(at), [], [size]);
    return { id: builder.binary("eq", builder.iota(size), place), labels: [label] };
  }
  /** One where two axes of the same length agree. */
  identity(row: Label, column: Label): Factor {
    const { builder } = this;
    const size = this.size(row);
    const along = (axis: number): NodeId =>
      algebra.broadcast(builder, builder.iota(size), [axis], [size, size]);
    return { id: builder.binary("eq", along(0), along(1)), labels: [row, column] };
  }

  /** The factor with exactly the given labels, in their order, repeated along those that it lacks. */
  align(factor: Factor, order: readonly Label[]): NodeId {
    const present = order.filter((l) => factor.labels.includes(l));
    const perm = present.map((l) => factor.labels.indexOf(l));
    const turned = algebra.transpose(this.builder, factor.id, perm);
    const axes = present.map((l) => order.indexOf(l));
    const shape = order.map((l) => this.size(l));
    return algebra.broadcast(this.builder, turned, axes, shape);
  }

  #times(a: Factor, b: Factor, gone: ReadonlySet<Label>): Factor {
    const labels = [...new Set([...a.labels, ...b.labels])].filter((l) => !gone.has(l));
    return { id: algebra.contract(this.builder, a.id, a.labels, b.id, b.labels, labels), labels };
  }

  /** The product of the factors, summed over the labels that `keep` lacks. Its labels are in the order of `keep`. */
  multiply(factors: readonly Factor[], keep: readonly Label[]): Factor {
    let list = factors.length === 0 ? [this.one()] : [...factors];
    const isKept = new Set(keep);
    for (;;) {
      const summed = list.flatMap((f) => f.labels).find((l) => !isKept.has(l));
      if (summed === undefined) break;
      let group = list.filter((f) => f.labels.includes(summed));
      const others = list.filter((f) => !f.labels.includes(summed));
      const outside = new Set([...keep, ...others.flatMap((f) => f.labels)]);
      group.sort((a, b) => a.labels.length - b.labels.length);
      while (group.length > 2) {
        const [a, b, ...rest] = group;
        group = [this.#times(a!, b!, new Set()), ...rest];
      }
      const [first, second] = group as [Factor, Factor | undefined];
      const all = [...first.labels, ...(second?.labels ?? [])];
      const gone = new Set(all.filter((l) => !outside.has(l)));
      if (second !== undefined) {
        list = [...others, this.#times(first, second, gone)];
        continue;
      }
      const axes = first.labels.flatMap((l, i) => (gone.has(l) ? [i] : []));
      const labels = first.labels.filter((l) => !gone.has(l));
      list = [...others, { id: algebra.sum(this.builder, first.id, axes), labels }];
    }
    const labels = keep.filter((l) => list.some((f) => f.labels.includes(l)));
    let [id, ...rest] = list.map((f) => this.align(f, labels));
    for (const other of rest) id = algebra.mul(this.builder, id!, other);
    return { id: id!, labels };
  }

  add(a: Factor, b: Factor, order: readonly Label[]): Factor {
    const labels = order.filter((l) => a.labels.includes(l) || b.labels.includes(l));
    const id = algebra.add(this.builder, this.align(a, labels), this.align(b, labels));
    return { id, labels };
  }

  isZero(factor: Factor): boolean {
    return algebra.isFill(this.builder, factor.id, 0);
  }
  isOne(factor: Factor): boolean {
    return algebra.isFill(this.builder, factor.id, 1);
  }
}
