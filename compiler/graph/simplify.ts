/**
 * Makes a graph smaller without changing what it means: dead nodes, inputs and carries go, equal nodes become one, numbers
 * are worked out, and the algebra of algebra/ is applied everywhere, bodies of recurrences included.
 *
 * Values stay the same up to rounding, with one exception: zero times an infinity or NaN becomes zero.
 */
import { subtract } from "../dims.ts";
import * as algebra from "./algebra/index.ts";
import { GraphBuilder } from "./builder.ts";
import type {
  Binding,
  Carry,
  Graph,
  Node,
  NodeId,
  Recurrence,
  RecurrenceNode,
  RecurrenceOutput,
  Replay,
  ResultNode,
  StepProgram,
} from "./ir.ts";
import type { SequenceProgram } from "./program.ts";
import { compact, reachable, rebuild, withGraph } from "./rebuild.ts";
import { bodyNode, mapOperands } from "./shapes.ts";

/** Appends an equivalent of `node`, whose operands `to` maps, to the builder. */
function simplified(b: GraphBuilder, node: Node, to: (id: NodeId) => NodeId): NodeId | null {
  switch (node.op) {
    case "size":
      return algebra.fillValue(b, b.size(node.value)) === null
        ? null
        : b.constant(algebra.fillValue(b, b.size(node.value))!);
    case "unary":
      return algebra.unary(b, node.fn, to(node.x));
    case "binary": {
      const [x, y] = [to(node.a), to(node.b)];
      const joined = node.fn === "add" ? algebra.joinPads(b, x, y) : null;
      return joined ?? algebra.binary(b, node.fn, x, y);
    }
    case "select":
      return algebra.select(b, to(node.cond), to(node.a), to(node.b));
    case "broadcast":
      return algebra.broadcast(b, to(node.x), node.axes, node.shape);
    case "reduce":
      return algebra.reduce(b, node.fn, to(node.x), node.axes);
    case "contract":
      return algebra.contract(
        b,
        to(node.a),
        node.aLabels,
        to(node.b),
        node.bLabels,
        node.outLabels,
      );
    case "transpose":
      return algebra.transpose(b, to(node.x), node.perm);
    case "reshape":
      return algebra.reshape(b, to(node.x), node.shape);
    case "slice":
      return algebra.slice(b, to(node.x), node.axis, node.start, node.shape[node.axis]!);
    case "pad": {
      const x = to(node.x);
      const rest = subtract(node.shape[node.axis]!, b.shape(x)[node.axis]!);
      return algebra.pad(b, x, node.axis, node.before, subtract(rest, node.before));
    }
    case "concat":
      return algebra.concat(b, node.xs.map(to), node.axis);
    case "reverse":
      return algebra.reverse(b, to(node.x), node.axis);
    case "roll":
      return algebra.roll(b, to(node.x), node.axis, node.shift);
    default:
      return null;
  }
}

/** Old ids to new ones; null for what is gone. */
type Survivors = (id: NodeId) => NodeId | null;

interface Rewritten {
  readonly graph: Graph;
  readonly survivor: Survivors;
  /** Of a node that must have survived. */
  readonly to: (id: NodeId) => NodeId;
}

