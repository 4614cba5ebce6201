/**
 * The adjoint of a recurrence is a recurrence that runs backwards. Its carries are the cotangents of the forward carries;
 * its body is the forward step (as far as it is needed) followed by that step's adjoint. The forward carries before each
 * step are replayed, segment by segment, from the ones that the forward run keeps every so many steps.
 */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import { constant, dim, type Dim } from "../../dims.ts";
import { GraphBuilder } from "../builder.ts";
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
} from "../ir.ts";
import { reachable, rebuild } from "../rebuild.ts";
import { bodyNode, operands } from "../shapes.ts";
import { cotangents, type Seed } from "./engine.ts";
import { outputsApart } from "./apart.ts";
import { compared, elementsOf, worthKeeping } from "./keep.ts";
import { blocksGradient, type Contribution } from "./rules.ts";

/** Nodes of the body that depend differentiably on one of `inputs`. */
function dependents(body: Graph, inputs: ReadonlySet<NodeId>): Set<NodeId> {
  const found = new Set(inputs);
  for (const node of body.nodes) {
    if (!blocksGradient(node) && operands(node).some((x) => found.has(x))) found.add(node.id);
  }
  return found;
}

/** Nodes of the body that one of `roots` depends on differentiably. */
function sources(body: Graph, roots: Iterable<NodeId>): Set<NodeId> {
  const found = new Set(roots);
  for (let i = body.nodes.length - 1; i >= 0; i--) {
    const node = body.nodes[i]!;
    if (found.has(node.id) && !blocksGradient(node)) for (const x of operands(node)) found.add(x);
  }
  return found;
}

/** Body inputs that vary with something whose gradient is wanted: bindings at once, carries by way of each other. */
function variedInputs(r: Recurrence, wants: (id: NodeId) => boolean): Set<NodeId> {
  const varied = new Set<NodeId>();
  for (const b of r.bindings) if (b.kind !== "position" && wants(b.value)) varied.add(b.input);
  for (const c of r.carries) if (wants(c.init)) varied.add(c.input);
  for (let size = -1; size !== varied.size;) {
    size = varied.size;
    const reached = dependents(r.body, varied);
    for (const c of r.carries) if (reached.has(c.next)) varied.add(c.input);
  }
  return varied;
}

/** Carries that reach an output with a cotangent, perhaps steps later. */
function liveCarries(r: Recurrence, given: ReadonlyMap<number, NodeId>): Set<Carry> {
  const live = new Set<Carry>();
  const seeded: NodeId[] = [];
  for (const index of given.keys()) {
    const o = r.outputs[index]!;
    if (o.kind === "final") live.add(r.carries[o.carry]!);
    else if (o.kind !== "border") seeded.push(o.node);
  }
  for (let size = -1; size !== live.size;) {
    size = live.size;
    const needed = sources(r.body, [...seeded, ...[...live].map((c) => c.next)]);
    for (const c of r.carries) if (needed.has(c.input)) live.add(c);
  }
  return live;
}

/** How the cotangent of an output enters the adjoint's body. */
function cotangentKind(output: RecurrenceOutput): "sequence" | "batch" | "shared" {
  switch (output.kind) {
    case "stack":
      return "sequence";
    case "batch-sum":
      return "batch";
    case "sum":
      return "shared";
    case "final":
    case "border":
      throw new InternalError(`${output.kind} has no cotangent of its own at every step`);
    default:
      return unreachable(output);
  }
}

const GRADIENT_OF = { sequence: "stack", batch: "batch-sum", shared: "sum" } as const;

/** Which of a body's inputs its roots need. */
function neededInputs(body: Graph, roots: readonly NodeId[]): Set<NodeId> {
  const nodes = reachable(body, roots);
  return new Set(nodes.filter((n) => n.op === "input").map((n) => n.id));
}

function bindingsOf(
  bindings: readonly Binding[],
  needed: ReadonlySet<NodeId>,
  to: (id: NodeId) => NodeId,
): Binding[] {
  return bindings.filter((b) => needed.has(b.input)).map((b) => ({ ...b, input: to(b.input) }));
}

/** A graph that reads values that are kept for every step instead of computing them, as inputs; and which those are. */
function withKept(graph: Graph, name: string, kept: ReadonlyMap<NodeId, NodeId>) {
  const builder = new GraphBuilder(name);
  const bindings: Binding[] = [];
  const to = rebuild(graph, builder, (x) => {
    const value = kept.get(x.id);
    if (value === undefined) return null;
    const input = builder.input(`known.${x.id}`, x.shape);
    bindings.push({ kind: "sequence", input, value });
    return input;
  });
  return { graph: builder.finish(), to, bindings };
}

