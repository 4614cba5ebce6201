/** Whether a recurrence can be run by chunks, and as what: each state for itself, or all side by side as one. */
import { BATCH, constant, equal, product, TIME, type Shape } from "../../dims.ts";
import type { NodeId, Recurrence } from "../../graph/index.ts";
import type { Graph } from "../../graph/ir.ts";
import { reachable } from "../../graph/rebuild.ts";
import { bodyNode } from "../../graph/shapes.ts";
import {
  analyseTogether,
  nodesOf,
  type NormalForm,
  type Order,
  type StateSet,
} from "../analyse/index.ts";
import { chainOf } from "../merge/chain.ts";
import type { Test } from "../merge/replaced.ts";
import { isScan } from "../scan/index.ts";
import { readLevels } from "./levels.ts";
import { whyShared } from "./shared.ts";

/**
 * Keys that a matrix mixes, and states side by side, at most. Products of p × p matrices within a chunk take about √C p³
 * multiplications per step, a step of a state with m values m p²: with more keys than these the time loop does less work.
 */
const MOST_MIXED = 8;

/** Rows that each have decays or rates of their own are chunked one by one: more of them are left to the time loop. */
const MOST_ROWS = 16;

export interface PlanOptions {
  /** Also a scan where every element has a decay of its own, which a time loop does with less work; false by default. */
  readonly elementwise?: boolean;
}

/** What is run as one state: a state of the recurrence, or several side by side. */
export interface Part {
  readonly carries: readonly number[];
  readonly form: NormalForm;
  /** Of the one state. */
  readonly shape: Shape;
  /** How each of several states is laid out in the one; null if there is only one. */
  readonly layout: readonly Order[] | null;
}

export interface ChunkPlan {
  /** Their forms share `graph`. */
  readonly parts: readonly Part[];
  readonly graph: Graph;
  /** For body nodes that leave the loop: an equal node of `graph` that needs only reads of the states. */
  readonly outputs: ReadonlyMap<NodeId, NodeId>;
  /** The node of `graph` for one of the body, if it needs it. */
  readonly copyOf: (id: NodeId) => NodeId | undefined;
}

export const testWith =
  (options: PlanOptions): Test =>
  (recurrence, sets) =>
    typeof planOf(recurrence, sets, options) !== "string";

/** The plan, or why there is none: a sentence's end, as in "kept, since …". */
export function planOf(
  recurrence: Recurrence,
  sets: readonly StateSet[],
  options: PlanOptions = {},
): ChunkPlan | string {
  const { batch, time, outputs, carries, replay, reverse } = recurrence;
  if (reverse || replay !== null) return "it is an adjoint";
  if (!equal(batch, BATCH) || !equal(time, TIME)) return "it does not run along time";
  if (outputs.some((o) => o.kind !== "stack" && o.kind !== "final")) return "it keeps borders";
  if (carries.length === 1) return alone(recurrence, sets[0]!, options);
  const chain = chainOf(recurrence, sets, testWith(options));
  if (chain !== null && (chain.isSequence || chain.isParallel)) {
    const parts = chain.links.map(({ carry, form }): Part => {
      const { shape } = bodyNode(recurrence.body, carries[carry]!.input);
      return { carries: [carry], form, shape, layout: null };
    });
    const { graph, outputs: known } = parts[0]!.form;
    return { parts, graph, outputs: known, copyOf: (id) => id };
  }
  const together = sideBySide(recurrence, options);
  if (typeof together !== "string") return together;
  if (sets.length === 1) return sets[0]!.form === null ? sets[0]!.reason : together;
  return whyShared(recurrence, sets, (one) => {
    const left = { ...recurrence, carries: one.carries.map((i) => carries[i]!) };
    const found = planOf(left, [one], options);
    return typeof found === "string" ? found : null;
  });
}

function alone(recurrence: Recurrence, set: StateSet, options: PlanOptions): ChunkPlan | string {
  const { form } = set;
  if (form === null) return set.reason;
  if (set.unread !== null) return set.unread;
  const { shape } = bodyNode(recurrence.body, recurrence.carries[0]!.input);
  const part: Part = { carries: [0], form, shape, layout: null };
  const { graph, outputs } = form;
  return obstacleTo(recurrence, part, options) ?? { parts: [part], graph, outputs, copyOf: (id) => id }; // prettier-ignore
}

/** All states of the recurrence as one. */
function sideBySide(recurrence: Recurrence, options: PlanOptions): ChunkPlan | string {
  const together = analyseTogether(recurrence);
  if (together === null) return "it has several states, which cannot be laid out as one";
  const { joint, set } = together;
  const { form } = set;
  if (form === null) return set.reason;
  if (set.unread !== null) return set.unread;
  const { shape } = bodyNode(joint.body, joint.input);
  const part: Part = { carries: set.carries, form, shape, layout: joint.layout };
  const { graph } = form;
  const copyOf = (id: NodeId): NodeId | undefined => joint.copies.get(id);
  const outputs = new Map(
    recurrence.outputs.flatMap((o) => "node" in o ? [[o.node, form.outputs.get(copyOf(o.node)!)!] as const] : []), // prettier-ignore
  );
  return obstacleTo(recurrence, part, options) ?? { parts: [part], graph, outputs, copyOf };
}

function obstacleTo(
  recurrence: Recurrence,
  { form, shape }: Part,
  { elementwise = false }: PlanOptions,
): string | null {
  const { keys, values, batch, mixed } = form.layout;
  const size = (axes: readonly number[]): number => elements(axes.map((a) => shape[a]!));
  if (readsWhole(recurrence, form)) return "the whole state is needed";
  const element = keys.length === mixed.length && values.length === 0;
  if (element && form.decay.kind !== "none" && !elementwise) {
    return `every element has a ${mixed.length > 0 ? "matrix" : "decay"} of its own`;
  }
  if (size(mixed) > MOST_MIXED) return `products of ${size(mixed)} × ${size(mixed)} matrices cost more than steps`; // prettier-ignore
  const rows = size(batch.filter((a) => !form.spread.written.includes(a)));
  const apart = values.length === 0 && keys.length > 0 && !isScan(form);
  if (apart && rows > MOST_ROWS)
    return "too many rows have rates, decays or questions of their own";
  const needed = reachable(form.graph, [...nodesOf(form), ...form.outputs.values()]);
  if (needed.some((n) => n.op === "random")) return "it draws random numbers";
  return null;
}

const elements = (shape: Shape): number => constant(product(shape)) ?? Infinity;

/**
 * Whether some read is all of the state, and nothing as large enters or leaves the loop: as a sequence, one state per step,
 * it would fill the memory.
 */
function readsWhole({ body, bindings, outputs }: Recurrence, form: NormalForm): boolean {
  const { values, keys, mixed, heads, m, n } = form.layout;
  const needed = new Set(readLevels([form], form.outputs.values()).flatMap((level) => [...level]));
  const asks = (reads: readonly { readonly node: NodeId }[]) =>
    reads.some((r) => needed.has(r.node));
  const rows = keys.length === mixed.length && asks(form.reads) ? elements([heads, m]) : 0;
  const columns = values.length === 0 && asks(form.crossReads) ? elements([heads, n]) : 0;
  const entering = bindings.flatMap((x) => (x.kind === "sequence" ? [x.input] : []));
  const leaving = outputs.flatMap((o) => ("node" in o ? [o.node] : []));
  const sizes = [...entering, ...leaving].map((id) => elements(bodyNode(body, id).shape));
  return Math.max(rows, columns) > Math.max(1, ...sizes);
}
