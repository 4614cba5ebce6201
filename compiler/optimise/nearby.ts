/**
 * What a loop over chunks reads is computed in the chunk that reads it, and what is made of its results where they are made:
 * both are then in the cache, where a pass of its own over all chunks would go through memory. Of loops with products in
 * their steps only: to others, what is known of all steps at once comes cheaper as one large operation.
 */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { constant } from "../dims.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type {
  Binding,
  Graph,
  Node,
  NodeId,
  Recurrence,
  RecurrenceNode,
  RecurrenceOutput,
  Replay,
} from "../graph/ir.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { reachable, readersOf, rebuild } from "../graph/rebuild.ts";
import { bodyNode, mapOperands, operands } from "../graph/shapes.ts";
import { DEAR, isView } from "../graph/products.ts";
import { isLittle, isQuick, littleTo } from "./little.ts";
import { withoutReplay } from "./replays.ts";
import { hasProducts } from "./separate.ts";
import { extents, sliced, type Extent } from "./slices.ts";

/** A recurrence and the nodes around it that move into its body. */
interface Move {
  readonly node: RecurrenceNode;
  readonly moved: ReadonlySet<NodeId>;
  /** Those of them that stay outside as well, for others: made again they cost less than kept. */
  readonly twice: ReadonlySet<NodeId>;
  /** Those of them that somebody outside reads. */
  readonly stacked: readonly NodeId[];
}

/** Everything that depends on a node, and what serves nothing else. */
function behind(
  graph: Graph,
  of: NodeId,
  readers: ReadonlyMap<NodeId, readonly Node[]>,
  ports: ReadonlySet<NodeId>,
): Set<NodeId> {
  const found = new Set<NodeId>([of]);
  const follows = (x: NodeId): boolean => found.has(x);
  for (let i = of + 1; i < graph.nodes.length; i++) {
    const node = graph.nodes[i]!;
    if (operands(node).some(follows)) found.add(node.id);
  }
  found.delete(of);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (node.id === of) continue;
    const list = readers.get(node.id) ?? [];
    const serves = list.length > 0 && !ports.has(node.id) && list.every((y) => follows(y.id));
    if (serves) found.add(node.id);
  }
  return found;
}

/**
 * Whether a value is little more than one that is in memory anyway: the same numbers in other places, or something simple made
 * of each. To write it down and read it back takes longer than to make it again.
 */
function isLight(graph: Graph, node: Node): boolean {
  const isSmall = (id: NodeId): boolean => {
    const x = bodyNode(graph, id);
    return x.op === "broadcast" || x.op === "constant";
  };
  switch (node.op) {
    case "concat":
    case "pad":
      return true;
    case "unary":
      return !DEAR.has(node.fn);
    case "binary":
      return node.fn !== "pow" && (node.a === node.b || isSmall(node.a) || isSmall(node.b));
    default:
      return isView(node);
  }
}

/** Answers a question about each node once: graphs may reach a node by very many ways. */
function known(ask: (id: NodeId) => boolean): (id: NodeId) => boolean {
  const answers = new Map<NodeId, boolean>();
  return (id) => {
    const before = answers.get(id);
    if (before !== undefined) return before;
    const answer = ask(id);
    answers.set(id, answer);
    return answer;
  };
}

/** Whether a value is light, or little beside what a loop reads and made of what is at hand: a norm, a gate. */
function cheapness(
  graph: Graph,
  r: Recurrence,
  readers: ReadonlyMap<NodeId, readonly Node[]>,
): (node: Node) => boolean {
  const at = (id: NodeId) => bodyNode(graph, id);
  const most = littleTo(r, (id) => at(id).shape);
  const isSmall = (node: Node): boolean => node.dtype === "float" && isLittle(node.shape, most);
  const isAtHand = known((id): boolean => {
    const node = at(id);
    if (isSmall(node) || operands(node).length === 0) return true;
    if (isLight(graph, node)) return operands(node).every(isAtHand);
    // What nobody else reads might not be in memory at all.
    return node.op === "contract" || (readers.get(id) ?? []).length > 1;
  });
  /** What is made of a loop's results is better made there. */
  const isOfLoop = known((id): boolean => {
    const node = at(id);
    return node.op === "result" || (node.op !== "contract" && operands(node).some(isOfLoop));
  });
  return (node) => {
    if (isLight(graph, node)) return true;
    const quick = isQuick(node) && isSmall(node);
    return quick && operands(node).every(isAtHand) && !isOfLoop(node.id);
  };
}

