/**
 * Re-associates sums of products: factors that lack a summed index leave the sum, three factors are multiplied two at a
 * time in the cheapest order, and `c · (W + u kᵀ)` becomes `c · W + (c · u) k` when the sum in brackets serves nothing else.
 * Sums over one term are none. Values change by rounding only, so this runs on programs that are about to be compiled, never on the oracle's.
 */
import { constant, type Dim } from "../dims.ts";
import { algebra } from "../graph/index.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Node, NodeId, Recurrence } from "../graph/ir.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { countUses, rebuildGraph, withGraph } from "../graph/rebuild.ts";
import { bodyNode } from "../graph/shapes.ts";
import { simplifyProgram } from "../graph/simplify.ts";
import { sumOfProducts, volume, type Product, type SumOfProducts, type Uses } from "./factors.ts";
import { workByChunks } from "./chunkwise.ts";
import { holdInputs } from "./held.ts";
import { computeNearby } from "./nearby.ts";
import { separateHeads } from "./separate.ts";
import { costOf, multiply } from "./order.ts";
import { turnStates } from "./turned.ts";

/** Multiplications in the longest of some products. */
const products = (list: readonly Product[]): number =>
  Math.max(...list.map((t) => t.factors.length - 1));

/**
 * Elements visited when the node is computed as it stands: with everything elementwise fused into it, or with the operands
 * of a contraction made first.
 */
function plainCost({ terms, sides, sizes }: SumOfProducts): number {
  const all = volume(sizes.keys(), sizes);
  const fused = all * Math.max(1, products(terms)) * terms.length;
  if (sides === null) return fused;
  const made = sides.map(
    (s) => volume(s.labels, sizes) * (products(s.terms) * s.terms.length + s.terms.length - 1),
  );
  return Math.min(
    fused,
    made.reduce((a, b) => a + b, all),
  );
}

function rewritten(
  graph: Graph,
  node: Node,
  uses: Uses,
  builder: GraphBuilder,
  to: (id: NodeId) => NodeId,
): NodeId | null {
  const sum = sumOfProducts(graph, node, uses);
  if (sum === null) return null;
  const { terms, out, sizes } = sum;
  const [only] = terms;
  const alone = terms.length === 1 && only!.factors.length <= 2;
  // A sign leaves the sum: the sum may be wanted without it, too.
  const signed = alone && only!.negative && out.length < sizes.size;
  if (alone && !signed) return null;
  const cost = terms.reduce((n, t) => n + costOf(t.factors, out, sizes), 0);
  if (!signed && cost >= 0.9 * plainCost(sum)) return null;
  let total: NodeId | null = null;
  for (const term of terms) {
    const factors = term.factors.map((f) => ({ node: to(f.node), labels: f.labels }));
    const value = multiply(builder, factors, out, sizes);
    if (total === null) total = term.negative ? algebra.neg(builder, value) : value;
    else
      total = term.negative
        ? algebra.sub(builder, total, value)
        : algebra.add(builder, total, value);
  }
  return total;
}

/** A contraction that does not sum over axes of length one; null if it never did. */
function withoutUnits(
  graph: Graph,
  node: Node,
  builder: GraphBuilder,
  to: (id: NodeId) => NodeId,
): NodeId | null {
  if (node.op !== "contract") return null;
  const strip = (id: NodeId, labels: readonly number[]) => {
    const { shape } = bodyNode(graph, id);
    const gone = (d: Dim, i: number) => constant(d) === 1 && !node.outLabels.includes(labels[i]!);
    const kept = shape.flatMap((d, i) => (gone(d, i) ? [] : [i]));
    return {
      id: algebra.reshape(builder, to(id), kept.map((i) => shape[i]!)), // prettier-ignore
      labels: kept.map((i) => labels[i]!),
    };
  };
  const [a, b] = [strip(node.a, node.aLabels), strip(node.b, node.bLabels)];
  const count = a.labels.length + b.labels.length;
  if (count === node.aLabels.length + node.bLabels.length) return null;
  return algebra.contract(builder, a.id, a.labels, b.id, b.labels, node.outLabels);
}

