/** Puts chunkwise forms in the place of recurrences that have one; the others stay as they are. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { BATCH, constant, equal, product, TIME, type Shape } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId, type Recurrence } from "../../graph/index.ts";
import type { Carry, RecurrenceNode } from "../../graph/ir.ts";
import type { SequenceProgram } from "../../graph/program.ts";
import { reachable, rebuild } from "../../graph/rebuild.ts";
import { bodyNode } from "../../graph/shapes.ts";
import { simplifyProgram } from "../../graph/simplify.ts";
import {
  analyse,
  analyseTogether,
  asComponent,
  component,
  type NormalForm,
  type Order,
  type StateSet,
} from "../analyse/index.ts";
import { lift } from "../stage/lift.ts";
import { PER_BATCH, PER_TIME, SEQUENCE, SHARED, widen, type Lifted } from "../stage/variant.ts";
import { emitScan, isScan } from "../scan/index.ts";
import { emitChunks } from "./form.ts";

/**
 * Keys that a matrix mixes, and states side by side, at most. Products of p × p matrices within a chunk take about √C p³
 * multiplications per step, a step of a state with m values m p²: with more keys than these the time loop does less work.
 */
const MOST_MIXED = 8;

/** Rows that each have decays or rates of their own are chunked one by one: more of them are left to the time loop. */
const MOST_ROWS = 16;

export interface ChunkOptions {
  /** Steps per chunk. */
  readonly length: number;
  /** Also a scan where every element has a decay of its own, which a time loop does with less work; false by default. */
  readonly elementwise?: boolean;
}

/** Why a recurrence has no chunkwise form; null if it has one. */
export function obstacleToChunks(
  recurrence: Recurrence,
  sets: readonly StateSet[],
  options: Pick<ChunkOptions, "elementwise"> = {},
): string | null {
  const { batch, time, outputs, replay, reverse } = recurrence;
  if (reverse || replay !== null) return "it is an adjoint";
  if (!equal(batch, BATCH) || !equal(time, TIME)) return "it does not run along time";
  if (outputs.some((o) => o.kind !== "stack" && o.kind !== "final")) return "it keeps borders";
  const whole = wholeOf(recurrence, sets);
  if (typeof whole === "string") return whole;
  const { shape, form } = whole;
  const { keys, values, mixed } = form.layout;
  const size = (axes: readonly number[]): number =>
    constant(product(axes.map((a) => shape[a]!))) ?? Infinity;
  const element = keys.length === mixed.length && values.length === 0;
  if (element && form.decay.kind !== "none" && !(options.elementwise ?? false)) {
    return `every element has a ${mixed.length > 0 ? "matrix" : "decay"} of its own`;
  }
  if (size(mixed) > MOST_MIXED) return `products of ${size(mixed)} × ${size(mixed)} matrices cost more than steps`; // prettier-ignore
  const rows = size(form.rows);
  const alone = values.length === 0 && keys.length > 0 && !isScan(form);
  if (alone && rows > MOST_ROWS) return "too many rows have rates or decays of their own";
  const needed = reachable(form.graph, rootsOf(form));
  if (needed.some((n) => n.op === "random")) return "it draws random numbers";
  return null;
}

/** The states of a recurrence as one. */
interface Whole {
  readonly form: NormalForm;
  /** Of the one state. */
  readonly shape: Shape;
  /** How each state is laid out in the one; null if there is only one. */
  readonly layout: readonly Order[] | null;
  /** Nodes of the form for those of the body, as far as it needs them. */
  readonly copyOf: (id: NodeId) => NodeId | undefined;
}