/** Everything that a node depends on. */
function before(graph: Graph, of: NodeId): Set<NodeId> {
  const found = new Set<NodeId>([of]);
  for (let i = of; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (found.has(node.id)) operands(node).forEach((x) => found.add(x));
  }
  found.delete(of);
  return found;
}

/** A result that is a value of the step that is being run. */
function atStep(r: Recurrence, output: RecurrenceOutput): NodeId | null {
  if (output.kind === "stack") return output.node;
  if (output.kind !== "border" || constant(output.every) !== 1) return null;
  return r.carries[output.carry]!.input;
}

function findMove(
  graph: Graph,
  node: RecurrenceNode,
  ports: ReadonlySet<NodeId>,
  roots: readonly NodeId[],
): Move | null {
  const r = node.recurrence;
  // Of what the roots need: what has moved may have left others behind.
  const readers = readersOf(reachable(graph, roots));
  const needed = before(graph, node.id);
  const later = behind(graph, node.id, readers, ports);
  const moved = new Set<NodeId>();
  const twice = new Set<NodeId>();
  const movable = (x: Node) => extents(graph, x, r) !== null;
  const isCheap = cheapness(graph, r, readers);
  // Backwards: what only this loop, or what moves into it, has to have before it runs.
  const wanted = new Set(r.bindings.flatMap((b) => (b.kind === "sequence" ? [b.value] : [])));
  const elsewhere = new Set([
    ...r.carries.map((c) => c.init),
    ...r.bindings.flatMap((b) => (b.kind === "batch" || b.kind === "shared" ? [b.value] : [])),
    ...(r.replay === null ? [] : operands({ ...node, recurrence: { ...r, carries: [], bindings: [] } })), // prettier-ignore
  ]);
  /** Those made twice of which the second is not wanted before the loop has run. */
  const late = new Set<NodeId>();
  const gone = ({ id }: Node): boolean => id === node.id || (moved.has(id) && !twice.has(id));
  for (let i = node.id - 1; i >= 0; i--) {
    const x = graph.nodes[i]!;
    if (!needed.has(x.id) || elsewhere.has(x.id) || !movable(x)) continue;
    const list = readers.get(x.id) ?? [];
    if (!wanted.has(x.id) && !list.some((y) => moved.has(y.id))) continue;
    // What others make of it, without this loop, is made where they are: later.
    const free = list.every((y) => gone(y) || later.has(y.id) || late.has(y.id));
    if (!free && !isCheap(x)) continue;
    moved.add(x.id);
    const again = free && !list.every(gone) && !isView(x) && isCheap(x);
    if (!free || again) twice.add(x.id);
    if (again) late.add(x.id);
  }
  // Forwards: what is made of the loop's results step by step, or of what has moved into it.
  const after = new Set<NodeId>([node.id, ...moved].filter((id) => !twice.has(id) || late.has(id)));
  const here = new Set<NodeId>(moved);
  for (const x of graph.nodes) {
    const read = operands(x);
    if (needed.has(x.id) || !read.some((y) => after.has(y))) continue;
    after.add(x.id);
    if (x.op === "result") {
      if (x.of === node.id && atStep(r, r.outputs[x.index]!) !== null) here.add(x.id);
      continue;
    }
    if (!movable(x) || !read.every((y) => here.has(y) || !after.has(y))) continue;
    moved.add(x.id);
    here.add(x.id);
  }
  // And what only that reads, or is little more than what is there.
  for (const x of graph.nodes.toReversed()) {
    if (moved.has(x.id) || after.has(x.id) || !movable(x)) continue;
    const list = readers.get(x.id) ?? [];
    if (!list.some((y) => moved.has(y.id))) continue;
    const free = !ports.has(x.id) && !needed.has(x.id) && list.every(gone);
    if (!free && !isCheap(x)) continue;
    moved.add(x.id);
    if (!free) twice.add(x.id);
  }
  const at = (id: NodeId) => bodyNode(graph, id);
  // Views are had inside and outside: what they show is read outside then.
  const outside = known(
    (id): boolean =>
      ports.has(id) ||
      (readers.get(id) ?? []).some(
        (y) =>
          y.id !== node.id &&
          (!moved.has(y.id) || ((isView(y) || twice.has(y.id)) && outside(y.id))),
      ),
  );
  // What was to stay for others that have moved since need not stay.
  for (const id of twice) if (!outside(id)) twice.delete(id);
  const computed = [...moved].filter((id) => !isView(at(id)));
  if (computed.length === 0) return null;
  const stacked = computed.filter((id) => !twice.has(id) && outside(id)).sort((a, b) => a - b);
  return { node, moved, twice, stacked };
}

