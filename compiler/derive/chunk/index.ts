/** Puts chunkwise forms in the place of recurrences that have one; the others stay as they are. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { BATCH, constant, equal, product, TIME, type Shape } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId, type Recurrence } from "../../graph/index.ts";
import type { Graph, RecurrenceNode } from "../../graph/ir.ts";
import type { SequenceProgram } from "../../graph/program.ts";
import { reachable, rebuild } from "../../graph/rebuild.ts";
import { bodyNode } from "../../graph/shapes.ts";
import { simplifyProgram } from "../../graph/simplify.ts";
import { analyse, type NormalForm, type StateSet } from "../analyse/index.ts";
import { lift } from "../stage/lift.ts";
import { PER_BATCH, PER_TIME, SEQUENCE, SHARED, widen, type Lifted } from "../stage/variant.ts";
import { chainOf, type Link } from "../merge/chain.ts";
import { arrangeMemories } from "../merge/index.ts";
import type { Test } from "../merge/replaced.ts";
import { emitScan, isScan } from "../scan/index.ts";
import { emitChunks } from "./form.ts";
import { readLevels } from "./levels.ts";
import { whyShared } from "./shared.ts";
import type { ChunkResults } from "./steps.ts";

/** Rows that each have decays or rates of their own are chunked one by one: more of them are left to the time loop. */
const MOST_ROWS = 16;

export interface ChunkOptions {
  /** Steps per chunk. */
  readonly length: number;
  /** Also a scan where every element has a decay of its own, which a time loop does with less work; false by default. */
  readonly elementwise?: boolean;
}

const testWith =
  (options: Pick<ChunkOptions, "elementwise">): Test =>
  (recurrence, sets) =>
    obstacleToChunks(recurrence, sets, options) === null;

/** Why a recurrence has no chunkwise form; null if it has one. */
export function obstacleToChunks(
  recurrence: Recurrence,
  sets: readonly StateSet[],
  options: Pick<ChunkOptions, "elementwise"> = {},
): string | null {
  const { batch, time, outputs, carries, replay, reverse } = recurrence;
  if (reverse || replay !== null) return "it is an adjoint";
  if (!equal(batch, BATCH) || !equal(time, TIME)) return "it does not run along time";
  if (outputs.some((o) => o.kind !== "stack" && o.kind !== "final")) return "it keeps borders";
  const [set] = sets;
  if (carries.length !== 1 || set === undefined) {
    const chain = chainOf(recurrence, sets, testWith(options));
    if (chain !== null && (chain.isSequence || chain.isParallel)) return null;
    return whyShared(recurrence, sets, (one) => {
      const alone = { ...recurrence, carries: one.carries.map((i) => carries[i]!) };
      return obstacleToChunks(alone, [one], options);
    });
  }
  const { form } = set;
  if (form === null) return set.reason;
  if (set.unread !== null) return set.unread;
  if (readsWhole(recurrence, form)) return "the whole state is needed";
  const element = form.layout.keys.length === 0 && form.layout.values.length === 0;
  if (element && form.decay.kind !== "none" && !(options.elementwise ?? false)) {
    return "every element has a decay of its own";
  }
  const shape = bodyNode(recurrence.body, carries[0]!.input).shape;
  const own = form.layout.batch.filter((a) => !form.spread.written.includes(a));
  const rows = elements(own.map((a) => shape[a]!));
  const alone = form.layout.values.length === 0 && form.layout.keys.length > 0;
  if (alone && rows > MOST_ROWS)
    return "too many rows have rates, decays or questions of their own";
  const needed = reachable(form.graph, rootsOf(form));
  if (needed.some((n) => n.op === "random")) return "it draws random numbers";
  return null;
}

const elements = (shape: Shape): number => constant(product(shape)) ?? Infinity;

/**
 * Whether some read is all of the state, and nothing as large enters or leaves the loop: as a sequence, one state per step,
 * it would fill the memory.
 */
function readsWhole({ body, bindings, outputs }: Recurrence, form: NormalForm): boolean {
  const { values, keys, heads, m, n } = form.layout;
  const needed = new Set(readLevels([form], form.outputs.values()).flatMap((level) => [...level]));
  const asks = (reads: readonly { readonly node: NodeId }[]) =>
    reads.some((r) => needed.has(r.node));
  const whole = (keys.length === 0 && asks(form.reads)) || (values.length === 0 && asks(form.crossReads)); // prettier-ignore
  if (!whole) return false;
  const entering = bindings.flatMap((x) => (x.kind === "sequence" ? [x.input] : []));
  const leaving = outputs.flatMap((o) => ("node" in o ? [o.node] : []));
  const sizes = [...entering, ...leaving].map((id) => elements(bodyNode(body, id).shape));
  return elements([heads, m, n]) > Math.max(1, ...sizes);
}

/** Nodes of the form that are computed for all steps at once. */
function rootsOf(form: NormalForm): NodeId[] {
  return [
    ...form.reads.map((r) => r.key),
    ...form.crossReads.map((r) => r.key),
    ...form.writes.flatMap((w) => [
      w.key,
      ...(w.constant === null ? [] : [w.constant]),
      ...w.from.map((f) => f.factor),
    ]),
    ...(form.decay.kind === "none" ? [] : [form.decay.factor]),
    ...form.outputs.values(),
  ];
}

class Replacement {
  readonly #builder: GraphBuilder;
  readonly #graph: Graph;
  readonly #values = new Map<NodeId, Lifted>();

