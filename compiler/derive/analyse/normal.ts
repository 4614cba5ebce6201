/** From sums of products to the normal form: which axes are keys, what is read, what is written, what decays. */
import { product } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { Graph } from "../../graph/ir.ts";
import { bodyNode, mapOperands } from "../../graph/shapes.ts";
import { degrees } from "./degree.ts";
import { Expander } from "./expand.ts";
import type { Layout, NormalForm } from "./form.ts";
import { levelsOf, substitution, type StatePair } from "./levels.ts";
import { linkedAxes, transitionOf, type Transition } from "./mixing.ts";
import {
  Inexpressible,
  Products,
  UNIT,
  type Factor,
  type Label,
  type Sum,
  type Term,
} from "./terms.ts";
import { FormWriter, type Change } from "./writer.ts";

/** Of a term with the state: axis of the state to the label it has there, and which axes are summed over. */
interface Pattern {
  readonly axisOf: ReadonlyMap<Label, number>;
  readonly summed: readonly number[];
}

/** `components`, the axis of a joint state that counts its components, is always summed over and therefore not told. */
function patternOf(term: Term, out: readonly Label[], components: number | null): Pattern {
  const axisOf = new Map(term.state!.map((l, axis) => [l, axis]));
  const gone = (l: Label): boolean => l !== UNIT && !out.includes(l);
  const all = term.state!.flatMap((l, axis) => (gone(l) ? [axis] : []));
  return { axisOf, summed: all.filter((axis) => axis !== components) };
}

const OTHER_AXES = "terms of the new state sum over different axes of the old one";

const sorted = (set: Iterable<number>): number[] => [...set].sort((a, b) => a - b);

export class Normaliser {
  readonly #body: Graph;
  readonly #pair: StatePair;
  readonly #builder: GraphBuilder;
  readonly #products: Products;
  readonly #expander: Expander;
  /** Labels that stand for the axes of the state in all factors from here on. */
  readonly #axes: readonly Label[];
  readonly #next: Sum;
  readonly #components: number | null;

  /**
   * `components`: which axis of the state, if any, counts the states of a set that stand side by side.
   * @throws Inexpressible if the new state is no sum of products.
   */
  constructor(body: Graph, pair: StatePair, components: number | null = null) {
    this.#body = body;
    this.#pair = pair;
    this.#components = components;
    this.#builder = GraphBuilder.extend(body);
    this.#products = new Products(this.#builder);
    const found = degrees(body, new Set([pair.input]));
    this.#expander = new Expander(this.#products, pair.input, found);
    this.#axes = this.#products.labels(bodyNode(body, pair.input).shape);
    this.#next = this.#expander.expand(pair.next);
  }

  get next(): Sum {
    return this.#next;
  }

