/** Writes values of a step that are affine in one state as sums of products. */
import {
  algebra,
  type ConcatNode,
  type ContractNode,
  type Node,
  type NodeId,
  type SliceNode,
} from "../../graph/index.ts";
import { constant, dim, equal } from "../../dims.ts";
import { operands } from "../../graph/shapes.ts";
import type { Degree } from "./degree.ts";
import { Inexpressible, UNIT, type Factor, type Label, type Products, type Sum, type Term } from "./terms.ts"; // prettier-ignore

/** More terms than this are not worth a form of their own. */
const MOST_TERMS = 64;
/** A sum over more than this stays one matrix. */
const MOST_OUTER = 8;

export class Expander {
  readonly products: Products;
  readonly #state: NodeId;
  readonly #degrees: readonly Degree[];
  readonly #known = new Map<NodeId, Sum | Inexpressible>();
  readonly #composite = new Map<NodeId, boolean>();

  /** `degrees` are those of the body for this state alone. */
  constructor(products: Products, state: NodeId, degrees: readonly Degree[]) {
    this.products = products;
    this.#state = state;
    this.#degrees = degrees;
  }

  degree(id: NodeId): Degree {
    return this.#degrees[id]!;
  }
  #node(id: NodeId): Node {
    return this.products.builder.node(id);
  }

  /** @throws Inexpressible */
  expand(id: NodeId): Sum {
    let found = this.#known.get(id);
    if (found === undefined) {
      try {
        found = this.#tidy(this.#make(id));
      } catch (problem) {
        if (!(problem instanceof Inexpressible)) throw problem;
        found = problem;
      }
      this.#known.set(id, found);
    }
    if (found instanceof Inexpressible) throw found;
    return found;
  }

  /** The same, or null. */
  tryExpand(id: NodeId): Sum | null {
    try {
      return this.expand(id);
    } catch (problem) {
      if (problem instanceof Inexpressible) return null;
      throw problem;
    }
  }

  /** The sum with the given labels for its axes and new ones for all others. */
  #instance(id: NodeId, out: readonly Label[]): Sum {
    const sum = this.expand(id);
    const map = new Map<Label, Label>(sum.out.map((l, i) => [l, out[i]!]));
    map.set(UNIT, UNIT);
    const to = (l: Label): Label => {
      let found = map.get(l);
      if (found === undefined) map.set(l, (found = this.products.label(this.products.size(l))));
      return found;
    };
    const terms = sum.terms.map((t) => ({
      state: t.state?.map(to) ?? null,
      factors: t.factors.map((f) => ({ id: f.id, labels: f.labels.map(to) })),
    }));
    return { out, terms };
  }

  /** Whether a state-free value is made of smaller ones, so that it should be taken apart rather than be made. */
  #isComposite(id: NodeId): boolean {
    const known = this.#composite.get(id);
    if (known !== undefined) return known;
    const node = this.#node(id);
    const fill = algebra.fillValue(this.products.builder, id) !== null;
    const made = (x: NodeId): boolean => this.#isComposite(x);
    let found = false;
    if (!fill && node.dtype === "float") {
      if (node.op === "broadcast") found = true;
      else if (node.op === "contract") found = isOuter(node) || made(node.a) || made(node.b);
      else if (node.op === "transpose" || node.op === "reduce") found = made(node.x);
      else if (node.op === "unary") found = node.fn === "neg" && made(node.x);
      else if (node.op === "binary") {
        if (node.fn === "mul") found = made(node.a) || made(node.b);
        else if (node.fn === "div") found = made(node.a);
        else if (node.fn === "add" || node.fn === "sub") found = made(node.a) && made(node.b);
      }
    }
    this.#composite.set(id, found);
    return found;
  }

  #make(id: NodeId): Sum {
    const node = this.#node(id);
    const out = this.products.labels(node.shape);
    if (id === this.#state) return { out, terms: [{ state: out, factors: [] }] };
    const degree = this.degree(id);
    if (degree === "other") throw new Inexpressible("not affine in the state", id);
    if (degree === "free" && !this.#isComposite(id)) {
      const value = algebra.fillValue(this.products.builder, id);
      if (value === 0) return { out, terms: [] };
      if (value !== null) {
        const number = { id: this.products.builder.constant(value), labels: [] };
        return { out, terms: [{ state: null, factors: [number] }] };
      }
      return { out, terms: [{ state: null, factors: [{ id, labels: out }] }] };
    }
    return { out, terms: this.#terms(node, out) };
  }

  /** `factor` is a node without the state. */
  #scaled(sum: Sum, factor: Factor): readonly Term[] {
    if (this.products.isOne(factor)) return sum.terms;
    return sum.terms.map((t) => ({ ...t, factors: [...t.factors, factor] }));
  }
  #negated(sum: Sum): readonly Term[] {
    return this.#scaled(sum, { id: this.products.builder.constant(-1), labels: [] });
  }

  #product(a: Sum, b: Sum): Term[] {
    if (a.terms.length * b.terms.length > MOST_TERMS) throw new Inexpressible("too many terms");
    return a.terms.flatMap((s) =>
      b.terms.map((t) => {
        if (s.state !== null && t.state !== null) throw new Inexpressible("a product of states");
        return { state: s.state ?? t.state, factors: [...s.factors, ...t.factors] };
      }),
    );
  }

  /** Labels that are summed over although a term does not have them count how often the term is added. */
  #counted(terms: readonly Term[], summed: readonly Label[]): Term[] {
    const { builder } = this.products;
    return terms.map((t) => {
      const there = new Set([...(t.state ?? []), ...t.factors.flatMap((f) => f.labels)]);
      const missing = summed.filter((l) => !there.has(l));
      const sizes = missing.map((l): Factor => ({ id: builder.size(this.products.size(l)), labels: [] })); // prettier-ignore
      return { state: t.state, factors: [...t.factors, ...sizes] };
    });
  }

  #terms(node: Node, out: readonly Label[]): readonly Term[] {
    const { builder } = this.products;
    switch (node.op) {
      case "unary":
        return this.#negated(this.#instance(node.x, out));
      case "binary": {
        const a = this.#instance(node.a, out);
        if (node.fn === "div") {
          const inverse = algebra.unary(builder, "reciprocal", node.b);
          return this.#scaled(a, { id: inverse, labels: out });
        }
        const b = this.#instance(node.b, out);
        if (node.fn === "add") return [...a.terms, ...b.terms];
        if (node.fn === "sub") return [...a.terms, ...this.#negated(b)];
        if (node.fn === "mul") return this.#product(a, b);
        break;
      }
      case "select": {
        const yes = algebra.binary(
          builder,
          "ne",
          node.cond,
          algebra.filled(builder, 0, node.shape),
        );
        const no = algebra.sub(builder, algebra.filled(builder, 1, node.shape), yes);
        return [
          ...this.#scaled(this.#instance(node.a, out), { id: yes, labels: out }),
          ...this.#scaled(this.#instance(node.b, out), { id: no, labels: out }),
        ];
      }
      case "broadcast":
        return this.#instance(
          node.x,
          node.axes.map((a) => out[a]!),
        ).terms;
      case "transpose":
        return this.#instance(
          node.x,
          node.perm.map((_, i) => out[node.perm.indexOf(i)]!),
        ).terms;
      case "reshape":
        return this.#reshaped(node.x, node, out);
      case "slice":
        return this.#picked(node, out);
      case "concat":
        return this.#side(node, out);
      case "reduce": {
        const kept = [...out];
        const inner = this.#node(node.x).shape.map((d, i) =>
          node.axes.includes(i) ? this.products.label(d) : kept.shift()!,
        );
        const summed = node.axes.map((a) => inner[a]!);
        return this.#counted(this.#instance(node.x, inner).terms, summed);
      }
      case "contract":
        return this.#contracted(node, out);
      default:
        break;
    }
    throw new Inexpressible(`${node.op} of a value that depends on the state`, node.id);
  }

  #contracted(node: ContractNode, out: readonly Label[]): Term[] {
    const map = new Map<number, Label>(node.outLabels.map((l, i) => [l, out[i]!]));
    const summed: Label[] = [];
    const side = (id: NodeId, labels: readonly number[]): Sum => {
      const mapped = labels.map((l, i) => {
        let found = map.get(l);
        if (found === undefined) {
          found = this.products.label(this.#node(id).shape[i]!);
          map.set(l, found);
          summed.push(found);
        }
        return found;
      });
      return this.#instance(id, mapped);
    };
    const [a, b] = [side(node.a, node.aLabels), side(node.b, node.bLabels)];
    return this.#counted(this.#product(a, b), summed);
  }

  /** One element along an axis is a sum over that axis, weighted with one 1 and otherwise zeros. */
  #picked(node: SliceNode, out: readonly Label[]): readonly Term[] {
    if (constant(node.shape[node.axis]!) !== 1) {
      throw new Inexpressible("a part of a value that depends on the state", node.id);
    }
    const whole = this.#node(node.x).shape[node.axis]!;
    const label = this.products.label(whole);
    const inner = out.map((l, i) => (i === node.axis ? label : l));
    return this.#scaled(this.#instance(node.x, inner), this.products.unit(label, node.start));
  }

  /** Values side by side are a sum: each times a vector that is one at its place and zero elsewhere. */
  #side(node: ConcatNode, out: readonly Label[]): readonly Term[] {
    if (node.xs.some((x) => constant(this.#node(x).shape[node.axis]!) !== 1)) {
      throw new Inexpressible("values that depend on the state are joined", node.id);
    }
    return node.xs.flatMap((x, i) => {
      const piece = this.products.label(dim(1));
      const inner = out.map((l, axis) => (axis === node.axis ? piece : l));
      const place = this.products.unit(out[node.axis]!, dim(i));
      return this.#scaled(this.#instance(x, inner), place);
    });
  }

  /** Axes of length one come and go; other reshapes mix axes. */
  #reshaped(x: NodeId, node: Node, out: readonly Label[]): readonly Term[] {
    const from = this.#node(x).shape;
    const isUnit = (d: (typeof from)[number]): boolean => constant(d) === 1;
    const kept = out.filter((_, i) => !isUnit(node.shape[i]!));
    const sizes = from.filter((d) => !isUnit(d));
    if (
      sizes.length !== kept.length ||
      sizes.some((d, i) => !equal(d, this.products.size(kept[i]!)))
    ) {
      throw new Inexpressible("axes of a value that depends on the state are merged or split", node.id); // prettier-ignore
    }
    const inner = from.map((d) => (isUnit(d) ? this.products.label(d) : kept.shift()!));
    const summed = inner.filter((l) => !out.includes(l));
    return this.#counted(this.#instance(x, inner).terms, summed);
  }

  /** Carries out the sums that the state has no part in, and adds up terms that differ in a factor only. */
  #tidy({ out, terms }: Sum): Sum {
    const done: Term[] = [];
    for (const term of terms.flatMap((t) => this.#apart(t, out))) {
      let next: Term | null = this.#closed(term, out);
      for (let i = 0; next !== null && i < done.length; i++) {
        const merged = this.#merged(done[i]!, next, out);
        if (merged === null) continue;
        done.splice(i, 1);
        next = merged === "nothing" ? null : merged;
        i = -1;
      }
      if (next !== null) done.push(next);
    }
    if (done.length > MOST_TERMS) throw new Inexpressible("too many terms");
    return { out, terms: done };
  }

  /** A sum of few outer products (keys that are handed over together) as so many terms, rather than as the matrix it makes. */
  #apart(term: Term, out: readonly Label[]): Term[] {
    const factors = term.factors.map((f) => this.products.squeeze(f));
    const stays = new Set([...out, ...(term.state ?? [])]);
    const few = factors.flatMap((f) => f.labels).find((l) => !stays.has(l) && this.#isOuter(factors, l)); // prettier-ignore
    if (few === undefined) return [term];
    return Array.from({ length: constant(this.products.size(few))! }, (_, i) => ({
      state: term.state,
      factors: factors.map((f) => this.products.at(f, few, i)),
    })).flatMap((t) => this.#apart(t, out));
  }

  /** Whether a sum over a label makes a matrix that is longer, along axes that the factors do not share, than the sum is. */
  #isOuter(factors: readonly Factor[], label: Label): boolean {
    const length = constant(this.products.size(label));
    if (length === undefined || length > MOST_OUTER) return false;
    const summed = factors.filter((f) => f.labels.includes(label));
    const sides = summed
      .map((f) => f.labels.filter((l) => !summed.every((g) => g.labels.includes(l))))
      .filter((own) => own.length > 0);
    if (sides.length < 2) return false;
    return sides.flat().every((l) => length < (constant(this.products.size(l)) ?? Infinity));
  }

  #closed(term: Term, out: readonly Label[]): Term {
    const state = term.state?.map((l) => (this.products.isUnit(l) ? UNIT : l)) ?? null;
    let factors = term.factors.map((f) => this.products.squeeze(f));
    const stays = new Set([...out, ...(state ?? [])]);
    const loose = new Set(factors.flatMap((f) => f.labels).filter((l) => !stays.has(l)));
    while (loose.size > 0) {
      // Factors that share summed labels, directly or by way of others.
      const seen = new Set([loose.values().next().value!]);
      for (let size = -1; size !== seen.size;) {
        size = seen.size;
        for (const f of factors) {
          if (!f.labels.some((l) => seen.has(l))) continue;
          for (const l of f.labels) if (loose.has(l)) seen.add(l);
        }
      }
      const group = factors.filter((f) => f.labels.some((l) => seen.has(l)));
      const keep = [...stays].filter((l) => group.some((f) => f.labels.includes(l)));
      factors = factors.filter((f) => !group.includes(f));
      factors.push(this.products.multiply(group, keep));
      for (const l of seen) loose.delete(l);
    }
    return { state, factors: this.#gathered(factors, state, out) };
  }

  /** Numbers and factors with the same labels become one factor. */
  #gathered(factors: readonly Factor[], state: readonly Label[] | null, out: readonly Label[]) {
    const order = orderOf(out, state);
    const groups = new Map<string, Factor[]>();
    for (const f of factors) {
      if (this.products.isOne(f)) continue;
      const key = [...f.labels].sort((a, b) => a - b).join();
      groups.set(key, [...(groups.get(key) ?? []), f]);
    }
    return [...groups.values()].map((group) => this.products.multiply(group, order));
  }

  #merged(a: Term, b: Term, out: readonly Label[]): Term | "nothing" | null {
    const { products } = this;
    // The labels summed with the state may have other names in the two terms.
    const same = a.state === null ? b.state === null : b.state !== null;
    if (!same) return null;
    const rename = new Map<Label, Label>();
    for (let i = 0; i < (a.state?.length ?? 0); i++) {
      const [p, q] = [a.state![i]!, b.state![i]!];
      if (out.includes(p) || out.includes(q)) {
        if (p !== q) return null;
      } else rename.set(q, p);
    }
    const renamed = b.factors.map((f) => ({ id: f.id, labels: f.labels.map((l) => rename.get(l) ?? l) })); // prettier-ignore
    const common = a.factors.filter((f) => renamed.some(equalTo(f)));
    const [p, q] = [
      a.factors.filter((f) => !common.some(equalTo(f))),
      renamed.filter((f) => !common.some(equalTo(f))),
    ];
    const used = [...new Set([...p, ...q].flatMap((f) => f.labels))];
    const widest = Math.max(0, ...[...p, ...q].map((f) => f.labels.length));
    if (used.length > widest) return null;
    const order = orderOf(out, a.state);
    const total = products.add(products.multiply(p, order), products.multiply(q, order), order);
    if (products.isZero(total)) return "nothing";
    const factors = products.isOne(total) ? common : [...common, total];
    return { state: a.state, factors: this.#gathered(factors, a.state, out) };
  }
}

const orderOf = (out: readonly Label[], state: readonly Label[] | null): Label[] =>
  [...new Set([...out, ...(state ?? [])])].filter((l) => l !== UNIT);

const equalTo =
  (f: Factor) =>
  (g: Factor): boolean =>
    f.id === g.id && f.labels.join() === g.labels.join();

const isOuter = (node: ContractNode): boolean =>
  [...node.aLabels, ...node.bLabels].every((l) => node.outLabels.includes(l)) &&
  node.outLabels.length > Math.max(node.aLabels.length, node.bLabels.length);

/** Whether any of the node's operands depends on the state. */
export const readsState = (node: Node, expander: Expander): boolean =>
  operands(node).some((x) => expander.degree(x) !== "free");