/** Simplifies what `roots` need of a graph. `known`: inputs that have turned out to be one number everywhere. */
function rewrite(
  graph: Graph,
  roots: readonly NodeId[],
  known: ReadonlyMap<NodeId, number> = new Map(),
): Rewritten {
  const draft = new GraphBuilder(graph.name);
  const used = usedResults(graph, roots);
  const slimmed = new Map<NodeId, Slimmed>();
  const first = rebuild(
    graph,
    draft,
    (node, to) => {
      const value = known.get(node.id);
      if (value !== undefined) return algebra.filled(draft, value, node.shape, node.dtype);
      if (node.op === "recurrence") {
        const { id, origin: _, ...mapped } = mapOperands(node, to) as RecurrenceNode;
        const slim = slimRecurrence(draft, mapped.recurrence, used.get(id) ?? new Set());
        slimmed.set(id, slim);
        return draft.copy({ ...mapped, recurrence: slim.recurrence });
      }
      if (node.op === "result") return slimResult(draft, node, slimmed.get(node.of)!, to(node.of));
      return simplified(draft, node, to);
    },
    roots,
  );
  // What simplification has left unused goes now.
  const { nodes, survivor } = compact(draft.finish(), roots.map(first));
  const to = (id: NodeId): NodeId => survivor(first(id))!;
  const outputs = graph.outputs.flatMap(({ name, node }) => roots.includes(node) ? [{ name, node: to(node) }] : []); // prettier-ignore
  const before = new Set(reachable(graph, roots).map((n) => n.id));
  return {
    graph: { name: graph.name, nodes, outputs },
    survivor: (id) => (before.has(id) ? survivor(first(id)) : null),
    to,
  };
}

/** Of each recurrence, the outputs that somebody reads. */
function usedResults(graph: Graph, roots: readonly NodeId[]): Map<NodeId, Set<number>> {
  const used = new Map<NodeId, Set<number>>();
  reachable(graph, roots).forEach((node) => {
    if (node.op === "result") used.set(node.of, (used.get(node.of) ?? new Set()).add(node.index));
  });
  return used;
}

/** Those of `all` (by the inputs through which they are read) that the roots need, by way of each other's next values. */
function needed<C extends { readonly input: NodeId; readonly next: NodeId }>(
  body: Graph,
  all: readonly C[],
  roots: readonly NodeId[],
  start: readonly C[],
): C[] {
  const found = new Set(start);
  for (let size = -1; size !== found.size;) {
    size = found.size;
    const from = [...roots, ...[...found].map((c) => c.next)];
    const live = new Set(reachable(body, from).map((n) => n.id));
    for (const c of all) if (live.has(c.input)) found.add(c);
  }
  return all.filter((c) => found.has(c));
}

type Place = { readonly index: number } | { readonly value: number };

interface Slimmed {
  readonly recurrence: Recurrence;
  /** Old index of an output to its new one, or the number that it is everywhere. */
  readonly places: ReadonlyMap<number, Place>;
}

/** Inputs bound to outer values that are one number everywhere. */
function constantInputs(b: GraphBuilder, bindings: readonly Binding[]): Map<NodeId, number> {
  const known = new Map<NodeId, number>();
  for (const x of bindings) {
    const value = x.kind === "position" ? null : algebra.fillValue(b, x.value);
    if (value !== null) known.set(x.input, value);
  }
  return known;
}

/** A binding to a value that only repeats itself along time, or batch and time, needs it once. */
function narrowBinding(b: GraphBuilder, x: Binding): Binding {
  if (x.kind !== "sequence" && x.kind !== "batch") return x;
  const node = b.node(x.value);
  if (node.op !== "broadcast") return x;
  const varies = (axis: number) => node.axes.includes(axis);
  const without = (axis: number): NodeId =>
    algebra.broadcast(
      b,
      node.x,
      node.axes.map((a) => (a > axis ? a - 1 : a)),
      node.shape.filter((_, i) => i !== axis),
    );
  if (x.kind === "sequence") {
    return varies(1) ? x : narrowBinding(b, { ...x, kind: "batch", value: without(1) });
  }
  return varies(0) ? x : { ...x, kind: "shared", value: without(0) };
}

function keptBindings(
  b: GraphBuilder,
  bindings: readonly Binding[],
  survivor: Survivors,
  known: ReadonlyMap<NodeId, number>,
): Binding[] {
  return bindings.flatMap((x) => {
    const input = known.has(x.input) ? null : survivor(x.input);
    return input === null ? [] : [{ ...narrowBinding(b, x), input }];
  });
}

/**
 * Carries that never change: they start as one number and, if they are that number, stay it. Assumed of all that start so,
 * then taken back where it does not follow, until what is left supports itself.
 */
