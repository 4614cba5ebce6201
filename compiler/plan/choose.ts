/** Which values of a graph get memory of their own, and which are computed again wherever they are read. */
import { constant, sameShape } from "../dims.ts";
import type { ContractNode, Graph, Node, NodeId } from "../graph/ir.ts";
import { classify, DEAR, isProduct, isView, labelSizes, seenThrough } from "../graph/products.ts";
import { readersOf } from "../graph/rebuild.ts";
import { operands } from "../graph/shapes.ts";

/** Computed by loops or steps of their own; they cannot be had at one index alone. */
export function mustBeKept(node: Node): boolean {
  switch (node.op) {
    case "reduce":
    case "concat":
    case "cumsum":
    case "scatter":
    case "solve":
    case "append":
    case "random":
      return true;
    case "contract":
      return classify(node).summed.length > 0;
    default:
      return false;
  }
}

function ownCost(node: Node): number {
  switch (node.op) {
    case "unary":
      if (DEAR.has(node.fn)) return 20;
      return node.fn === "sqrt" || node.fn === "rsqrt" || node.fn === "reciprocal" ? 5 : 1;
    case "binary":
      return node.fn === "pow" ? 30 : node.fn === "div" || node.fn === "mod" ? 5 : 1;
    case "select":
    case "contract":
      return 1;
    case "pad":
    case "gather":
    case "pick":
    case "place":
      return 2;
    case "roll":
      return 4;
    default:
      return 0;
  }
}

export interface Choice {
  /** Values with memory of their own. */
  readonly roots: ReadonlySet<NodeId>;
  /** Of a blocked product: the root whose loop finishes it → the product itself (which then has no memory). */
  readonly finished: ReadonlyMap<NodeId, NodeId>;
  /** Contractions computed in blocks. */
  readonly blocked: ReadonlySet<NodeId>;
  readonly uses: ReadonlyMap<NodeId, number>;
}

/**
 * `needed` are the nodes in order, `stored` those that some output wants in memory as they are. What the step of a loop
 * keeps stays in the cache.
 */
export function chooseRoots(
  graph: Graph,
  needed: readonly Node[],
  stored: ReadonlySet<NodeId>,
  inLoop: boolean,
): Choice {
  const readers = readersOf(needed);
  const uses = new Map([...readers].map(([id, list]) => [id, list.length]));
  for (const id of stored) uses.set(id, (uses.get(id) ?? 0) + 1);
  const roots = new Set<NodeId>();
  const finished = new Map<NodeId, NodeId>();
  const cost = new Map<NodeId, number>();
  const claimed = new Set<NodeId>();
  const blocked = new Set<NodeId>();

  for (const node of needed) {
    if (node.op !== "contract" || !isProduct(graph, node)) continue;
    blocked.add(node.id);
    const top = stored.has(node.id) ? node.id : climb(graph, node, readers, stored, claimed);
    if (top !== node.id) finished.set(top, node.id);
    roots.add(top);
  }
  const inside = new Set(finished.values());
  const shared = inLoop ? ofSeveral(graph, needed, blocked) : new Set<NodeId>();
  for (const node of needed) {
    const total = operands(node).reduce((c, x) => c + (cost.get(x) ?? 1), ownCost(node));
    const leaf = node.op === "constant" || node.op === "size" || node.op === "iota";
    cost.set(node.id, leaf ? 0 : node.op === "input" || node.op === "result" ? 1 : total);
    if (inside.has(node.id)) continue;
    const wanted = roots.has(node.id) || (shared.has(node.id) && total > 1 && !isView(node));
    if (!wanted && !keep(graph, node, total, readers, stored)) continue;
    roots.add(node.id);
    cost.set(node.id, 1);
  }
  return { roots, finished, blocked, uses };
}

/** What several products have as an operand: kept, it is read where it lies, rather than computed for each. */
function ofSeveral(
  graph: Graph,
  needed: readonly Node[],
  blocked: ReadonlySet<NodeId>,
): Set<NodeId> {
  const once = new Set<NodeId>();
  const more = new Set<NodeId>();
  for (const node of needed) {
    if (!blocked.has(node.id)) continue;
    for (const x of new Set(operands(node).map((y) => seenThrough(graph, y))))
      (once.has(x) ? more : once).add(x);
  }
  return more;
}