/** The replay of the carries that `needed` names, and of those that their next values need in turn. */
function makeReplay(
  builder: GraphBuilder,
  node: RecurrenceNode,
  needed: ReadonlySet<NodeId>,
  target: (carry: Carry) => NodeId,
  every: Dim,
  kept: ReadonlyMap<NodeId, NodeId>,
): Replay | null {
  const r = node.recurrence;
  const short = withKept(r.body, r.body.name, kept);
  const wanted = new Set(r.carries.filter((c) => needed.has(c.input)));
  if (wanted.size === 0) return null;
  let inputs = new Set<NodeId>();
  for (let size = -1; size !== wanted.size;) {
    size = wanted.size;
    inputs = neededInputs(
      short.graph,
      [...wanted].map((c) => short.to(c.next)),
    );
    for (const c of r.carries) {
      if (!kept.has(c.input) && inputs.has(short.to(c.input))) wanted.add(c);
    }
  }
  const carries = r.carries.filter((c) => wanted.has(c));
  const step = new GraphBuilder(`${r.body.name}.replay`);
  const roots = carries.flatMap((c) => [c.input, c.next]).map(short.to);
  const copied = rebuild(short.graph, step, () => null, roots);
  const to = (id: NodeId) => copied(short.to(id));
  const borders = builder.moreResults(
    node.id,
    carries.map((c) => ({ kind: "border", carry: r.carries.indexOf(c), every })),
  );
  return {
    body: step.finish(),
    bindings: [
      ...bindingsOf(
        r.bindings.map((b) => ({ ...b, input: short.to(b.input) })),
        inputs,
        copied,
      ),
      ...bindingsOf(short.bindings, inputs, copied),
    ],
    every,
    carries: carries.map((c, i) => ({
      name: c.name,
      borders: borders[i]!,
      input: to(c.input),
      next: to(c.next),
      target: target(c),
    })),
  };
}

/** Nodes of the body, of those computed, that the recurrence gives for every step, and its result that holds them. */
function stackedValues(
  builder: GraphBuilder,
  node: RecurrenceNode,
  computed: readonly Node[],
): Map<NodeId, NodeId> {
  const inner = new Set(computed.flatMap((n) => (n.op === "input" ? [] : [n.id])));
  const found = new Map<NodeId, NodeId>();
  for (const x of builder.nodes) {
    if (x.op !== "result" || x.of !== node.id) continue;
    const o = node.recurrence.outputs[x.index]!;
    if (o.kind === "stack" && inner.has(o.node)) found.set(o.node, x.id);
  }
  return found;
}

/** The nodes of the forward step that its adjoint reads by name, and those that it must not. `ends`: what the adjoint is for. */
function askedOf(
  whole: Graph,
  ends: readonly NodeId[],
  forward: readonly Node[],
  to: (id: NodeId) => NodeId,
) {
  const from = new Map(forward.map((n) => [to(n.id), n.id]));
  const nodes = reachable(whole, ends);
  const read = [...ends];
  for (const n of nodes) if (!from.has(n.id)) read.push(...operands(n));
  const known = (ids: Iterable<NodeId>) => new Set([...ids].flatMap((id) => from.get(id) ?? []));
  return { asked: known(read), barred: known(compared(whole, nodes)) };
}

/** What the run backwards finds for every step, by node of the forward body: what is given anyway and what is worth keeping. */
function keptValues(
  builder: GraphBuilder,
  node: RecurrenceNode,
  roots: readonly NodeId[],
  { asked, barred }: ReturnType<typeof askedOf>,
  every: Dim,
): Map<NodeId, NodeId> {
  const r = node.recurrence;
  const found = stackedValues(builder, node, reachable(r.body, roots));
  for (const id of barred) found.delete(id);
  const sizes = (ids: readonly NodeId[]) =>
    ids.map((id) => elementsOf(bodyNode(r.body, id))).filter(Number.isFinite);
  const rows = [
    ...r.bindings.flatMap((b) => (b.kind === "sequence" ? [b.input] : [])),
    ...r.outputs.flatMap((o) => (o.kind === "stack" ? [o.node] : [])),
  ];
  const states = sizes(r.carries.map((c) => c.input)).reduce((a, b) => a + b, 0);
  const most = Math.max(0, states / (constant(every) ?? Infinity), ...sizes(rows));
  const known = new Set(found.keys());
  const keep = [...worthKeeping({ body: r.body, carries: r.carries, asked, known, barred, most })];
  const wanted = keep.map((id): RecurrenceOutput => {
    const carry = r.carries.findIndex((c) => c.input === id);
    return carry < 0 ? { kind: "stack", node: id } : { kind: "border", carry, every: dim(1) };
  });
  const values = builder.moreResults(node.id, wanted);
  keep.forEach((id, i) => found.set(id, values[i]!));
  return found;
}