function steadyCarries(
  b: GraphBuilder,
  r: Recurrence,
  carries: readonly Carry[],
  known: ReadonlyMap<NodeId, number>,
): Map<NodeId, number> {
  const steady = new Map<NodeId, number>();
  for (const c of carries) {
    const value = algebra.fillValue(b, c.init);
    if (value !== null) steady.set(c.input, value);
  }
  for (let size = -1; size !== steady.size && steady.size > 0;) {
    size = steady.size;
    const assumed = carries.filter((c) => steady.has(c.input));
    const roots = [...new Set(assumed.map((c) => c.next))];
    const { graph, to } = rewrite(r.body, roots, new Map([...known, ...steady]));
    for (const c of assumed) {
      if (fillIn(graph, to(c.next)) !== steady.get(c.input)) steady.delete(c.input);
    }
  }
  return steady;
}

/** Without the outputs nobody uses, and without carries, bindings and nodes that the others do not need. */
function slimRecurrence(b: GraphBuilder, r: Recurrence, used: ReadonlySet<number>): Slimmed {
  const direct = r.outputs.flatMap((o, i) => (used.has(i) && "node" in o ? [o.node] : []));
  const asked = r.outputs.flatMap((o, i) =>
    used.has(i) && "carry" in o ? [r.carries[o.carry]!] : [],
  );
  const live = needed(r.body, r.carries, direct, asked);
  const bound = constantInputs(b, r.bindings);
  const steady = steadyCarries(b, r, live, bound);
  const known = new Map([...bound, ...steady]);
  const carries = live.filter((c) => !steady.has(c.input));
  const own = [...direct, ...carries.flatMap((c) => [c.input, c.next])];
  const replays = keptReplays(r, own);
  const roots = new Set([...own, ...replays.map((c) => c.target)]);
  const body = rewrite(r.body, [...roots], known);

  const outputs: RecurrenceOutput[] = [];
  const keys: string[] = [];
  const places = new Map(
    [...used].map((i): [number, Place] => {
      const o = r.outputs[i]!;
      const carry = "carry" in o ? r.carries[o.carry]! : null;
      const fixed = carry === null ? undefined : steady.get(carry.input);
      if (fixed !== undefined) return [i, { value: fixed }];
      const output: RecurrenceOutput =
        "carry" in o ? { ...o, carry: carries.indexOf(carry!) } : { ...o, node: body.to(o.node) };
      const value = "node" in output ? fillIn(body.graph, output.node) : null;
      if (value !== null && (output.kind === "stack" || value === 0)) return [i, { value }];
      const key = JSON.stringify(output);
      const same = keys.indexOf(key);
      if (same >= 0) return [i, { index: same }];
      keys.push(key);
      return [i, { index: outputs.push(output) - 1 }];
    }),
  );
  const recurrence = {
    ...r,
    body: body.graph,
    carries: carries.map((c) => ({ ...c, input: body.to(c.input), next: body.to(c.next) })),
    bindings: keptBindings(b, r.bindings, body.survivor, known),
    outputs,
    replay: r.replay && slimReplay(b, r.replay, replays, body.to),
  };
  return { recurrence, places };
}

function fillIn(graph: Graph, id: NodeId): number | null {
  const node = bodyNode(graph, id);
  if (node.op === "constant") return node.value;
  return node.op === "broadcast" ? fillIn(graph, node.x) : null;
}

/** The replay carries that the main body reads (as far as its roots need them), and those that these need. */
function keptReplays(r: Recurrence, roots: readonly NodeId[]): Replay["carries"] {
  if (r.replay === null) return [];
  const live = new Set(reachable(r.body, roots).map((n) => n.id));
  const { body, carries } = r.replay;
  const read = carries.filter((c) => live.has(c.target));
  return needed(body, carries, [], read);
}

