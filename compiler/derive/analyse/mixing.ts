/**
 * What multiplies the old state without being read and written back: a decay, or a matrix along axes that are mixed. Mixed
 * are the components of a joint state and keys that a term of the new state multiplies by a matrix as a whole.
 */
import { constant } from "../../dims.ts";
import { interpret, type NodeId } from "../../graph/index.ts";
import { reachable } from "../../graph/rebuild.ts";
import type { WriterParts } from "./writer.ts";
import { Inexpressible, UNIT, type Factor, type Label, type Sum, type Term } from "./terms.ts";

/** A decay with the labels of the state's axes and, for each mixed axis, the label of the old state's side. */
export interface Transition {
  readonly factor: Factor;
  /** Axes along which the factor is a matrix; none for a decay. */
  readonly mixed: readonly number[];
  readonly inner: readonly Label[];
}

/** The axes that a term sums over and that one of its factors links to themselves: [] if it reads and writes back. */
export function linkedAxes(
  term: Term,
  out: readonly Label[],
  summed: readonly number[],
): readonly number[] {
  const inside = new Set(summed.map((axis) => term.state![axis]!));
  const outside = new Set(summed.map((axis) => out[axis]!));
  const links = (f: Factor): boolean =>
    f.labels.some((l) => inside.has(l)) && f.labels.some((l) => outside.has(l));
  return term.factors.some(links) ? summed : [];
}

/** Numbers of a node that depends on nothing; null if it depends on something. */
function numbersOf({ builder }: WriterParts, id: NodeId): Float64Array | null {
  const graph = { name: "constant", nodes: builder.nodes, outputs: [{ name: "x", node: id }] };
  const needed = reachable(graph, [id]);
  if (needed.some((n) => ["input", "random", "recurrence", "result"].includes(n.op))) return null;
  const sizes = needed.flatMap((n) => (n.op === "size" ? [...n.shape, n.value] : n.shape));
  if (sizes.some((d) => constant(d) === undefined)) return null;
  const found = interpret(graph, new Map(), { batch: 1, time: 1, past: 0 }).get("x")!;
  return Float64Array.from(found.data);
}

/** The sum of the terms, all of which have the state; `out` are the labels of the new state. */
export function transitionOf(
  parts: WriterParts,
  terms: readonly Term[],
  out: Sum["out"],
  mixed: readonly number[],
): Transition {
  const { products, axes } = parts;
  const inner = mixed.map((axis) => products.label(products.size(axes[axis]!)));
  const outAxis = new Map(out.map((l, axis) => [l, axis]));
  const onAxes = (term: Term): Factor[] => {
    const to = new Map<Label, Label>();
    const same: Factor[] = [];
    term.state!.forEach((label, axis) => {
      const i = mixed.indexOf(axis);
      if (i < 0 && label !== UNIT && !outAxis.has(label)) {
        throw new Inexpressible("terms of the new state sum over different axes of the old one");
      }
      if (i < 0) return;
      if (label === UNIT || outAxis.has(label))
        same.push(products.identity(axes[axis]!, inner[i]!));
      else to.set(label, inner[i]!);
    });
    const own = term.factors.map((f) => {
      const labels = f.labels.map((l) => {
        const axis = outAxis.get(l);
        const label = axis === undefined ? to.get(l) : axes[axis];
        if (label === undefined) throw new Inexpressible("a factor along an axis that the state lacks"); // prettier-ignore
        return label;
      });
      return { id: f.id, labels };
    });
    return [...own, ...same];
  };
  const all = terms.map(onAxes);
  if (mixed.length > 0) {
    const plain = timesIdentity(parts, all, mixed.map((axis) => axes[axis]!), inner); // prettier-ignore
    if (plain !== null) return { factor: plain, mixed: [], inner: [] };
  }
  const order = [...axes, ...inner];
  let total: Factor | null = null;
  for (const factors of all) {
    const own = products.multiply(factors, order);
    total = total === null ? own : products.add(total, own, order);
  }
  const none = { id: products.builder.constant(0), labels: [] };
  return total === null ? { factor: none, mixed: [], inner: [] } : { factor: total, mixed, inner };
}

/** The factor that is left if the sum is something times the identity of the mixed axes; null if it is not. */
function timesIdentity(
  parts: WriterParts,
  terms: readonly (readonly Factor[])[],
  rows: readonly Label[],
  columns: readonly Label[],
): Factor | null {
  const { products, axes } = parts;
  const order = [...rows, ...columns];
  const groups = new Map<string, { rest: Factor; sum: Float64Array }>();
  for (const factors of terms) {
    const mixing = factors.filter((f) => f.labels.some((l) => order.includes(l)));
    if (mixing.some((f) => f.labels.some((l) => !order.includes(l)))) return null;
    const matrix = products.align(products.multiply(mixing, order), order);
    const numbers = numbersOf(parts, matrix);
    if (numbers === null) return null;
    const rest = products.multiply(factors.filter((f) => !mixing.includes(f)), axes); // prettier-ignore
    const key = `${rest.id}:${rest.labels.join()}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { rest, sum: numbers });
    else known.sum.forEach((x, i) => (known.sum[i] = x + numbers[i]!));
  }
  const left = [...groups.values()].filter(({ sum }) => sum.some((x) => x !== 0));
  const [only] = left;
  if (only === undefined || left.length > 1) return null;
  const size = Math.sqrt(only.sum.length);
  const same = only.sum.every((x, i) => x === (Math.floor(i / size) === i % size ? 1 : 0));
  return same ? only.rest : null;
}