/** The last of the elementwise operations that follow a product, each the only reader of the one before. */
function climb(
  graph: Graph,
  product: ContractNode,
  readers: ReadonlyMap<NodeId, readonly Node[]>,
  stored: ReadonlySet<NodeId>,
  claimed: Set<NodeId>,
): NodeId {
  const sizes = labelSizes(graph, product);
  const depth = classify(product).summed.reduce(
    (n, l) => n * (constant(sizes.get(l)!) ?? Infinity),
    1,
  );
  if (depth > LARGEST_UNBLOCKED) return product.id;
  let top: Node = product;
  for (;;) {
    if (stored.has(top.id)) return top.id;
    const list: readonly Node[] = readers.get(top.id) ?? [];
    const [next] = list;
    const elementwise =
      next !== undefined && (next.op === "unary" || next.op === "binary" || next.op === "select");
    if (list.length !== 1 || !elementwise || claimed.has(next.id)) return top.id;
    if (!sameShape(next.shape, product.shape)) return top.id;
    claimed.add(next.id);
    top = next;
  }
}

/** Products with a longer sum are computed in several passes over their result. */
export const LARGEST_UNBLOCKED = 1024;

function keep(
  graph: Graph,
  node: Node,
  cost: number,
  readers: ReadonlyMap<NodeId, readonly Node[]>,
  stored: ReadonlySet<NodeId>,
): boolean {
  if (node.op === "recurrence" || node.op === "result") return false;
  if (mustBeKept(node)) return true;
  if (isView(node)) return false;
  if (stored.has(node.id)) return true;
  let count = 0;
  let forced = false;
  const visit = (id: NodeId, again: boolean): void => {
    if (stored.has(id) && id !== node.id) count += 1;
    for (const reader of readers.get(id) ?? []) {
      const repeats = again || repeated(graph, reader, id);
      if (repeats && cost >= 3) forced = true;
      if (mustBeInMemory(graph, reader, id, cost, node)) forced = true;
      if (isView(reader)) visit(reader.id, repeats);
      else if (reader.op !== "pick" || reader.x !== id) count += 1;
    }
  };
  visit(node.id, false);
  return forced || (count >= 2 && (count - 1) * cost > count + 4);
}

/** Whether a reader wants each element several times, in loops that cannot be left to hoisting. */
function repeated(graph: Graph, reader: Node, id: NodeId): boolean {
  if (reader.op === "broadcast") {
    const last = reader.axes.at(-1) ?? 0;
    return reader.shape.some((d, i) => i < last && !reader.axes.includes(i) && constant(d) !== 1);
  }
  if (reader.op !== "contract" || isProduct(graph, reader)) return false;
  const missing = (labels: readonly number[]) =>
    [...reader.outLabels].some((l) => !labels.includes(l));
  return (
    (reader.a === id && missing(reader.aLabels)) || (reader.b === id && missing(reader.bLabels))
  );
}

const isEquality = (node: Node): boolean =>
  node.op === "binary" && (node.fn === "eq" || node.fn === "ne");

/** Not the same number in whatever precision it is computed. */
function computed(graph: Graph, id: NodeId): boolean {
  const node = graph.nodes[id]!;
  if (node.dtype === "int" || node.op === "constant" || node.op === "iota") return false;
  return !isView(node) || node.op === "input" || operands(node).some((x) => computed(graph, x));
}

/** Elementwise work on what a step reads, up to which the step does it rather than a pass before the loop. */
const IN_PASSING = 12;

function mustBeInMemory(graph: Graph, reader: Node, id: NodeId, cost: number, node: Node): boolean {
  switch (reader.op) {
    case "solve":
      return reader.matrix === id;
    case "recurrence":
      return node.op !== "pad" || cost > IN_PASSING;
    case "gather":
      return reader.table === id && cost > 1;
    case "binary":
      // A value that was rounded on its way to memory equals only itself: what is compared is computed once.
      return (
        isEquality(reader) && cost > 1 && computed(graph, reader.a) && computed(graph, reader.b)
      );
    case "pad":
      // Under a pad's condition no index may be loaded ahead of the values it selects.
      return node.op === "gather" || node.op === "pick";
    default:
      return false;
  }
}
