/** Normal forms for the states of one recurrence that do not depend on each other in a circle, in one graph. */
import type { NodeId } from "../../graph/index.ts";
import type { Recurrence } from "../../graph/ir.ts";
import { reachable } from "../../graph/rebuild.ts";
import {
  analyse,
  feedingReads,
  mapForm,
  nodesOf,
  type NormalForm,
  type StateSet,
} from "../analyse/index.ts";
import type { Test } from "./replaced.ts";

/** A state of the recurrence, as if it were the only one. */
export interface Link {
  readonly carry: number;
  readonly recurrence: Recurrence;
  readonly form: NormalForm;
}

export interface Chain {
  readonly links: readonly Link[];
  /** Whether each needs answers of those before it only. */
  readonly isSequence: boolean;
  /** Whether none needs answers to become what it becomes; its readers may need answers of all. */
  readonly isParallel: boolean;
}

/** The nodes of a form that the new state depends on. */
function loopRootsOf(form: NormalForm): NodeId[] {
  const feeding = new Set(feedingReads(form));
  return nodesOf({ ...form, reads: form.reads.filter((_, i) => feeding.has(i)), crossReads: [] });
}

/**
 * The states in an order in which each reads only those before it. The last one comes first out of the step: what its form
 * needs of the others is then an output of theirs. Null if one of them could not be run by chunks.
 */
export function chainOf(
  recurrence: Recurrence,
  sets: readonly StateSet[],
  isChunked: Test,
): Chain | null {
  if (sets.some((set) => set.carries.length > 1 || set.form === null)) return null;
  let { body } = recurrence;
  const outputs = recurrence.outputs.flatMap((o) => ("node" in o ? [o.node] : []));
  let current = new Map(outputs.map((id) => [id, id]));
  let links: Link[] = [];
  for (const set of sets.toReversed()) {
    const wanted = new Set([...current.values(), ...links.flatMap((l) => nodesOf(l.form))]);
    const one: Recurrence = {
      ...recurrence,
      body,
      carries: set.carries.map((i) => recurrence.carries[i]!),
      outputs: [...wanted].map((node) => ({ kind: "stack", node })),
    };
    const [found] = analyse(one);
    if (found === undefined || found.form === null || !isChunked(one, [found])) return null;
    const { form } = found;
    const to = (id: NodeId): NodeId => form.outputs.get(id)!;
    body = form.graph;
    current = new Map([...current].map(([id, at]) => [id, to(at)]));
    links = [
      { carry: set.carries[0]!, recurrence: one, form },
      ...links.map((l) => ({ ...l, form: mapForm(l.form, to) })),
    ];
  }
  const whole = links.map((l, i) => {
    // What later states need of this one counts as its output.
    const later = links.slice(i + 1).flatMap((other) => nodesOf(other.form));
    const outputs = new Map([...later.map((id) => [id, id] as const), ...current]);
    return { ...l, form: { ...l.form, graph: body, outputs } };
  });
  const answers = (list: readonly Link[]) =>
    new Set(list.flatMap((l) => [...l.form.reads, ...l.form.crossReads]).map((r) => r.node));
  const needs = (roots: readonly NodeId[], reads: ReadonlySet<NodeId>): boolean =>
    reachable(body, roots).some((n) => reads.has(n.id));
  return {
    links: whole,
    isSequence: whole.every((l, i) => !needs(nodesOf(l.form), answers(whole.slice(i)))),
    isParallel: whole.every((l) => !needs(loopRootsOf(l.form), answers(whole))),
  };
}