export function recurrenceAdjoint(
  builder: GraphBuilder,
  node: RecurrenceNode,
  given: ReadonlyMap<number, NodeId>,
  wants: (id: NodeId) => boolean,
  every: Dim,
): Contribution[] {
  const r = node.recurrence;
  if (r.reverse || r.replay !== null) {
    throw new InternalError(`${r.body.name}: the adjoint of a reverse recurrence is not defined`);
  }
  const varied = variedInputs(r, wants);
  const live = liveCarries(r, given);
  const active = r.carries.filter((c) => live.has(c) && varied.has(c.input));

  // The forward step, then its adjoint, in one body.
  const draft = new GraphBuilder(`${r.body.name}.adjoint`);
  const seeded = [...given.keys()].flatMap((i) => {
    const o = r.outputs[i]!;
    return "node" in o ? [o.node] : [];
  });
  const roots = [...seeded, ...active.map((c) => c.next)];
  const to = rebuild(r.body, draft, () => null, roots);
  const reached = new Set(reachable(r.body, roots).map((n) => n.id));
  const forward = neededInputs(r.body, roots);

  const bindings: Binding[] = [];
  const seeds: Seed[] = [];
  const finals = new Map<Carry, NodeId>();
  for (const [index, value] of given) {
    const output = r.outputs[index]!;
    if (output.kind === "final") {
      finals.set(r.carries[output.carry]!, value);
      continue;
    }
    const kind = cotangentKind(output);
    const inner = "node" in output ? bodyNode(r.body, output.node) : node;
    const input = draft.input(`cotangent.${index}`, inner.shape);
    bindings.push({ kind, input, value });
    if ("node" in output) seeds.push({ node: to(output.node), cotangent: input });
  }
  const carried = active.map((c) => {
    const input = draft.input(`cotangent.${c.name}`, bodyNode(r.body, c.input).shape);
    seeds.push({ node: to(c.next), cotangent: input });
    return { carry: c, input };
  });

  const wrt = [...varied].filter((id) => forward.has(id));
  const found = cotangents(draft, seeds, wrt.map(to), recurrenceAdjoint, { every });
  const gradient = new Map(wrt.map((id, i) => [id, found[i] ?? null]));

  const outputs: RecurrenceOutput[] = [];
  const receivers: NodeId[] = [];
  for (const b of r.bindings) {
    const value = b.kind === "position" ? null : (gradient.get(b.input) ?? null);
    if (value === null || b.kind === "position" || !wants(b.value)) continue;
    outputs.push({ kind: GRADIENT_OF[b.kind], node: value });
    receivers.push(b.value);
  }
  const nexts = carried.map(({ carry }) => {
    const { shape } = bodyNode(r.body, carry.input);
    return gradient.get(carry.input) ?? draft.fill(0, shape);
  });
  active.forEach((c, carry) => {
    if (!wants(c.init)) return;
    outputs.push({ kind: "final", carry });
    receivers.push(c.init);
  });

  // What the forward run gives for every step anyway, or can keep, is read instead of computed again.
  const whole = draft.finish();
  const ends = [...nexts, ...outputs.flatMap((o) => ("node" in o ? [o.node] : []))];
  const asked = askedOf(whole, ends, reachable(r.body, roots), to);
  const kept = keptValues(builder, node, roots, asked, every);
  const places = new Map<NodeId, NodeId>();
  for (const [id, value] of kept) if (reached.has(id)) places.set(to(id), value);
  const { graph: shorter, to: short, bindings: known } = withKept(whole, draft.name, places);

  const inputBindings = [
    ...r.bindings.flatMap((b) =>
      forward.has(b.input) ? [{ ...b, input: short(to(b.input)) }] : [],
    ),
    ...bindings.map((b) => ({ ...b, input: short(b.input) })),
    ...known,
  ];
  const apart = outputsApart(
    shorter,
    outputs.map((o) => ("node" in o ? { ...o, node: short(o.node) } : o)),
    inputBindings,
  );

  // Only what the gradients need: most of the forward step is often not among it.
  const last = new GraphBuilder(draft.name);
  const inputs = carried.map(({ input }) => short(input));
  const rest = [
    ...nexts.map(short),
    ...apart.outputs.flatMap((o) => ("node" in o ? [o.node] : [])),
  ];
  const copied = rebuild(shorter, last, () => null, [...rest, ...inputs]);
  const moved = (id: NodeId) => copied(short(id));
  const read = neededInputs(shorter, rest);
  const needed = new Set([...forward].filter((id) => !kept.has(id) && read.has(short(to(id)))));
  const target = (c: Carry): NodeId =>
    needed.has(c.input)
      ? moved(to(c.input))
      : last.input(`before.${c.name}`, bodyNode(r.body, c.input).shape);
  const replay = makeReplay(builder, node, needed, target, every, kept);

  const carries: Carry[] = carried.map(({ carry, input }, i) => ({
    name: `cotangent.${carry.name}`,
    init: finals.get(carry) ?? builder.fill(0, builder.shape(carry.init)),
    input: moved(input),
    next: moved(nexts[i]!),
  }));
  const results = builder.recurrence({
    body: last.finish(),
    reverse: true,
    batch: r.batch,
    time: r.time,
    carries,
    bindings: bindingsOf(inputBindings, read, copied),
    outputs: apart.outputs.map((o) => ("node" in o ? { ...o, node: copied(o.node) } : o)),
    replay,
  });
  return receivers.map((id, i): Contribution => [id, apart.values[i]!(builder, results)]);
}