interface Rewritten {
  readonly graph: Graph;
  readonly to: (id: NodeId) => NodeId;
}

/** The graph itself where there is nothing to gain. */
function optimiseGraph(graph: Graph, roots: readonly NodeId[]): Rewritten {
  // A root is read from outside as well.
  const uses = countUses(graph, [...roots, ...roots]);
  const builder = new GraphBuilder(graph.name);
  const made = rebuildGraph(graph, builder, (node, mapped) => {
    if (node.op !== "recurrence")
      return (
        rewritten(graph, node, uses, builder, mapped) ?? withoutUnits(graph, node, builder, mapped)
      );
    const own = optimiseRecurrence(node.recurrence);
    if (own === node.recurrence) return null;
    const { shape, dtype } = node;
    return builder.copy({ op: "recurrence", recurrence: moveOuter(own, mapped), shape, dtype });
  });
  return made ?? { graph, to: (id) => id };
}

/** The bodies rewritten; the outer graph's nodes are still the old ones. */
function optimiseRecurrence(r: Recurrence): Recurrence {
  const inBody = [
    ...r.carries.flatMap((c) => [c.input, c.next]),
    ...r.bindings.map((b) => b.input),
    ...r.outputs.flatMap((o) => ("node" in o ? [o.node] : [])),
    ...(r.replay?.carries.map((c) => c.target) ?? []),
  ];
  const body = optimiseGraph(r.body, inBody);
  const inReplay = [
    ...(r.replay?.carries.flatMap((c) => [c.input, c.next]) ?? []),
    ...(r.replay?.bindings.map((b) => b.input) ?? []),
  ];
  const own = r.replay && optimiseGraph(r.replay.body, inReplay);
  if (body.graph === r.body && own?.graph === r.replay?.body) return r;
  return {
    ...r,
    body: body.graph,
    carries: r.carries.map((c) => ({ ...c, input: body.to(c.input), next: body.to(c.next) })),
    bindings: r.bindings.map((b) => ({ ...b, input: body.to(b.input) })),
    outputs: r.outputs.map((o) => ("node" in o ? { ...o, node: body.to(o.node) } : o)),
    replay: r.replay && {
      ...r.replay,
      body: own!.graph,
      bindings: r.replay.bindings.map((b) => ({ ...b, input: own!.to(b.input) })),
      carries: r.replay.carries.map((c) => ({
        ...c,
        input: own!.to(c.input),
        next: own!.to(c.next),
        target: body.to(c.target),
      })),
    },
  };
}

function moveOuter(r: Recurrence, to: (id: NodeId) => NodeId): Recurrence {
  const bind = <B extends Recurrence["bindings"][0]>(b: B): B =>
    b.kind === "position" ? b : { ...b, value: to(b.value) };
  return {
    ...r,
    carries: r.carries.map((c) => ({ ...c, init: to(c.init) })),
    bindings: r.bindings.map(bind),
    replay: r.replay && {
      ...r.replay,
      bindings: r.replay.bindings.map(bind),
      carries: r.replay.carries.map((c) => ({ ...c, borders: to(c.borders) })),
    },
  };
}

/** The program with cheaper sums of products, simplified. Same ports, same values up to rounding. */
export function optimiseProgram(program: SequenceProgram): SequenceProgram {
  const ports = [...program.inputs, ...program.outputs];
  const { graph, to } = optimiseGraph(
    program.graph,
    ports.map((p) => p.node),
  );
  const cheaper = simplifyProgram(
    graph === program.graph ? program : withGraph(program, graph, to),
  );
  const near = computeNearby(simplifyProgram(workByChunks(cheaper)));
  return holdInputs(turnStates(separateHeads(simplifyProgram(near))));
}