  constructor(builder: GraphBuilder, recurrence: Recurrence, graph: Graph) {
    this.#builder = builder;
    this.#graph = graph;
    for (const x of recurrence.bindings) {
      if (x.kind === "position") {
        this.#values.set(x.input, { ...PER_TIME, node: builder.iota(TIME, "int") });
        continue;
      }
      const variant = x.kind === "sequence" ? SEQUENCE : x.kind === "batch" ? PER_BATCH : SHARED;
      this.#values.set(x.input, { ...variant, node: x.value });
    }
  }

  give = (id: NodeId, node: NodeId): void => {
    this.#values.set(id, { ...SEQUENCE, node });
  };

  #at = (id: NodeId): Lifted => {
    const found = this.#values.get(id);
    if (found === undefined) throw new InternalError(`node ${id} of the form is not lifted`);
    return found;
  };

  /** A node of the form for all sequences and steps, `[batch, time, s…]`. */
  sequence = (id: NodeId): NodeId => {
    for (const node of reachable(this.#graph, [id])) {
      if (this.#values.has(node.id)) continue;
      this.#builder.origin = node.origin;
      this.#values.set(node.id, lift(this.#builder, node, this.#at));
    }
    this.#builder.origin = null;
    return widen(this.#builder, this.#at(id), SEQUENCE);
  };
}

/** One state of a recurrence by chunks; `steps` has and takes values of all of them. */
function start(
  builder: GraphBuilder,
  { body, carries }: Recurrence,
  { carry, form }: Pick<Link, "carry" | "form">,
  steps: Replacement,
  levels: readonly ReadonlySet<NodeId>[],
  length: number,
): ChunkResults {
  const { layout } = form;
  const reads = [...form.reads, ...form.crossReads];
  const state = carries[carry]!;
  const axes = [...layout.batch, ...layout.values, ...layout.keys];
  const shape = bodyNode(body, state.input).shape;
  const turned = algebra.transpose(builder, state.init, [0, ...axes.map((a) => a + 1)]);
  const init = algebra.reshape(builder, turned, [BATCH, layout.heads, layout.m, layout.n]);
  // Numbers of its own for every element: products of keys would be one table each.
  const emit = isScan(form) && layout.values.length === 0 ? emitScan : emitChunks;
  const results = emit(builder, {
    form,
    length,
    batch: BATCH,
    time: TIME,
    init,
    sequence: steps.sequence,
    wanted: levels[0] ?? new Set(),
    later: levels.slice(1).some((level) => reads.some((r) => level.has(r.node))),
    give: steps.give,
    name: state.name,
  });
  const split = axes.map((a) => shape[a]!);
  const back = shape.map((_, a) => axes.indexOf(a) + 1);
  const last = algebra.reshape(builder, results.final, [BATCH, ...split]);
  return { ...results, final: algebra.transpose(builder, last, [0, ...back]) };
}

/** The outputs of a recurrence, in order, from the chunkwise forms of its states. */
function replace(
  builder: GraphBuilder,
  { recurrence, origin }: RecurrenceNode,
  links: readonly Pick<Link, "carry" | "form">[],
  length: number,
): NodeId[] {
  const { outputs, graph } = links[0]!.form;
  const steps = new Replacement(builder, recurrence, graph);
  builder.origin = origin;
  const levels = readLevels(links.map((l) => l.form), outputs.values()); // prettier-ignore
  const parts = links.map((link) => start(builder, recurrence, link, steps, levels, length));
  for (const level of levels.slice(1)) for (const part of parts) part.answer(level);
  const finals = new Map(links.map((l, i) => [l.carry, parts[i]!.final]));
  return recurrence.outputs.map((o) =>
    "node" in o ? steps.sequence(outputs.get(o.node)!) : finals.get(o.carry)!,
  );
}

export interface Chunked {
  readonly program: SequenceProgram;
  /** Per recurrence of the program that was given, in order: why it has stayed as it was, or null if it has not. */
  readonly kept: readonly (string | null)[];
}

/** The program with a loop over chunks for every recurrence that has a chunkwise form. Sizes must have their numbers. */
export function chunk(staged: SequenceProgram, options: ChunkOptions): Chunked {
  const isChunked = testWith(options);
  const { program, origins } = arrangeMemories(staged, isChunked);
  const builder = new GraphBuilder(program.graph.name);
  const kept: (string | null)[] = [];
  const replaced = new Map<NodeId, readonly NodeId[]>();
  const to = rebuild(program.graph, builder, (node, at) => {
    if (node.op === "result") return replaced.get(node.of)?.[node.index] ?? null;
    if (node.op !== "recurrence") return null;
    const sets = analyse(node.recurrence);
    const obstacle = obstacleToChunks(node.recurrence, sets, options);
    for (const i of origins.get(node.id)!) kept[i] = obstacle;
    if (obstacle !== null) return null;
    const { recurrence } = node;
    const mapped: RecurrenceNode = {
      ...node,
      recurrence: {
        ...recurrence,
        carries: recurrence.carries.map((c) => ({ ...c, init: at(c.init) })),
        bindings: recurrence.bindings.map((x) => "value" in x ? { ...x, value: at(x.value) } : x), // prettier-ignore
      },
    };
    const links =
      sets.length === 1
        ? [{ carry: 0, form: sets[0]!.form! }]
        : chainOf(recurrence, sets, isChunked)!.links;
    const results = replace(builder, mapped, links, options.length);
    replaced.set(node.id, results);
    return results[0]!;
  });
  for (const { name, node } of program.graph.outputs) builder.output(name, to(node));
  return {
    program: simplifyProgram({
      ...program,
      graph: builder.finish(),
      inputs: program.inputs.map((p) => ({ ...p, node: to(p.node) })),
      outputs: program.outputs.map((p) => ({ ...p, node: to(p.node) })),
    }),
    kept,
  };
}
