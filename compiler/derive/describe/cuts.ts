/** The versions that a state goes through within one step. */
import { sameShape } from "../../dims.ts";
import type { Graph, NodeId } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";

/** Which nodes depend on any of `from`, those included. */
export function dependents(body: Graph, from: Iterable<NodeId>): Set<NodeId> {
  const found = new Set<NodeId>(from);
  for (const node of body.nodes) {
    if (operands(node).some((x) => found.has(x))) found.add(node.id);
  }
  return found;
}

/**
 * Nodes of the state's shape through which every way from the old state to the new one leads: the old state, what stands
 * between `W <- decay * W` and `W <- W + …`, the new state. So a step is one after the other what leads from each to the
 * next.
 */
export function versions(body: Graph, state: NodeId, next: NodeId): NodeId[] {
  const depends = dependents(body, [state]);
  if (!depends.has(next)) return [state, next];
  // Immediate dominators, seen from the state; ids come in the order of the step.
  const before = new Map<NodeId, NodeId>();
  const meet = (a: NodeId, b: NodeId): NodeId => {
    let [x, y] = [a, b];
    while (x !== y) {
      if (x > y) x = before.get(x)!;
      else y = before.get(y)!;
    }
    return x;
  };
  for (const node of body.nodes) {
    if (node.id === state || !depends.has(node.id)) continue;
    before.set(node.id, operands(node).filter((x) => depends.has(x)).reduce(meet)); // prettier-ignore
  }
  const way: NodeId[] = [];
  for (let at: NodeId | undefined = next; at !== undefined; at = before.get(at)) way.push(at);
  const shape = body.nodes[state]!.shape;
  return way.reverse().filter((id) => sameShape(body.nodes[id]!.shape, shape));
}
