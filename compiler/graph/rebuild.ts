/** Copies a graph into a builder, node by node, with a chance to put something else in a node's place. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import type { GraphBuilder } from "./builder.ts";
import type { Graph, Node, NodeId } from "./ir.ts";
import type { SequenceProgram } from "./program.ts";
import { mapOperands, operands } from "./shapes.ts";

/** For each node 1 if the roots need it, else 0. Numbers, not sets: graphs are looked through again and again. */
function needed(nodes: readonly Node[], roots: Iterable<NodeId>): Uint8Array {
  const live = new Uint8Array(nodes.length);
  const reach = (id: NodeId): void => {
    live[id] = 1;
  };
  for (const id of roots) reach(id);
  for (let i = nodes.length - 1; i >= 0; i--) if (live[i] === 1) operands(nodes[i]!).forEach(reach);
  return live;
}

/** The nodes that the roots need, in order. */
export function reachable({ nodes }: Graph, roots: Iterable<NodeId>): Node[] {
  const live = needed(nodes, roots);
  return nodes.filter((n) => live[n.id] === 1);
}

/** Who of `nodes`, which are in order, reads a node: each once, however often. */
export function readersOf(nodes: readonly Node[]): ReadonlyMap<NodeId, readonly Node[]> {
  const readers = new Map<NodeId, Node[]>();
  nodes.forEach((node) => {
    operands(node).forEach((x) => {
      const list = readers.get(x);
      if (list === undefined) readers.set(x, [node]);
      else if (list.at(-1) !== node) list.push(node);
    });
  });
  return readers;
}

/** How often each node is read: by other nodes, and once for each time that it is among `roots`. */
export function countUses(graph: Graph, roots: Iterable<NodeId>): ReadonlyMap<NodeId, number> {
  const uses = new Map<NodeId, number>();
  const count = (id: NodeId) => uses.set(id, (uses.get(id) ?? 0) + 1);
  graph.nodes.forEach((node) => operands(node).forEach(count));
  for (const id of roots) count(id);
  return uses;
}

/**
 * Appends the nodes of `graph` (all, or those that `roots` need) to `builder` and gives the map from old ids to new.
 * `replace` may give the id of a node of the builder to stand for an old one; it sees the old node and its new operands.
 */
export function rebuild(
  graph: Graph,
  builder: GraphBuilder,
  replace: (node: Node, to: (id: NodeId) => NodeId) => NodeId | null = () => null,
  roots?: Iterable<NodeId>,
): (id: NodeId) => NodeId {
  const map: NodeId[] = [];
  const to = (id: NodeId): NodeId => {
    const found = map[id];
    if (found === undefined) throw new InternalError(`${graph.name}: node ${id} was not copied`);
    return found;
  };
  const before = builder.origin;
  const nodes = roots === undefined ? graph.nodes : reachable(graph, roots);
  nodes.forEach((node) => {
    builder.origin = node.origin;
    let copied = replace(node, to);
    if (copied === null) {
      const { id: _, origin: __, ...draft } = mapOperands(node, to);
      copied = builder.copy(draft);
    }
    map[node.id] = copied;
  });
  builder.origin = before;
  return to;
}

/**
 * The nodes that the roots need, numbered anew, and the map from old ids to new ones (null for what is gone). They were
 * different before and are so still: unlike `rebuild` it need not look for equal ones.
 */
export function compact(
  { nodes: all }: Graph,
  roots: Iterable<NodeId>,
): { readonly nodes: readonly Node[]; readonly survivor: (id: NodeId) => NodeId | null } {
  const live = needed(all, roots);
  const map: NodeId[] = [];
  const to = (id: NodeId): NodeId => map[id]!;
  const nodes: Node[] = [];
  all.forEach((node) => {
    if (live[node.id] !== 1) return;
    const id = nodes.length as NodeId;
    nodes.push({ ...mapOperands(node, to), id });
    map[node.id] = id;
  });
  return { nodes, survivor: (id) => map[id] ?? null };
}

/** The program with another graph, `to` of whose nodes stand for those that its ports have. */
export function withGraph(
  program: SequenceProgram,
  graph: Graph,
  to: (id: NodeId) => NodeId,
): SequenceProgram {
  const moved = <P extends { readonly node: NodeId }>(p: P): P => ({ ...p, node: to(p.node) });
  return {
    ...program,
    graph,
    inputs: program.inputs.map(moved),
    outputs: program.outputs.map(moved),
  };
}

/** The same with the outputs: the graph as a new one. Null where nothing was replaced. */
export function rebuildGraph(
  graph: Graph,
  builder: GraphBuilder,
  replace: (node: Node, to: (id: NodeId) => NodeId) => NodeId | null,
): { readonly graph: Graph; readonly to: (id: NodeId) => NodeId } | null {
  let same = true;
  const to = rebuild(graph, builder, (node, mapped) => {
    const replaced = replace(node, mapped);
    same &&= replaced === null;
    return replaced;
  });
  if (same) return null;
  for (const { name, node } of graph.outputs) builder.output(name, to(node));
  return { graph: builder.finish(), to };
}

/** The program with its graph copied into a builder, as `rebuild` does; the program itself where nothing is replaced. */
export function rebuildProgram(
  program: SequenceProgram,
  builder: GraphBuilder,
  replace: (node: Node, to: (id: NodeId) => NodeId) => NodeId | null,
): SequenceProgram {
  const made = rebuildGraph(program.graph, builder, replace);
  return made === null ? program : withGraph(program, made.graph, made.to);
}