/** The states of a recurrence as one, with the form of that one; or why there is none. */
function wholeOf(recurrence: Recurrence, sets: readonly StateSet[]): Whole | string {
  const { body, carries } = recurrence;
  const several = carries.length > 1;
  const together = several ? analyseTogether(recurrence) : null;
  const set = several ? together?.set : sets[0];
  if (set === undefined) {
    const reasons = sets.flatMap((s) => (s.form === null ? [s.reason] : []));
    return reasons[0] ?? "it has several states, which cannot be laid out as one";
  }
  if (set.form === null) return set.reason;
  if (set.unread !== null) return set.unread;
  if (together === null) {
    const { shape } = bodyNode(body, carries[0]!.input);
    return { form: set.form, shape, layout: null, copyOf: (id) => id };
  }
  const { joint } = together;
  const { shape } = bodyNode(joint.body, joint.input);
  return { form: set.form, shape, layout: joint.layout, copyOf: (id) => joint.copies.get(id) };
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
  readonly #form: NormalForm;
  readonly #values = new Map<NodeId, Lifted>();

  constructor(builder: GraphBuilder, recurrence: Recurrence, { form, copyOf }: Whole) {
    this.#builder = builder;
    this.#form = form;
    for (const x of recurrence.bindings) {
      const input = copyOf(x.input);
      if (input === undefined) continue;
      if (x.kind === "position") {
        this.#values.set(input, { ...PER_TIME, node: builder.iota(TIME, "int") });
        continue;
      }
      const variant = x.kind === "sequence" ? SEQUENCE : x.kind === "batch" ? PER_BATCH : SHARED;
      this.#values.set(input, { ...variant, node: x.value });
    }
  }

  give(id: NodeId, node: NodeId): void {
    this.#values.set(id, { ...SEQUENCE, node });
  }

  #at = (id: NodeId): Lifted => {
    const found = this.#values.get(id);
    if (found === undefined) throw new InternalError(`node ${id} of the form is not lifted`);
    return found;
  };

  /** A node of the form for all sequences and steps, `[batch, time, s…]`. */
  sequence = (id: NodeId): NodeId => {
    for (const node of reachable(this.#form.graph, [id])) {
      if (this.#values.has(node.id)) continue;
      this.#builder.origin = node.origin;
      this.#values.set(node.id, lift(this.#builder, node, this.#at));
    }
    this.#builder.origin = null;
    return widen(this.#builder, this.#at(id), SEQUENCE);
  };
}

/** The state before the first step. After the batch, a joint state has the axis of its components. */
function firstState(
  builder: GraphBuilder,
  carries: readonly Carry[],
  layout: readonly Order[] | null,
): NodeId {
  if (layout === null) return carries[0]!.init;
  const parts = carries.map((c, i) => asComponent(builder, c.init, layout[i]!, 1));
  return algebra.concat(builder, parts, 1);
}

/** The outputs of a recurrence, in order, from its chunkwise form. */
function replace(
  builder: GraphBuilder,
  { recurrence, origin }: RecurrenceNode,
  whole: Whole,
  length: number,
): NodeId[] {
  const { form, shape } = whole;
  const { layout } = form;
  const { carries } = recurrence;
  const axes = [...layout.batch, ...layout.values, ...layout.keys];
  const init = firstState(builder, carries, whole.layout);
  const turned = algebra.transpose(builder, init, [0, ...axes.map((a) => a + 1)]);
  const steps = new Replacement(builder, recurrence, whole);
  const inOutputs = reachable(form.graph, form.outputs.values());
  builder.origin = origin;
  // Numbers of its own for every element: products of keys would be one table each.
  const emit = isScan(form) && layout.values.length === 0 ? emitScan : emitChunks;
  const results = emit(builder, {
    form,
    length,
    batch: BATCH,
    time: TIME,
    init: algebra.reshape(builder, turned, [BATCH, layout.heads, layout.m, layout.n]),
    sequence: steps.sequence,
    wanted: new Set(inOutputs.map((n) => n.id)),
    name: carries.map((c) => c.name).join(", "),
  });
  for (const [id, value] of results.reads) steps.give(id, value);
  const split = axes.map((a) => shape[a]!);
  const back = shape.map((_, a) => axes.indexOf(a) + 1);
  const final = algebra.transpose(
    builder,
    algebra.reshape(builder, results.final, [BATCH, ...split]),
    [0, ...back],
  );
  return recurrence.outputs.map((o) => {
    if ("node" in o) return steps.sequence(form.outputs.get(whole.copyOf(o.node)!)!);
    if (whole.layout === null || o.kind !== "final") return final;
    return component(builder, final, o.carry, whole.layout[o.carry]!, 1);
  });
}

export interface Chunked {
  readonly program: SequenceProgram;
  /** Per recurrence of the program that was given, in order: why it has stayed as it was, or null if it has not. */
  readonly kept: readonly (string | null)[];
}

/** The program with a loop over chunks for every recurrence that has a chunkwise form. Sizes must have their numbers. */
export function chunk(program: SequenceProgram, options: ChunkOptions): Chunked {
  const builder = new GraphBuilder(program.graph.name);
  const kept: (string | null)[] = [];
  const replaced = new Map<NodeId, readonly NodeId[]>();
  const to = rebuild(program.graph, builder, (node, at) => {
    if (node.op === "result") return replaced.get(node.of)?.[node.index] ?? null;
    if (node.op !== "recurrence") return null;
    const sets = analyse(node.recurrence);
    const obstacle = obstacleToChunks(node.recurrence, sets, options);
    kept.push(obstacle);
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
    const whole = wholeOf(recurrence, sets);
    if (typeof whole === "string") throw new InternalError(whole);
    const results = replace(builder, mapped, whole, options.length);
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
