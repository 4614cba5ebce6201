/** Puts chunkwise forms in the place of recurrences that have one; the others stay as they are. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { BATCH, constant, equal, product, TIME } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId, type Recurrence } from "../../graph/index.ts";
import type { RecurrenceNode } from "../../graph/ir.ts";
import type { SequenceProgram } from "../../graph/program.ts";
import { reachable, rebuild } from "../../graph/rebuild.ts";
import { bodyNode } from "../../graph/shapes.ts";
import { simplifyProgram } from "../../graph/simplify.ts";
import { analyse, type NormalForm, type StateSet } from "../analyse/index.ts";
import { lift } from "../stage/lift.ts";
import { PER_BATCH, PER_TIME, SEQUENCE, SHARED, widen, type Lifted } from "../stage/variant.ts";
import { emitScan, isScan } from "../scan/index.ts";
import { emitChunks } from "./form.ts";

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
  const { batch, time, outputs, carries, replay, reverse } = recurrence;
  if (reverse || replay !== null) return "it is an adjoint";
  if (!equal(batch, BATCH) || !equal(time, TIME)) return "it does not run along time";
  if (outputs.some((o) => o.kind !== "stack" && o.kind !== "final")) return "it keeps borders";
  const [set] = sets;
  if (carries.length !== 1 || set === undefined) return "it has several states";
  const { form } = set;
  if (form === null) return set.reason;
  if (set.unread !== null) return set.unread;
  const element = form.layout.keys.length === 0 && form.layout.values.length === 0;
  if (element && form.decay.kind !== "none" && !(options.elementwise ?? false)) {
    return "every element has a decay of its own";
  }
  const shape = bodyNode(recurrence.body, carries[0]!.input).shape;
  const rows = constant(product(form.rows.map((a) => shape[a]!))) ?? Infinity;
  const alone = form.layout.values.length === 0 && form.layout.keys.length > 0;
  if (alone && rows > MOST_ROWS) return "too many rows have rates or decays of their own";
  const needed = reachable(form.graph, rootsOf(form));
  if (needed.some((n) => n.op === "random")) return "it draws random numbers";
  return null;
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

  constructor(builder: GraphBuilder, recurrence: Recurrence, form: NormalForm) {
    this.#builder = builder;
    this.#form = form;
    for (const x of recurrence.bindings) {
      if (x.kind === "position") {
        this.#values.set(x.input, { ...PER_TIME, node: builder.iota(TIME, "int") });
        continue;
      }
      const variant = x.kind === "sequence" ? SEQUENCE : x.kind === "batch" ? PER_BATCH : SHARED;
      this.#values.set(x.input, { ...variant, node: x.value });
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

/** The outputs of a recurrence, in order, from its chunkwise form. */
function replace(
  builder: GraphBuilder,
  { recurrence, origin }: RecurrenceNode,
  form: NormalForm,
  length: number,
): NodeId[] {
  const { layout } = form;
  const state = recurrence.carries[0]!;
  const axes = [...layout.batch, ...layout.values, ...layout.keys];
  const shape = bodyNode(recurrence.body, state.input).shape;
  const turned = algebra.transpose(builder, state.init, [0, ...axes.map((a) => a + 1)]);
  const init = algebra.reshape(builder, turned, [BATCH, layout.heads, layout.m, layout.n]);
  const steps = new Replacement(builder, recurrence, form);
  const inOutputs = reachable(form.graph, form.outputs.values());
  builder.origin = origin;
  // Numbers of its own for every element: products of keys would be one table each.
  const emit = isScan(form) && layout.values.length === 0 ? emitScan : emitChunks;
  const results = emit(builder, {
    form,
    length,
    batch: BATCH,
    time: TIME,
    init,
    sequence: steps.sequence,
    wanted: new Set(inOutputs.map((n) => n.id)),
    name: state.name,
  });
  for (const [id, value] of results.reads) steps.give(id, value);
  const split = axes.map((a) => shape[a]!);
  const back = shape.map((_, a) => axes.indexOf(a) + 1);
  const final = algebra.transpose(
    builder,
    algebra.reshape(builder, results.final, [BATCH, ...split]),
    [0, ...back],
  );
  return recurrence.outputs.map((o) =>
    "node" in o ? steps.sequence(form.outputs.get(o.node)!) : final,
  );
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
    const results = replace(builder, mapped, sets[0]!.form!, options.length);
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
