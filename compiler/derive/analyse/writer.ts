/** Writes down the events of a normal form. */
import { constant, dim, product } from "../../dims.ts";
import { algebra, type GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { CrossRead, Decay, Layout, Read, Write } from "./form.ts";
import type { Transition } from "./mixing.ts";
import { Inexpressible, UNIT, type Factor, type Label, type Products } from "./terms.ts";

/** More questions at once than this are not taken apart into reads. */
const MOST_QUESTIONS = 16;

export interface WriterParts {
  readonly builder: GraphBuilder;
  readonly products: Products;
  /** Labels that stand for the axes of the state. */
  readonly axes: readonly Label[];
}

/** A change of rank one: read with `read`, times `rest`, written back at `key`. */
export interface Change {
  /** Null in a write that reads nothing. */
  readonly read: Factor | null;
  readonly key: readonly Factor[];
  readonly rest: readonly Factor[];
}

/** A read, from the side of the values if `cross`, of the state after the step if `late`. */
export interface Question {
  readonly cross: boolean;
  readonly late: boolean;
  readonly key: Factor;
}

/** Collects reads and writes; equal ones are one. */
export class FormWriter {
  readonly #parts: WriterParts;
  readonly #layout: Layout;
  readonly reads: Read[] = [];
  readonly crossReads: CrossRead[] = [];
  readonly #writes = new Map<NodeId, { constant: NodeId | null; from: Map<number, NodeId> }>();

  constructor(parts: WriterParts, layout: Layout) {
    this.#parts = parts;
    this.#layout = layout;
  }

  /** A factor with the batch axes as one axis, followed by `axes` as one axis. */
  #flat(factor: Factor, axes: readonly number[], what: string): NodeId {
    const { products, builder, axes: labels } = this.#parts;
    const { batch, heads } = this.#layout;
    const own = [...batch, ...axes].map((a) => labels[a]!);
    if (factor.labels.some((l) => !own.includes(l))) throw new Inexpressible(what);
    const aligned = products.align(factor, own);
    const size = product(axes.map((a) => products.size(labels[a]!)));
    return algebra.reshape(builder, aligned, [heads, size]);
  }
  /** `[H]` */
  #scalar(factor: Factor): NodeId {
    const flat = this.#flat(factor, [], "a factor along the values");
    return algebra.reshape(this.#parts.builder, flat, [this.#layout.heads]);
  }

  decay({ factor, mixed, inner }: Transition): Decay {
    const { products, axes } = this.#parts;
    if (mixed.length > 0) return this.#matrix(factor, inner);
    if (products.isOne(factor)) return { kind: "none" };
    const diagonal = factor.labels.some((l) => this.#layout.keys.includes(axes.indexOf(l)));
    if (!diagonal) return { kind: "scalar", factor: this.#scalar(factor) };
    return { kind: "diagonal", factor: this.#flat(factor, this.#layout.keys, "a decay") };
  }

  #matrix(factor: Factor, inner: readonly Label[]): Decay {
    const { products, builder, axes } = this.#parts;
    const { batch, mixed, keys, heads } = this.#layout;
    const along = (list: readonly number[]): Label[] => list.map((a) => axes[a]!);
    const others = along(keys.slice(mixed.length));
    const own = factor.labels.some((l) => others.includes(l)) ? others : [];
    const order = [...along(batch), ...own, ...along(mixed), ...inner];
    if (factor.labels.some((l) => !order.includes(l))) throw new Inexpressible("a matrix");
    const size = product(inner.map((l) => products.size(l)));
    const perKey = own.length === 0 ? [] : [product(own.map((l) => products.size(l)))];
    const aligned = products.align(factor, order);
    const shape = [heads, ...perKey, size, size];
    return { kind: "matrix", factor: algebra.reshape(builder, aligned, shape) };
  }

  #read(key: Factor, late: boolean): number {
    const flat = this.#flat(key, this.#layout.keys, "a read key that differs between values");
    const known = this.reads.findIndex((r) => r.key === flat && r.late === late);
    if (known >= 0) return known;
    const { heads, m } = this.#layout;
    const node = this.#parts.builder.input(`read.${this.reads.length}`, [heads, m]);
    return this.reads.push({ node, key: flat, late }) - 1;
  }

  change({ read, key, rest }: Change): void {
    const { products, builder, axes } = this.#parts;
    const written = this.#flat(products.multiply(key, axes), this.#layout.keys, "a write key");
    const entry = this.#writes.get(written) ?? { constant: null, from: new Map<number, NodeId>() };
    this.#writes.set(written, entry);
    const factor = products.multiply(rest, axes);
    if (read === null) {
      const value = this.#flat(factor, this.#layout.values, "a write");
      entry.constant =
        entry.constant === null ? value : algebra.add(builder, entry.constant, value);
      return;
    }
    const from = this.#read(read, false);
    const value = this.#scalar(factor);
    const old = entry.from.get(from);
    entry.from.set(from, old === undefined ? value : algebra.add(builder, old, value));
  }

  writes(): Write[] {
    return [...this.#writes].map(([key, { constant, from }]) => ({
      key,
      constant,
      from: [...from].map(([read, factor]) => ({ read, factor })),
    }));
  }

  /** The value of a read, or of as many as its key has elements along other axes, with the labels of the term. */
  read(question: Question, state: readonly Label[]): Factor {
    const { key } = question;
    const { builder, products, axes } = this.#parts;
    const others = key.labels.filter((l) => !axes.includes(l));
    if (others.length === 0) return this.#one(question, state);
    const sizes = others.map((l) => products.size(l));
    const count = constant(product(sizes));
    if (count === undefined || count > MOST_QUESTIONS) throw new Inexpressible("too many reads");
    const own = axes.filter((l) => key.labels.includes(l));
    const shape = own.map((l) => products.size(l));
    const rows = algebra.reshape(builder, products.align(key, [...others, ...own]), [dim(count), ...shape]); // prettier-ignore
    const values = Array.from({ length: count }, (_, i) => {
      const row = algebra.slice(builder, rows, 0, dim(i), dim(1));
      const one = { id: algebra.reshape(builder, row, shape), labels: own };
      return this.#one({ ...question, key: one }, state);
    });
    const pieces = values.map((z) =>
      algebra.reshape(builder, z.id, [dim(1), ...builder.shape(z.id)]),
    );
    const whole = algebra.concat(builder, pieces, 0);
    const full = [...sizes, ...builder.shape(whole).slice(1)];
    return { id: algebra.reshape(builder, whole, full), labels: [...others, ...values[0]!.labels] };
  }

  #one({ cross, late, key }: Question, state: readonly Label[]): Factor {
    const { builder, products } = this.#parts;
    const { batch, values, keys, heads, n } = this.#layout;
    const whole = [...batch, ...(cross ? keys : values)].map((a) => state[a]!);
    const left = whole.filter((l) => l !== UNIT);
    let node: NodeId;
    if (cross) {
      const flat = this.#flat(key, values, "a read from the side of the values");
      const known = this.crossReads.find((r) => r.key === flat && r.late === late);
      node = known?.node ?? builder.input(`cross.${this.crossReads.length}`, [heads, n]);
      if (known === undefined) this.crossReads.push({ node, key: flat, late });
    } else {
      node = this.reads[this.#read(key, late)]!.node;
    }
    const shape = left.map((l) => products.size(l));
    return { id: algebra.reshape(builder, node, shape), labels: left };
  }
}
