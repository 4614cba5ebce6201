/**
 * Which values of a forward step the run backwards reads instead of computing them again: what it asks for that is dear to
 * compute and small beside what is kept for every step anyway. A product of a state and a vector is as long as the vector.
 */
import { constant } from "../../dims.ts";
import type { Carry, Graph, Node, NodeId } from "../ir.ts";
import { DEAR, isView } from "../products.ts";
import { operands } from "../shapes.ts";

/** Operations for each element from which on reading it back is cheaper. */
const WORTH = 16;

/** The same numbers seen differently, zeros around them included: what they are made of is kept. */
const isSeen = (node: Node): boolean => node.op === "pad" || (isView(node) && node.op !== "input");

/** Elements of a value; endless if that is only known when it runs. */
export const elementsOf = (node: Node): number =>
  node.shape.reduce((n, d) => n * (constant(d) ?? Infinity), 1);

/** Operations of a node itself. */
function ownCost(graph: Graph, node: Node): number {
  if (node.op === "unary" && DEAR.has(node.fn)) return WORTH * elementsOf(node);
  if (node.op === "reduce") return elementsOf(graph.nodes[node.x]!);
  if (node.op !== "contract") return isSeen(node) ? 0 : elementsOf(node);
  const sizes = new Map<number, number>();
  for (const [labels, x] of [
    [node.aLabels, node.a],
    [node.bLabels, node.b],
  ] as const) {
    labels.forEach((l, i) => sizes.set(l, constant(graph.nodes[x]!.shape[i]!) ?? Infinity));
  }
  return [...sizes.values()].reduce((a, b) => a * b, 1);
}

/** What is tested for equality with something else: a number that was rounded on its way to memory equals only itself. */
export function compared(graph: Graph, nodes: readonly Node[]): Set<NodeId> {
  const base = (id: NodeId): NodeId => {
    const node = graph.nodes[id]!;
    const [x] = operands(node);
    return isSeen(node) && x !== undefined ? base(x) : id;
  };
  return new Set(
    nodes.flatMap((n) =>
      n.op === "binary" && (n.fn === "eq" || n.fn === "ne") ? [base(n.a), base(n.b)] : [],
    ),
  );
}

export interface Question {
  readonly body: Graph;
  readonly carries: readonly Carry[];
  /** What is asked for by name. */
  readonly asked: Iterable<NodeId>;
  /** What is at hand for every step already. */
  readonly known: ReadonlySet<NodeId>;
  /** What has to be computed again all the same. */
  readonly barred: ReadonlySet<NodeId>;
  /** Elements of the largest value that may be kept. */
  readonly most: number;
}

/** Nodes of the body to keep for every step; among them inputs that small carries come in by. */
export function worthKeeping({ body, carries, asked, known, barred, most }: Question): Set<NodeId> {
  const carried = new Map(carries.map((c) => [c.input, c]));
  const small = (node: Node) => node.dtype === "float" && elementsOf(node) <= most;
  const passes = (node: Node) => isSeen(node) || barred.has(node.id) || !small(node);

  const demanded = new Set(asked);
  // A carry that is too large is computed again from step to step: with it what its next value is made of.
  for (let size = -1; size !== demanded.size;) {
    size = demanded.size;
    for (let i = body.nodes.length - 1; i >= 0; i--) {
      const node = body.nodes[i]!;
      if (!demanded.has(node.id) || known.has(node.id) || !passes(node)) continue;
      for (const x of operands(node)) demanded.add(x);
      const carry = carried.get(node.id);
      if (carry !== undefined) demanded.add(carry.next);
    }
  }

  const kept = new Set<NodeId>();
  const cost = new Map<NodeId, number>();
  for (const node of body.nodes) {
    const at = (value: number): void => void cost.set(node.id, Math.min(value, 1e12));
    if (known.has(node.id)) at(0);
    else if (node.op === "input") {
      const keep = carried.has(node.id) && !passes(node);
      if (keep && demanded.has(node.id)) kept.add(node.id);
      at(keep && !kept.has(node.id) ? Infinity : 0);
    } else {
      const all = operands(node).reduce((n, x) => n + cost.get(x)!, ownCost(body, node));
      const keep = demanded.has(node.id) && !passes(node) && all >= WORTH * elementsOf(node);
      if (keep) kept.add(node.id);
      at(keep ? 0 : all);
    }
  }
  return kept;
}
