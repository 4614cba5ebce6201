/**
 * Sums over time of products of two vectors, the gradients of a weight: instead of adding to a matrix at every step, the
 * vectors are kept for all steps and multiplied once, as one product of matrices.
 */
import type { GraphBuilder } from "../builder.ts";
import type { Binding, ContractNode, Graph, NodeId, RecurrenceOutput } from "../ir.ts";
import { elementsOf } from "./keep.ts";

/** How many times as large as what is multiplied a product must be. */
const LARGER = 4;

type Place = (builder: GraphBuilder, results: readonly NodeId[]) => NodeId;

export interface Apart {
  readonly outputs: readonly RecurrenceOutput[];
  /** For each output that was asked for, its value, made from the results of the loop. */
  readonly values: readonly Place[];
}

/** The same outputs with products that are summed over time taken out of the loop. */
export function outputsApart(
  body: Graph,
  asked: readonly RecurrenceOutput[],
  bindings: readonly Binding[],
): Apart {
  const outputs: RecurrenceOutput[] = [];
  const keys = new Map<string, number>();
  const result = (o: RecurrenceOutput): Place => {
    const key = JSON.stringify(o);
    const place = keys.get(key) ?? outputs.push(o) - 1;
    keys.set(key, place);
    return (_, results) => results[place]!;
  };
  const bound = new Map(bindings.map((b) => [b.input, b]));
  /** A value for all steps; null for what is the same at each. */
  const sequence = (id: NodeId): Place | null => {
    const binding = bound.get(id);
    if (binding === undefined) return result({ kind: "stack", node: id });
    return binding.kind === "sequence" ? () => binding.value : null;
  };
  const product = (node: ContractNode, batched: boolean): Place | null => {
    const [x, y] = [body.nodes[node.a]!, body.nodes[node.b]!];
    const [size, large] = [elementsOf(x) + elementsOf(y), elementsOf(node)];
    if (!Number.isFinite(large) || size * LARGER > large) return null;
    if ([node.a, node.b].some((id) => (bound.get(id)?.kind ?? "sequence") !== "sequence"))
      return null;
    const [a, b] = [sequence(node.a)!, sequence(node.b)!];
    const free = Math.max(...node.aLabels, ...node.bLabels) + 1;
    const lead = [free, free + 1];
    return (builder, results) =>
      builder.contract(
        a(builder, results),
        [...lead, ...node.aLabels],
        b(builder, results),
        [...lead, ...node.bLabels],
        [...(batched ? [free] : []), ...node.outLabels],
      );
  };
  const values = asked.map((o): Place => {
    if (o.kind !== "sum" && o.kind !== "batch-sum") return result(o);
    const node = body.nodes[o.node]!;
    const apart = node.op === "contract" ? product(node, o.kind === "batch-sum") : null;
    return apart ?? result(o);
  });
  return { outputs, values };
}
