/**
 * How the values of one step depend on a set of states: not at all, affinely, or in some other way. Sound: what is called
 * affine is affine in all states of the set together, with coefficients that no state of the set reaches.
 */
import { unreachable } from "../../../diagnostics/diagnostic.ts";
import type { Graph, Node, NodeId } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";

export type Degree = "free" | "affine" | "other";

const when = (ok: boolean): Degree => (ok ? "affine" : "other");

/** Degree of a value whose operands are free or affine, at least one of them affine. */
function combined(node: Node, at: (id: NodeId) => Degree): Degree {
  const free = (id: NodeId): boolean => at(id) === "free";
  switch (node.op) {
    case "unary":
      return when(node.fn === "neg" || (node.fn === "to_float" && node.dtype === "float"));
    case "binary":
      switch (node.fn) {
        case "add":
        case "sub":
          return "affine";
        case "mul":
          return when(free(node.a) || free(node.b));
        case "div":
          return when(free(node.b));
        default:
          return "other";
      }
    case "contract":
      return when(free(node.a) || free(node.b));
    case "select":
      return when(free(node.cond));
    case "reduce":
      return when(node.fn === "sum");
    case "broadcast":
    case "transpose":
    case "reshape":
    case "slice":
    case "pad":
    case "concat":
    case "roll":
    case "reverse":
    case "cumsum":
    case "stop":
      return "affine";
    case "gather":
    case "scatter":
    case "pick":
    case "place":
      return when(free(node.index));
    case "solve":
      return when(free(node.matrix));
    case "append":
      return when(free(node.at));
    case "input":
    case "constant":
    case "size":
    case "iota":
    case "random":
    case "recurrence":
    case "result":
      return "other";
    default:
      return unreachable(node);
  }
}

/** By node id. What depends on one of `others`, other than by way of the states, depends on it in some other way. */
export function degrees(
  body: Graph,
  states: ReadonlySet<NodeId>,
  others: ReadonlySet<NodeId> = new Set(),
): readonly Degree[] {
  const found: Degree[] = [];
  for (const node of body.nodes) {
    const given = operands(node).map((x) => found[x]!);
    if (states.has(node.id)) found.push("affine");
    else if (others.has(node.id)) found.push("other");
    else if (given.every((d) => d === "free")) found.push("free");
    else if (given.includes("other")) found.push("other");
    else found.push(combined(node, (x) => found[x]!));
  }
  return found;
}

/** Fewest steps from any of `from` along `edges`; the way back is read off `before`. */
function breadthFirst(from: Iterable<NodeId>, edges: (id: NodeId) => readonly NodeId[]) {
  const before = new Map<NodeId, NodeId | null>();
  const distance = new Map<NodeId, number>();
  const queue: NodeId[] = [];
  for (const id of from) {
    if (before.has(id)) continue;
    before.set(id, null);
    distance.set(id, 0);
    queue.push(id);
  }
  for (let i = 0; i < queue.length; i++) {
    const id = queue[i]!;
    for (const to of edges(id)) {
      if (before.has(to)) continue;
      before.set(to, id);
      distance.set(to, distance.get(id)! + 1);
      queue.push(to);
    }
  }
  const way = (id: NodeId): NodeId[] => {
    const path: NodeId[] = [];
    for (let at: NodeId | null = id; at !== null; at = before.get(at) ?? null) path.push(at);
    return path;
  };
  return { distance, way };
}

/**
 * The shortest dependence that makes the set nonlinear: nodes from a state, over one that is not affine although what it
 * reads is, to a new state. Null if there is none.
 */
export function shortestObstacle(
  body: Graph,
  found: readonly Degree[],
  states: readonly NodeId[],
  nexts: readonly NodeId[],
): readonly NodeId[] | null {
  const users = body.nodes.map((): NodeId[] => []);
  for (const node of body.nodes) for (const x of new Set(operands(node))) users[x]!.push(node.id);
  const forward = breadthFirst(states, (id) => users[id]!);
  const backward = breadthFirst(nexts, (id) => operands(body.nodes[id]!));
  let best: { readonly node: NodeId; readonly length: number } | null = null;
  for (const { id } of body.nodes) {
    const [near, far] = [forward.distance.get(id), backward.distance.get(id)];
    if (found[id] !== "other" || near === undefined || far === undefined) continue;
    if (operands(body.nodes[id]!).some((x) => found[x] === "other")) continue;
    if (best === null || near + far < best.length) best = { node: id, length: near + far };
  }
  if (best === null) return null;
  return [...forward.way(best.node).reverse(), ...backward.way(best.node).slice(1)];
}