/** The recurrence with more in its body; `to` gives nodes of the new outer graph. */
class Merged {
  readonly #graph: Graph;
  readonly #move: Move;
  readonly #builder: GraphBuilder;
  readonly #to: (id: NodeId) => NodeId;
  readonly #bindings: Binding[] = [];
  readonly #inputs = new Map<string, NodeId>();
  readonly #values = new Map<NodeId, NodeId>();

  constructor(graph: Graph, move: Move, to: (id: NodeId) => NodeId) {
    this.#graph = graph;
    this.#move = move;
    this.#to = to;
    this.#builder = new GraphBuilder(move.node.recurrence.body.name);
  }

  get #r(): Recurrence {
    return this.#move.node.recurrence;
  }

  /** The body input that a value of the outer graph comes in by. */
  #input(value: NodeId, kind: "sequence" | "batch" | "shared"): NodeId {
    const key = `${kind} ${value}`;
    const known = this.#inputs.get(key);
    if (known !== undefined) return known;
    const { shape, dtype, origin } = bodyNode(this.#graph, value);
    const lead = kind === "sequence" ? 2 : kind === "batch" ? 1 : 0;
    this.#builder.origin = origin;
    const name = `near_${this.#inputs.size}`;
    const input = this.#builder.input(name, shape.slice(lead), dtype);
    this.#bindings.push({ kind, input, value: this.#to(value) });
    this.#inputs.set(key, input);
    return input;
  }

  #from(id: NodeId, extent: Extent): NodeId {
    if (extent === "step") return this.#values.get(id) ?? this.#input(id, "sequence");
    if (extent === "sequence") return this.#input(id, "batch");
    const node = bodyNode(this.#graph, id);
    if (operands(node).length > 0 || node.op === "input") return this.#input(id, "shared");
    const { id: _, origin: __, ...draft } = node;
    return this.#builder.copy(draft);
  }

  #bring(id: NodeId): void {
    const node = bodyNode(this.#graph, id);
    const extent = extents(this.#graph, node, this.#r)!;
    this.#builder.origin = node.origin;
    this.#values.set(
      id,
      sliced(this.#builder, node, extent, (x, e) => this.#from(x, e)),
    );
  }

  recurrence(): Recurrence {
    const r = this.#r;
    const builder = this.#builder;
    const own = [...this.#move.moved].sort((a, b) => a - b);
    const needed = before(this.#graph, this.#move.node.id);
    for (const id of own) if (needed.has(id)) this.#bring(id);
    const bound = new Map(r.bindings.map((b) => [b.input, b]));
    const to = rebuild(r.body, builder, (node) => {
      const b = bound.get(node.id);
      if (b !== undefined && b.kind !== "position") {
        // The same value may be bound already.
        const key = `${b.kind} ${b.value}`;
        const value = b.kind === "sequence" ? this.#values.get(b.value) : undefined;
        const known = value ?? this.#inputs.get(key);
        if (known !== undefined) return known;
        const input = builder.input(node.op === "input" ? node.name : "", node.shape, node.dtype);
        this.#inputs.set(key, input);
        this.#bindings.push({ ...b, input, value: this.#to(b.value) });
        return input;
      }
      return null;
    });
    for (const b of r.bindings) {
      if (b.kind === "position") this.#bindings.push({ ...b, input: to(b.input) });
    }
    for (const x of this.#graph.nodes) {
      if (x.op !== "result" || x.of !== this.#move.node.id) continue;
      const value = atStep(r, r.outputs[x.index]!);
      if (value !== null) this.#values.set(x.id, to(value));
    }
    for (const id of own) if (!this.#values.has(id)) this.#bring(id);
    const stacks = this.#move.stacked.map((id): RecurrenceOutput => ({
      kind: "stack",
      node: this.#values.get(id)!,
    }));
    return {
      ...r,
      body: builder.finish(),
      carries: r.carries.map((c) => ({
        ...c,
        init: this.#to(c.init),
        input: to(c.input),
        next: to(c.next),
      })),
      bindings: this.#bindings,
      outputs: [...r.outputs.map((o) => ("node" in o ? { ...o, node: to(o.node) } : o)), ...stacks],
      replay: r.replay && this.#replay(r.replay, to),
    };
  }

  #replay(replay: Replay, to: (id: NodeId) => NodeId): Replay {
    return {
      ...replay,
      bindings: replay.bindings.map((b) =>
        b.kind === "position" ? b : { ...b, value: this.#to(b.value) },
      ),
      carries: replay.carries.map((c) => ({
        ...c,
        borders: this.#to(c.borders),
        target: to(c.target),
      })),
    };
  }
}

/** The graph with `move` done: everything copied that `roots` need, in an order that the moves ask for. */
function apply(
  graph: Graph,
  move: Move,
  roots: readonly NodeId[],
): { graph: Graph; to: (id: NodeId) => NodeId } {
  const builder = new GraphBuilder(graph.name);
  const map = new Map<NodeId, NodeId>();
  let results: readonly NodeId[] | null = null;
  const merged = (): readonly NodeId[] => {
    if (results !== null) return results;
    const { node } = move;
    const r = new Merged(graph, move, to).recurrence();
    builder.origin = node.origin;
    results = builder.recurrence(r);
    return results;
  };
  const to = (id: NodeId): NodeId => {
    const known = map.get(id);
    if (known !== undefined) return known;
    const made = copied(bodyNode(graph, id));
    map.set(id, made);
    return made;
  };
  const copied = (node: Node): NodeId => {
    if (move.moved.has(node.id) && !move.twice.has(node.id) && !isView(node)) {
      const place = move.stacked.indexOf(node.id);
      if (place < 0) throw new InternalError(`${graph.name}: %${node.id} has gone into a loop`);
      return merged()[move.node.recurrence.outputs.length + place]!;
    }
    if (node.op === "result" && node.of === move.node.id) return merged()[node.index]!;
    const { id: _, origin, ...draft } = mapOperands(node, to);
    builder.origin = origin;
    return builder.copy(draft);
  };
  // In order, first what does not wait for the loop: nothing is then asked for long before its turn.
  const gone = [...move.moved].filter((id) => !move.twice.has(id));
  const waiting = new Set<NodeId>([move.node.id, ...gone]);
  const later: NodeId[] = [];
  for (const node of reachable(graph, roots)) {
    if (waiting.has(node.id)) continue;
    if (node.op === "result" && node.of === move.node.id) {
      waiting.add(node.id);
    } else if (!operands(node).some((x) => waiting.has(x))) to(node.id);
    else {
      waiting.add(node.id);
      later.push(node.id);
    }
  }
  later.forEach(to);
  for (const { name, node } of graph.outputs) builder.output(name, to(node));
  return { graph: builder.finish(), to };
}

/** The program with loops that compute what they need, and what is made of what they give. Same ports, same values. */
export function computeNearby(
  program: SequenceProgram,
  worthwhile: (r: Recurrence) => boolean = hasProducts,
): SequenceProgram {
  let { graph, inputs, outputs } = program;
  graph = {
    ...graph,
    nodes: graph.nodes.map((n) =>
      n.op === "recurrence" ? { ...n, recurrence: withoutReplay(n.recurrence) } : n,
    ),
  };
  // From the last to the first: what stands between two loops belongs to the one that reads it.
  let left = graph.nodes.flatMap((n) => (n.op === "recurrence" ? [n.id] : []));
  while (left.length > 0) {
    const node = bodyNode(graph, left.pop()!);
    if (node.op !== "recurrence" || !worthwhile(node.recurrence)) continue;
    const roots = [...inputs, ...outputs].map((p) => p.node);
    const move = findMove(graph, node, new Set(outputs.map((p) => p.node)), roots);
    if (move === null) continue;
    const done = apply(graph, move, roots);
    graph = done.graph;
    left = left.map(done.to);
    inputs = inputs.map((p) => ({ ...p, node: done.to(p.node) }));
    outputs = outputs.map((p) => ({ ...p, node: done.to(p.node) }));
  }
  return { ...program, graph, inputs, outputs };
}
