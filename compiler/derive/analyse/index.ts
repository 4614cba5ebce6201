/**
 * Recurrence analysis: which states depend on each other, whether the new ones are affine in the old, and if so what the
 * old ones are multiplied by. By algebra on the step; names play no part.
 */
import type { Graph, NodeId, Recurrence } from "../../graph/ir.ts";
import { inputName } from "../../graph/names.ts";
import { reachable } from "../../graph/rebuild.ts";
import { components } from "../stage/components.ts";
import { knownOf } from "./alike.ts";
import { classOf, reasonOf, sideOf, type ClassName } from "./classify.ts";
import { degrees, shortestObstacle } from "./degree.ts";
import type { NormalForm } from "./form.ts";
import { COMPONENTS, joined, layouts, type Joint } from "./joint.ts";
import type { StatePair } from "./levels.ts";
import { Normaliser } from "./normal.ts";
import { isTwoSided } from "./sides.ts";
import { Inexpressible } from "./terms.ts";

export type { ClassName } from "./classify.ts";
export { feedingReads } from "./classify.ts";
export { mapForm, nodesOf } from "./nodes.ts";
export type * from "./form.ts";
export { asComponent, component, type Joint, type Order } from "./joint.ts";

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
  /**
   * Null where there is none; its outputs are empty where `unread` says why they cannot be had from reads. That of several
   * states is the form of their joint state (`joined`).
   */
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

/** What was found of a step, with the carries and outputs that it was looked at for: a loop is asked about again and again. */
interface Known {
  readonly key: string;
  readonly sets: readonly StateSet[];
}
const known = new WeakMap<Graph, Known>();

/** Nodes of the body that a loop is analysed for. */
const askedOf = (r: Recurrence): string =>
  [...r.carries.map((c) => `${c.input} ${c.next}`), ...leaving(r)].join();
const keyOf = (r: Recurrence): string => [askedOf(r), ...r.carries.map((c) => c.name)].join();

export function analyse(recurrence: Recurrence): readonly StateSet[] {
  const key = keyOf(recurrence);
  const before = known.get(recurrence.body);
  if (before?.key === key) return before.sets;
  const sets = knownOf(recurrence.body, askedOf(recurrence), () =>
    stateSets(recurrence).map((set) => analyseSet(recurrence, set)),
  );
  known.set(recurrence.body, { key, sets });
  return sets;
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
  if (states.length > 1) return several(recurrence, set, none);
  return single({ body, ...states[0]!, outputs: leaving(recurrence) }, none);
}

/** A set of states that are affine in each other: one state, if they can be laid out as one. */
function several(recurrence: Recurrence, set: readonly number[], none: Blank): StateSet {
  const why = couplings(recurrence, set);
  const found = laidOut(recurrence, set, none)?.set;
  if (found === undefined) {
    return { ...none, class: "several", reason: `${why}, and their shapes differ` };
  }
  if (found.form === null) return { ...none, class: "several", reason: `${why}; ${found.reason}` };
  return { ...found, reason: `${why}; taken as one state, ${found.reason}` };
}

/** States laid out as one so that all that leaves the loop can be had from reads; failing this, so that there is a form. */
function laidOut(
  recurrence: Recurrence,
  set: readonly number[],
  none: Blank,
): { joint: Joint; set: StateSet } | null {
  const found = [];
  for (const layout of layouts(recurrence, set)) {
    const joint = joined(recurrence, set, leaving(recurrence), layout);
    const one = single({ ...joint, outputs: joint.leaving }, none, COMPONENTS);
    if (one.form !== null && one.unread === null) return { joint, set: one };
    found.push({ joint, set: one });
  }
  return found.find((f) => f.set.form !== null) ?? found[0] ?? null;
}

/** Which state of a set feeds which, in the names of the spec. */
function couplings({ body, carries }: Recurrence, set: readonly number[]): string {
  const pairs = set.flatMap((i) => {
    const live = new Set(reachable(body, [carries[i]!.next]).map((n) => n.id));
    const others = set.filter((j) => j !== i && live.has(carries[j]!.input));
    return others.map((j) => `${carries[j]!.name} feeds ${carries[i]!.name}`);
  });
  return pairs.join(", ");
}

/** All states of a recurrence as one state, whether or not they depend on each other; null where there is no such state. */
export function analyseTogether(recurrence: Recurrence): { joint: Joint; set: StateSet } | null {
  const { body, carries } = recurrence;
  const all = carries.map((_, i) => i);
  const inputs = carries.map((c) => c.input);
  const found = degrees(body, new Set(inputs));
  if (carries.some((c) => found[c.next] === "other")) return null;
  const none = { carries: all, side: "key", obstacle: null, form: null, unread: null } as const;
  return laidOut(recurrence, all, none);
}

function obstacleReason(body: Graph, path: readonly NodeId[] | null): string {
  const labels = (path ?? []).flatMap((id) => {
    const node = body.nodes[id]!;
    const own = node.op === "unary" || node.op === "binary" ? node.fn : node.op;
    return node.op === "input" ? [inputName(node.name)] : [node.origin?.label ?? own];
  });
  const way = labels.filter((l, i) => l !== labels[i - 1]).join(" → ");
  return `the new state is not affine in the old one: ${way}`;
}

const BOTH_SIDES = "it is read from the side of the keys and from the side of the values, and both are written back"; // prettier-ignore

type Blank = Pick<StateSet, "carries" | "side" | "obstacle" | "form" | "unread">;

/** The step of one state, and the nodes that leave its loop. */
interface Single extends StatePair {
  readonly body: Graph;
  readonly outputs: readonly NodeId[];
}

function single(
  { body, outputs, ...state }: Single,
  none: Blank,
  components: number | null = null,
): StateSet {
  const problems: string[] = [];
  let normaliser: Normaliser;
  try {
    normaliser = new Normaliser(body, state, components);
  } catch (problem) {
    if (!(problem instanceof Inexpressible)) throw problem;
    return { ...none, class: "full", reason: `affine, but ${problem.message}` };
  }
  const summed = normaliser.summedAxes();
  // A matrix along some of the keys that outputs sum over is one per key of the others.
  const around = normaliser.readAxes(outputs, true).filter((a) => summed.some((s) => s.length < a.length && s.every((x) => a.includes(x)))); // prettier-ignore
  const candidates =
    summed.length > 0 ? [...around, ...summed] : [...normaliser.readAxes(outputs), []];
  // First a form from which all outputs can be had, else one that at least tells the class.
  const attempts = [
    ...candidates.map((keys) => ({ keys, wanted: outputs, whole: false })),
    ...candidates.map((keys) => ({ keys, wanted: outputs, whole: true })),
    ...candidates.map((keys) => ({ keys, wanted: [], whole: false })),
  ];
  // Each attempt builds nodes of its own: what a failed one has left behind must not stay.
  const attempt = (keys: readonly number[], wanted: readonly NodeId[], whole: boolean) => {
    try {
      return new Normaliser(body, state, components).form(keys, wanted, whole);
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