function slimReplay(
  b: GraphBuilder,
  replay: Replay,
  carries: Replay["carries"],
  target: (id: NodeId) => NodeId,
): Replay | null {
  if (carries.length === 0) return null;
  const known = constantInputs(b, replay.bindings);
  const roots = new Set(carries.flatMap((c) => [c.input, c.next]));
  const { graph, to, survivor } = rewrite(replay.body, [...roots], known);
  return {
    ...replay,
    body: graph,
    bindings: keptBindings(b, replay.bindings, survivor, known),
    carries: carries.map((c) => ({
      ...c,
      input: to(c.input),
      next: to(c.next),
      target: target(c.target),
    })),
  };
}

/** What stands for a result of a recurrence that has been slimmed. */
function slimResult(b: GraphBuilder, node: ResultNode, slim: Slimmed, of: NodeId): NodeId {
  const place = slim.places.get(node.index)!;
  if ("value" in place) return algebra.filled(b, place.value, node.shape, node.dtype);
  return b.copy({ op: "result", of, index: place.index, shape: node.shape, dtype: node.dtype });
}

function size(graph: Graph): number {
  let count = graph.nodes.length;
  graph.nodes.forEach((node) => {
    if (node.op !== "recurrence") return;
    const { body, bindings, carries, replay } = node.recurrence;
    count += size(body) + bindings.length + carries.length;
    if (replay !== null) count += size(replay.body) + replay.carries.length;
  });
  return count;
}

/** Rewrites until nothing changes in size any more (in practice once or twice). */
function settle(graph: Graph, roots: readonly NodeId[]): Rewritten {
  let done = rewrite(graph, roots);
  let before = size(graph);
  for (let pass = 0; pass < 4 && size(done.graph) !== before; pass++) {
    before = size(done.graph);
    const last = done;
    const next = rewrite(last.graph, roots.map(last.to));
    done = {
      graph: next.graph,
      to: (id) => next.to(last.to(id)),
      survivor: (id) => {
        const middle = last.survivor(id);
        return middle === null ? null : next.survivor(middle);
      },
    };
  }
  return done;
}

/** The number that a node is everywhere where some inputs are these numbers; null if it is none, or none that is known. */
export function numberIf(
  graph: Graph,
  id: NodeId,
  inputs: ReadonlyMap<NodeId, number>,
): number | null {
  const found = rewrite(graph, [id], inputs);
  return fillIn(found.graph, found.to(id));
}

/** The graph reduced to what its outputs need, simplified. */
export function simplify(graph: Graph): Graph {
  const roots = [...new Set(graph.outputs.map((o) => o.node))];
  return settle(graph, roots).graph;
}

/** The step with its body simplified. Its inputs, parameters and states stay, those that nothing reads as well. */
export function simplifyStep(step: StepProgram): StepProgram {
  const position = step.position === null ? [] : [step.position];
  const ports = [...step.inputs, ...step.parameters, ...step.states, ...step.outputs];
  const roots = [...ports.map((p) => p.node), ...step.states.map((s) => s.next), ...position];
  const { graph, to } = settle(step.body, [...new Set(roots)]);
  const moved = <T extends { readonly node: NodeId }>(x: T): T => ({ ...x, node: to(x.node) });
  return {
    ...step,
    body: graph,
    inputs: step.inputs.map(moved),
    parameters: step.parameters.map(moved),
    states: step.states.map((s) => ({ ...moved(s), next: to(s.next) })),
    outputs: step.outputs.map(moved),
    position: step.position === null ? null : to(step.position),
  };
}

/** Programs in which nothing is left to simplify. */
const simple = new WeakSet<SequenceProgram>();

/** The program with its graph simplified. All its ports stay, those that nothing reads as well. */
export function simplifyProgram(program: SequenceProgram): SequenceProgram {
  if (simple.has(program)) return program;
  const ports = [...program.inputs, ...program.outputs].map((p) => p.node);
  const { graph, to } = settle(program.graph, [...new Set(ports)]);
  const done = withGraph(program, graph, to);
  simple.add(done);
  return done;
}
