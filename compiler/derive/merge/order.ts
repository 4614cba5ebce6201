/** Graphs in which nodes stand after others that need them, put in order again. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { Graph } from "../../graph/ir.ts";
import { mapOperands, operands } from "../../graph/shapes.ts";

/**
 * The nodes that the roots need, each after its operands. `instead` gives the node that stands for another one, which is
 * the node itself for most.
 */
export function inOrder(
  graph: Graph,
  roots: readonly NodeId[],
  instead: (id: NodeId) => NodeId,
): { ordered: GraphBuilder; to: (id: NodeId) => NodeId; has: (id: NodeId) => boolean } {
  const builder = new GraphBuilder(graph.name);
  const made = new Map<NodeId, NodeId>();
  const open = new Set<NodeId>();
  const to = (id: NodeId): NodeId => {
    const found = made.get(instead(id));
    if (found === undefined) throw new InternalError(`${graph.name}: node ${id} is out of order`);
    return found;
  };
  const pending = roots.map(instead).reverse();
  while (pending.length > 0) {
    const id = pending.at(-1)!;
    if (made.has(id)) {
      pending.pop();
      continue;
    }
    const node = graph.nodes[id]!;
    const missing = operands(node).map(instead).filter((x) => !made.has(x)); // prettier-ignore
    if (missing.length > 0) {
      if (open.has(id)) throw new InternalError(`${graph.name}: node ${id} needs itself`);
      open.add(id);
      pending.push(...missing.reverse());
      continue;
    }
    pending.pop();
    const { id: _, origin, ...draft } = mapOperands(node, to);
    builder.origin = origin;
    made.set(id, builder.copy(draft));
  }
  builder.origin = null;
  return { ordered: builder, to, has: (id) => made.has(id) };
}
