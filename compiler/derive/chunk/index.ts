/** Puts chunkwise forms in the place of recurrences that have one; the others stay as they are. */
import { BATCH, TIME } from "../../dims.ts";
import { algebra, GraphBuilder, type NodeId, type Recurrence } from "../../graph/index.ts";
import type { Carry, RecurrenceNode } from "../../graph/ir.ts";
import type { SequenceProgram } from "../../graph/program.ts";
import { rebuildProgram } from "../../graph/rebuild.ts";
import { simplifyProgram } from "../../graph/simplify.ts";
import {
  analyse,
  asComponent,
  component,
  type NormalForm,
  type StateSet,
} from "../analyse/index.ts";
import { arrangeMemories } from "../merge/index.ts";
import { emitScan, isScan } from "../scan/index.ts";
import { Sequences } from "../stage/sequences.ts";
import { emitChunks } from "./form.ts";
import { readLevels } from "./levels.ts";
import { planOf, testWith, type ChunkPlan, type Part, type PlanOptions } from "./plan.ts";
import type { ChunkResults } from "./steps.ts";

export interface ChunkOptions extends PlanOptions {
  /** Steps per chunk; of each recurrence, by its place in the program, null for one that stays as it is. */
  readonly length: number | ((place: number) => number | null);
}

/** Why a recurrence has no chunkwise form; null if it has one. */
export function obstacleToChunks(
  recurrence: Recurrence,
  sets: readonly StateSet[],
  options: PlanOptions = {},
): string | null {
  const plan = planOf(recurrence, sets, options);
  return typeof plan === "string" ? plan : null;
}

/**
 * Whether the form is a scan. Where every element has numbers of its own, products of keys would be one table each.
 */
const scans = (form: NormalForm): boolean => isScan(form) && form.layout.values.length === 0;

/** What a recurrence that has a chunkwise form becomes; null if it has none. */
export function chunkedAs(
  recurrence: Recurrence,
  sets: readonly StateSet[],
  options: PlanOptions = {},
): "chunk" | "scan" | null {
  const plan = planOf(recurrence, sets, options);
  if (typeof plan === "string") return null;
  return plan.parts.every((part) => scans(part.form)) ? "scan" : "chunk";
}

/** The state before the first step. After the batch, one of several states has the axis of its components. */
function firstState(b: GraphBuilder, carries: readonly Carry[], { layout, ...part }: Part): NodeId {
  const inits = part.carries.map((i) => carries[i]!.init);
  if (layout === null) return inits[0]!;
  return algebra.concat(b, inits.map((x, i) => asComponent(b, x, layout[i]!, 1)), 1); // prettier-ignore
}

/** One part of a plan by chunks; `steps` has and takes values of all of them. */
function start(
  builder: GraphBuilder,
  { carries }: Recurrence,
  part: Part,
  steps: Sequences,
  levels: readonly ReadonlySet<NodeId>[],
  length: number,
): ChunkResults {
  const { form, shape } = part;
  const { layout } = form;
  const reads = [...form.reads, ...form.crossReads];
  const axes = [...layout.batch, ...layout.values, ...layout.keys];
  const first = firstState(builder, carries, part);
  const turned = algebra.transpose(builder, first, [0, ...axes.map((a) => a + 1)]);
  const emit = scans(form) ? emitScan : emitChunks;
  const results = emit(builder, {
    form,
    length,
    batch: BATCH,
    time: TIME,
    init: algebra.reshape(builder, turned, [BATCH, layout.heads, layout.m, layout.n]),
    sequence: steps.of,
    wanted: levels[0] ?? new Set(),
    later: levels.slice(1).some((level) => reads.some((r) => level.has(r.node))),
    give: steps.give,
    name: part.carries.map((i) => carries[i]!.name).join(", "),
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
  plan: ChunkPlan,
  length: number,
): NodeId[] {
  const { parts, outputs } = plan;
  const steps = new Sequences(builder, plan.graph, recurrence.bindings, plan.copyOf);
  builder.origin = origin;
  const levels = readLevels(parts.map((p) => p.form), outputs.values()); // prettier-ignore
  const made = parts.map((part) => start(builder, recurrence, part, steps, levels, length));
  for (const level of levels.slice(1)) for (const results of made) results.answer(level);
  const finals = new Map<number, NodeId>();
  parts.forEach(({ carries, layout }, p) => {
    const { final } = made[p]!;
    carries.forEach((carry, i) => {
      finals.set(carry, layout === null ? final : component(builder, final, i, layout[i]!, 1));
    });
  });
  return recurrence.outputs.map((o) =>
    "node" in o ? steps.of(outputs.get(o.node)!) : finals.get(o.carry)!,
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
  const { length } = options;
  const lengthAt = (place: number): number | null =>
    typeof length === "number" ? length : length(place);
  const { program, origins } = arrangeMemories(staged, isChunked, lengthAt);
  const builder = new GraphBuilder(program.graph.name);
  const kept: (string | null)[] = [];
  const replaced = new Map<NodeId, readonly NodeId[]>();
  const made = rebuildProgram(program, builder, (node, at) => {
    if (node.op === "result") return replaced.get(node.of)?.[node.index] ?? null;
    if (node.op !== "recurrence") return null;
    const places = origins.get(node.id)!;
    const own = lengthAt(places[0]!);
    if (own === null) {
      for (const i of places) kept[i] = "nothing was asked for";
      return null;
    }
    const sets = analyse(node.recurrence);
    const plan = planOf(node.recurrence, sets, options);
    for (const i of places) kept[i] = typeof plan === "string" ? plan : null;
    if (typeof plan === "string") return null;
    const { recurrence } = node;
    const mapped: RecurrenceNode = {
      ...node,
      recurrence: {
        ...recurrence,
        carries: recurrence.carries.map((c) => ({ ...c, init: at(c.init) })),
        bindings: recurrence.bindings.map((x) => "value" in x ? { ...x, value: at(x.value) } : x), // prettier-ignore
      },
    };
    const results = replace(builder, mapped, plan, own);
    replaced.set(node.id, results);
    return results[0]!;
  });
  return { program: simplifyProgram(made), kept };
}
