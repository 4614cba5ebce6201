/** In which order to multiply the factors of a sum of products: the cheapest pair first. */
import type { Dim } from "../dims.ts";
import { algebra } from "../graph/index.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import type { NodeId } from "../graph/ir.ts";
import { volume, type Factor } from "./factors.ts";

interface Step {
  readonly i: number;
  readonly j: number;
  readonly labels: readonly number[];
  readonly cost: number;
  readonly gain: number;
}

type Labels = readonly number[];

/** Labels that stay when two factors are multiplied: those of the result or of another factor. */
function kept(a: Labels, b: Labels, others: readonly Labels[], out: Labels): number[] {
  const needed = new Set([...out, ...others.flat()]);
  return [...new Set([...a, ...b])].filter((l) => needed.has(l));
}

function best(factors: readonly Labels[], out: Labels, sizes: ReadonlyMap<number, Dim>): Step {
  let found: Step | null = null;
  for (let i = 0; i < factors.length; i++) {
    for (let j = i + 1; j < factors.length; j++) {
      const [a, b] = [factors[i]!, factors[j]!];
      const others = factors.filter((_, k) => k !== i && k !== j);
      const labels = kept(a, b, others, out);
      const cost = volume(new Set([...a, ...b]), sizes);
      // Work now, and the size of what is left to work on.
      const gain = volume(labels, sizes) - volume(a, sizes) - volume(b, sizes) + cost;
      if (found === null || gain < found.gain) found = { i, j, labels, cost, gain };
    }
  }
  return found!;
}

/** Work of multiplying the factors in the order that `best` finds: elements visited. */
export function costOf(
  factors: readonly Factor[],
  out: Labels,
  sizes: ReadonlyMap<number, Dim>,
): number {
  let rest: Labels[] = factors.map((f) => f.labels);
  let total = 0;
  while (rest.length > 1) {
    const step = best(rest, out, sizes);
    total += step.cost;
    rest = [...rest.filter((_, k) => k !== step.i && k !== step.j), step.labels];
  }
  return total + volume(rest[0] ?? [], sizes);
}

/** Builds Σ Π factors, with the factors already nodes of the builder. */
export function multiply(
  builder: GraphBuilder,
  factors: readonly { readonly node: NodeId; readonly labels: Labels }[],
  out: Labels,
  sizes: ReadonlyMap<number, Dim>,
): NodeId {
  let rest = factors.map((f) => f);
  while (rest.length > 1) {
    const { i, j, labels } = best(
      rest.map((f) => f.labels),
      out,
      sizes,
    );
    const [a, b] = [rest[i]!, rest[j]!];
    const last = rest.length === 2;
    const present = last ? out.filter((l) => labels.includes(l)) : labels;
    const node = algebra.contract(builder, a.node, a.labels, b.node, b.labels, present);
    rest = [...rest.filter((_, k) => k !== i && k !== j), { node, labels: present }];
  }
  const [only] = rest as [(typeof rest)[0]];
  const gone = only.labels.flatMap((l, axis) => (out.includes(l) ? [] : [axis]));
  const left = only.labels.filter((l) => out.includes(l));
  // What no factor has repeats itself along that label: counted where it is summed over.
  const all = factors.flatMap((f) => f.labels);
  const counted = [...sizes].flatMap(([l, d]) => (out.includes(l) || all.includes(l) ? [] : [d]));
  const summed = algebra.timesSizes(builder, algebra.sum(builder, only.node, gone), counted);
  const order = out.filter((l) => left.includes(l)).map((l) => left.indexOf(l));
  const placed = out.flatMap((l, axis) => (left.includes(l) ? [axis] : []));
  const shape = out.map((l) => sizes.get(l)!);
  return algebra.broadcast(builder, algebra.transpose(builder, summed, order), placed, shape);
}
