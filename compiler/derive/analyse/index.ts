/**
 * Recurrence analysis: which states depend on each other, whether the new ones are affine in the old, and if so what the
 * old ones are multiplied by. By algebra on the step; names play no part.
 */
import type { Graph, NodeId, Recurrence } from "../../graph/ir.ts";
import { reachable } from "../../graph/rebuild.ts";
import { components } from "../stage/components.ts";
import { classOf, reasonOf, sideOf, type ClassName } from "./classify.ts";
import { degrees, shortestObstacle } from "./degree.ts";
import type { NormalForm } from "./form.ts";
import { Normaliser } from "./normal.ts";
import { isTwoSided } from "./sides.ts";
import { Inexpressible } from "./terms.ts";

export type { ClassName } from "./classify.ts";
export { feedingReads } from "./classify.ts";
export type * from "./form.ts";

/** States that depend on each other through time. */
export interface StateSet {
  /** Indices of the recurrence's carries. */
  readonly carries: readonly number[];
  readonly class: ClassName;
  /** The side of the state on which the transition acts, seen from its readers. */
  readonly side: "key" | "value";
  readonly reason: string;
  /** Of a nonlinear set: body nodes from an old state over what makes it so to a new state. */
  readonly obstacle: readonly NodeId[] | null;
  /** Null where there is none; its outputs are empty where `unread` says why they cannot be had from reads. */
  readonly form: NormalForm | null;
  readonly unread: string | null;
}

/** The body nodes whose values leave the loop at every step. */
export function leaving(recurrence: Recurrence): NodeId[] {
  return [...new Set(recurrence.outputs.flatMap((o) => ("node" in o ? [o.node] : [])))];
}

/** Sets of carries, each after those whose states it reads. */
function stateSets({ body, carries }: Recurrence): number[][] {
  const reads = carries.map((c) => {
    const live = new Set(reachable(body, [c.next]).map((n) => n.id));
    return carries.flatMap((other, i) => (live.has(other.input) ? [i] : []));
  });
  return components(carries.length, (i) => reads[i]!).map((set) => set.sort((a, b) => a - b));
}

export function analyse(recurrence: Recurrence): StateSet[] {
  return stateSets(recurrence).map((set) => analyseSet(recurrence, set));
}

function analyseSet(recurrence: Recurrence, set: readonly number[]): StateSet {
  const { body } = recurrence;
  const states = set.map((i) => recurrence.carries[i]!);
  const inputs = states.map((c) => c.input);
  const found = degrees(body, new Set(inputs));
  const none = { carries: set, side: "key", obstacle: null, form: null, unread: null } as const;
  if (states.some((c) => found[c.next] === "other")) {
    const nexts = states.map((c) => c.next);
    const obstacle = shortestObstacle(body, found, inputs, nexts);
    return { ...none, class: "nonlinear", obstacle, reason: obstacleReason(body, obstacle) };
  }
  if (states.length > 1) {
    return { ...none, class: "several", reason: "several states are affine in each other" };
  }
  return single(recurrence, set, none);
}

function obstacleReason(body: Graph, path: readonly NodeId[] | null): string {
  const labels = (path ?? []).flatMap((id) => {
    const node = body.nodes[id]!;
    const own = node.op === "unary" || node.op === "binary" ? node.fn : node.op;
    return node.op === "input" ? [node.name] : [node.origin?.label ?? own];
  });
  const way = labels.filter((l, i) => l !== labels[i - 1]).join(" → ");
  return `the new state is not affine in the old one: ${way}`;
}

const BOTH_SIDES = "it is read from the side of the keys and from the side of the values, and both are written back"; // prettier-ignore

type Blank = Pick<StateSet, "carries" | "side" | "obstacle" | "form" | "unread">;

function single(recurrence: Recurrence, set: readonly number[], none: Blank): StateSet {
  const state = recurrence.carries[set[0]!]!;
  const outputs = leaving(recurrence);
  const problems: string[] = [];
  let normaliser: Normaliser;
  try {
    normaliser = new Normaliser(recurrence.body, state);
  } catch (problem) {
    if (!(problem instanceof Inexpressible)) throw problem;
    return { ...none, class: "full", reason: `affine, but ${problem.message}` };
  }
  const summed = normaliser.summedAxes();
  const candidates = summed.length > 0 ? summed : [...normaliser.readAxes(outputs), []];
  // First a form from which all outputs can be had, else one that at least tells the class.
  const attempts = [
    ...candidates.map((keys) => ({ keys, wanted: outputs, whole: false })),
    ...candidates.map((keys) => ({ keys, wanted: outputs, whole: true })),
    ...candidates.map((keys) => ({ keys, wanted: [], whole: false })),
  ];
  // Each attempt builds nodes of its own: what a failed one has left behind must not stay.
  const attempt = (keys: readonly number[], wanted: readonly NodeId[], whole: boolean) => {
    try {
      return new Normaliser(recurrence.body, state).form(keys, wanted, whole);
    } catch (problem) {
      if (!(problem instanceof Inexpressible)) throw problem;
      problems.push(problem.message);
      return null;
    }
  };
  for (const { keys, wanted, whole } of attempts) {
    let form = attempt(keys, wanted, whole);
    if (form === null) continue;
    const { rows, layout } = form;
    if (summed.length === 0 && rows.length > 0 && keys.length > 0 && layout.values.length === 0) {
      // Rows that each decay in their own way: seen from the other side these are decays per key.
      const turned = attempt(rows, wanted, false);
      if (turned?.rows.length === 0 && turned.layout.values.length > 0) form = turned;
    }
    return {
      ...none,
      class: classOf(form),
      side: sideOf(form, whole),
      reason: reasonOf(form),
      form,
      unread: wanted.length < outputs.length ? (problems[0] ?? null) : null,
    };
  }
  const sides = isTwoSided(normaliser.next);
  const reason = sides ? BOTH_SIDES : (problems[0] ?? "of no known form");
  return { ...none, class: sides ? "two-sided" : "full", reason: `affine, but ${reason}` };
}
