/**
 * What a loop takes from outside, per value: the value itself, or, where that is the smaller thing to carry into the loop,
 * what it is made of. A write `rate · v kᵀ` does not depend on the state, but nobody wants one matrix per time step in
 * memory: the loop takes rate, v and k and multiplies them itself. Products that sum over something (projections) are never
 * moved into a loop.
 */
import type { Node, NodeId } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";
import type { Flow } from "./flow.ts";

/** Whether the operation only combines its operands element by element, or repeats or rearranges them. */
function isCheap(node: Node): boolean {
  switch (node.op) {
    case "constant":
    case "size":
    case "iota":
    case "unary":
    case "binary":
    case "select":
    case "broadcast":
    case "transpose":
    case "reshape":
    case "stop":
      return true;
    case "contract":
      return [...node.aLabels, ...node.bLabels].every((l) => node.outLabels.includes(l));
    default:
      return false;
  }
}

export interface Imports {
  /** The values to be carried into a loop so that it can have this one: itself, or what it is made of. */
  leaves(id: NodeId): ReadonlySet<NodeId>;
  /** Whether the loop makes the value itself, out of its operands. */
  isMade(id: NodeId): boolean;
}

/** `looped` nodes run in a loop themselves; another loop can only have what comes out of that one. */
export function makeImports(flow: Flow, looped: (id: NodeId) => boolean): Imports {
  const known = new Map<NodeId, ReadonlySet<NodeId>>();

  const cost = (leaf: NodeId, varying: boolean): number => {
    if (leaf === flow.step.position) return 0;
    return varying && !flow.varies(leaf) ? 0 : flow.elements(leaf);
  };
  const find = (id: NodeId): ReadonlySet<NodeId> => {
    const self = new Set([id]);
    const node = flow.node(id);
    if (looped(id) || flow.grown.has(id) || !isCheap(node)) return self;
    const made = new Set(operands(node).flatMap((x) => [...leaves(x)]));
    let total = 0;
    for (const leaf of made) total += cost(leaf, flow.varies(id));
    return total < flow.elements(id) ? made : self;
  };
  const leaves = (id: NodeId): ReadonlySet<NodeId> => {
    let found = known.get(id);
    if (found === undefined) known.set(id, (found = find(id)));
    return found;
  };
  return {
    leaves,
    isMade: (id) => !leaves(id).has(id),
  };
}