  /** What the terms of the new state sum over, if they sum over anything: one set of axes each. */
  summedAxes(): (readonly number[])[] {
    const sets = this.#next.terms.flatMap((t) => {
      if (t.state === null) return [];
      const { summed } = patternOf(t, this.#next.out, this.#components);
      return summed.length > 0 ? [summed] : [];
    });
    return [...new Map(sets.map((s) => [s.join(), s])).values()];
  }

  /**
   * The axes that the nodes behind some outputs sum over: one set each, without repetition. `closed`: only where what they
   * are summed with has no other axes.
   */
  readAxes(outputs: readonly NodeId[], closed = false): (readonly number[])[] {
    const sets = new Map<string, readonly number[]>();
    const seen = new Set<NodeId>();
    const pending = [...outputs];
    while (pending.length > 0) {
      const id = pending.pop()!;
      if (seen.has(id) || this.#expander.degree(id) === "free") continue;
      seen.add(id);
      const sum = this.#expander.tryExpand(id);
      for (const t of sum?.terms ?? []) {
        if (t.state === null) continue;
        const { summed } = patternOf(t, sum!.out, this.#components);
        const inside = (l: Label): boolean => summed.some((axis) => t.state![axis] === l);
        const open = t.factors.some((f) => f.labels.some(inside) && !f.labels.every((l) => t.state!.includes(l))); // prettier-ignore
        if (summed.length > 0 && !(closed && open)) sets.set(summed.join(), summed);
      }
      if (id === this.#pair.input) continue;
      pending.push(...operandList(this.#body, id));
    }
    // Where both sides are asked the later axes are the keys, as in values × keys.
    return [...sets.values()].sort((a, b) => a.length - b.length || b[0]! - a[0]!);
  }

  /**
   * The form in which `keys` are the axes that reads sum over. `whole`: outputs may need all of the state, which counts as a
   * read from the side of the values where these are one number.
   * @throws Inexpressible if some term or output does not fit.
   */
  form(keys: readonly number[], outputs: readonly NodeId[], whole = false): NormalForm {
    return new Former(this, keys, whole).form(outputs);
  }

  // What the former needs.
  get parts() {
    return {
      body: this.#body,
      pair: this.#pair,
      builder: this.#builder,
      products: this.#products,
      expander: this.#expander,
      axes: this.#axes,
      next: this.#next,
      components: this.#components,
    };
  }
}

function operandList(body: Graph, id: NodeId): NodeId[] {
  const list: NodeId[] = [];
  mapOperands(bodyNode(body, id), (x) => {
    list.push(x);
    return x;
  });
  return list;
}

class Former {
  readonly #parts: Normaliser["parts"];
  /** Without the axis of components, which reads always sum over. */
  readonly #keys: readonly number[];
  readonly #batch = new Set<number>();
  /** Batch axes along which keys differ. */
  readonly #keyed = new Set<number>();
  /** Those along which keys of reads differ. */
  readonly #asked = new Set<number>();
  readonly #decays: Factor[] = [];
  #oneDecay = true;

  readonly #whole: boolean;

  constructor(normaliser: Normaliser, keys: readonly number[], whole: boolean) {
    this.#parts = normaliser.parts;
    this.#keys = keys;
    this.#whole = whole;
  }

  #isKey = (axis: number): boolean => this.#keys.includes(axis) || axis === this.#parts.components;
  #pattern = (term: Term, out: readonly Label[]): Pattern =>
    patternOf(term, out, this.#parts.components);

  /** A factor with the labels of the state's axes; `others`: labels that are not among these may stay. */
  #onAxes(factor: Factor, axisOf: ReadonlyMap<Label, number>, others = false): Factor {
    const labels = factor.labels.map((l) => {
      const axis = axisOf.get(l);
      if (axis === undefined && others) return l;
      if (axis === undefined)
        throw new Inexpressible("a factor along an axis that the state lacks");
      return this.#parts.axes[axis]!;
    });
    return { id: factor.id, labels };
  }
  /** The factor with its axes in the order of the state's. */
  #upright({ id, labels }: Factor): NodeId {
    const perm = labels.map((_, i) => i).sort((a, b) => labels[a]! - labels[b]!);
    return algebra.transpose(this.#parts.builder, id, perm);
  }
  #axesOf(factor: Factor): number[] {
    return factor.labels.map((l) => this.#parts.axes.indexOf(l));
  }
  /** Whether a factor differs along keys and along rows of one memory. */
  #mixesSides = (factor: Factor): boolean => {
    const axes = this.#axesOf(factor).filter((a) => !this.#asked.has(a));
    return axes.some(this.#isKey) && !axes.every(this.#isKey);
  };
  /** A key of a read. A read after the decay has the decay in its key: that is no difference in what is asked. */
  #noteRead(key: readonly Factor[]): void {
    this.#noteBatch(key, true);
    const decays = this.#decays.map((d) => this.#upright(d));
    const asks = key.filter((f) => !decays.includes(this.#upright(f)));
    for (const axis of asks.flatMap((f) => this.#axesOf(f))) {
      if (axis >= 0 && !this.#isKey(axis)) this.#asked.add(axis);
    }
  }
  /** Keys, decays and what leads from a read to a write may differ between elements of these axes. */
  #noteBatch(factors: readonly Factor[], key: boolean): void {
    for (const f of factors) {
      for (const axis of this.#axesOf(f)) {
        if (axis < 0 || this.#isKey(axis)) continue;
        this.#batch.add(axis);
        if (key) this.#keyed.add(axis);
      }
    }
  }

  /** The terms of the new state, sorted into a decay and changes of rank one. */
  #changes(): { decay: Transition; changes: Change[] } {
    const { next, components } = this.#parts;
    const decays: Term[] = [];
    const corrections: Term[] = [];
    const mixed = new Set(components === null ? [] : [components]);
    const changes: Change[] = [];
    const outAxis = new Map(next.out.map((l, axis) => [l, axis]));
    for (const term of next.terms) {
      if (term.state === null) {
        const factors = term.factors.map((f) => this.#onAxes(f, outAxis));
        const isKey = (f: Factor) => this.#axesOf(f).some(this.#isKey);
        const key = factors.filter(isKey);
        this.#noteBatch(key, true);
        changes.push({ read: null, key, rest: factors.filter((f) => !isKey(f)) });
        continue;
      }
      term.state.forEach((l, axis) => {
        const at = outAxis.get(l);
        if (at !== undefined && at !== axis)
          throw new Inexpressible("the state's axes change places");
      });
      const { summed } = this.#pattern(term, next.out);
      const linked = linkedAxes(term, next.out, summed);
      if (summed.length > linked.length) {
        corrections.push(term);
        continue;
      }
      if (!linked.every(this.#isKey)) throw new Inexpressible(OTHER_AXES);
      for (const axis of linked) mixed.add(axis);
      decays.push(term);
      if (components === null && linked.length === 0) this.#decays.push(...term.factors.map((f) => this.#onAxes(f, outAxis))); // prettier-ignore
    }
    // Where a matrix mixes all keys it takes in what is read and written back.
    const all = mixed.size > 0 && this.#keys.length > 0 && this.#keys.every((k) => mixed.has(k));
    if (all) decays.push(...corrections);
    else for (const t of corrections) changes.push(this.#rankOne(t, outAxis));
    this.#oneDecay = decays.length <= 1;
    const decay = transitionOf(this.#parts, decays, next.out, sorted(mixed));
    this.#noteBatch([decay.factor], false);
    return { decay, changes };
  }

  #rankOne(term: Term, outAxis: ReadonlyMap<Label, number>): Change {
    const { products, axes, next, components } = this.#parts;
    const { summed } = this.#pattern(term, next.out);
    if (summed.join() !== this.#keys.join()) {
      throw new Inexpressible(OTHER_AXES);
    }
    const inside = new Set(term.state!.filter((_, axis) => summed.includes(axis) || axis === components)); // prettier-ignore
    const readAxis = new Map(term.state!.map((l, axis) => [l, axis]));
    const reading: Factor[] = [];
    const others: Factor[] = [];
    for (const f of term.factors) {
      if (!f.labels.some((l) => inside.has(l))) {
        others.push(this.#onAxes(f, outAxis));
        continue;
      }
      reading.push(this.#onAxes(f, readAxis));
    }
    const read = products.multiply(reading, axes);
    const isKey = (f: Factor) => this.#axesOf(f).some(this.#isKey);
    const key = others.filter(isKey);
    const rest = others.filter((f) => !isKey(f));
    this.#noteRead(reading);
    this.#noteBatch(key, true);
    this.#noteBatch(rest, false);
    return { read, key, rest };
  }

  /** A node that is a read of the state, or of what becomes of it. */
  #readOf = (id: NodeId, expander: Expander): Sum | null => {
    if (expander.degree(id) !== "affine") return null;
    const sum = expander.tryExpand(id);
    if (sum === null) return null;
    const fits = sum.terms.every((t) => {
      if (t.state === null) return true;
      const { components } = this.#parts;
      if (components !== null && sum.out.includes(t.state[components]!)) return false;
      const { summed } = this.#pattern(t, sum.out);
      const keys = summed.filter(this.#isKey).length;
      if (keys === this.#keys.length) return true;
      // A sum over heads alone picks some of them: what is picked may still be read.
      return keys === 0 && (summed.some((axis) => !this.#batch.has(axis)) || this.#whole);
    });
    return fits ? sum : null;
  };

  /**
   * Splits the factors of a term of a cut into those that make the key of its read and the rest. A key may have axes that
   * the state lacks: those of several questions asked at once.
   */
  #reading(term: Term, out: readonly Label[]) {
    const { axisOf, summed } = this.#pattern(term, out);
    const cross = this.#keys.length > 0 && (!summed.some(this.#isKey) || this.#isTurned(term, out));
    const labels = new Set(
      term.state!.filter((_, axis) => cross ? summed.includes(axis) && !this.#isKey(axis) : this.#isKey(axis)), // prettier-ignore
    );
    const inKey = (f: Factor) => f.labels.some((l) => labels.has(l));
    const own = term.factors.filter(inKey).map((f) => this.#onAxes(f, axisOf, true));
    return { cross, own, rest: term.factors.filter((f) => !inKey(f)) };
  }

  /**
   * Whether a term that sums over keys and values is a read from the side of the values whose answer a matrix multiplies: as
   * a read from the other side it would be as many as the matrix has rows.
   */
  #isTurned(term: Term, out: readonly Label[]): boolean {
    const { summed } = this.#pattern(term, out);
    const asks = (axes: readonly number[]): boolean => {
      const labels = new Set(axes.map((a) => term.state![a]!));
      const factors = term.factors.filter((f) => f.labels.some((l) => labels.has(l)));
      return factors.some((f) => f.labels.some((l) => !term.state!.includes(l)));
    };
    const values = term.state!.flatMap((l, axis) => l === UNIT || this.#isKey(axis) || this.#batch.has(axis) ? [] : [axis]); // prettier-ignore
    const all = values.length > 0 && values.every((axis) => summed.includes(axis));
    return all && asks(this.#keys) && !asks(values);
  }

  #layout(mixed: readonly number[]): Layout {
    const shape = bodyNode(this.#parts.body, this.#parts.pair.input).shape;
    const all = shape.map((_, i) => i);
    const batch = sorted(this.#batch);
    const values = all.filter((i) => !this.#batch.has(i) && !this.#isKey(i));
    const count = (list: readonly number[]) => product(list.map((i) => shape[i]!));
    const others = all.filter((axis) => this.#isKey(axis) && !mixed.includes(axis));
    const keys = [...mixed, ...others];
    return { sizes: shape, batch, values, keys, mixed, heads: count(batch), m: count(values), n: count(keys) }; // prettier-ignore
  }

  form(outputs: readonly NodeId[]): NormalForm {
    const { builder, products, pair, axes } = this.#parts;
    const { decay, changes } = this.#changes();
    const written = sorted(this.#keyed);
    const { levels, outputs: roots } = levelsOf(this.#parts, outputs, {
      sumOf: this.#readOf,
      isWhole: (sum) => sum.terms.some((t) => t.state !== null && this.#isTurned(t, sum.out)),
    });
    const cuts = levels.flat();
    for (const { sum } of cuts) {
      for (const t of sum.terms) {
        if (t.state === null) continue;
        const { cross, own } = this.#reading(t, sum.out);
        if (!cross) this.#noteRead(own);
      }
    }
    const layout = this.#layout(decay.mixed);
    const writer = new FormWriter(this.#parts, layout);
    const decayed = writer.decay(decay);
    for (const c of changes) writer.change(c);
    const symbols = cuts.flatMap((c) => c.symbol ?? []);
    const whole: Graph = { name: builder.name, nodes: [...builder.nodes], outputs: [] };
    const depends = degrees(whole, new Set([pair.input, ...symbols]));
    const replaced = new Map<NodeId, NodeId>();
    const build = substitution(builder, replaced, (id) => depends[id] !== "free");
    for (const { id, sum, late, symbol } of cuts) {
      let total: NodeId | null = null;
      for (const t of sum.terms) {
        let factors: readonly Factor[] = t.factors.map((f) => ({ ...f, id: build(f.id) }));
        if (t.state !== null) {
          const { cross: crossed, own, rest } = this.#reading({ ...t, factors }, sum.out);
          const key = products.multiply(own, [...axes, ...sum.out]);
          const { summed } = this.#pattern(t, sum.out);
          const left = layout.values.filter((a) => t.state![a] !== UNIT && !summed.includes(a));
          if (crossed && left.length > 0) throw new Inexpressible("the whole state is needed", id);
          factors = [writer.read({ cross: crossed, late, key }, t.state), ...rest];
        }
        const value = products.align(products.multiply(factors, sum.out), sum.out);
        total = total === null ? value : algebra.add(builder, total, value);
      }
      const value = total ?? algebra.filled(builder, 0, builder.shape(id));
      replaced.set(id, value);
      if (symbol !== null) replaced.set(symbol, value);
    }
    const mapped = new Map([...roots].map(([id, at]) => [id, build(at)]));
    builder.origin = null;
    return {
      graph: { name: builder.name, nodes: [...builder.nodes], outputs: [] },
      layout,
      rows: layout.batch.filter((axis) => !this.#keyed.has(axis)),
      spread: {
        decayed: sorted(this.#axesOf(decay.factor).filter((a) => a >= 0)),
        asked: sorted(this.#asked),
        written,
        separable: this.#oneDecay && !this.#decays.some(this.#mixesSides),
      },
      decay: decayed,
      reads: writer.reads,
      crossReads: writer.crossReads,
      writes: writer.writes(),
      outputs: mapped,
    };
  }
}
