/** What has to be computed, piece by piece: one stage per value that gets memory, with its loops and what it reads. */
import { constant, dim, equal, type Dim } from "../dims.ts";
import type { Node, NodeId, Recurrence, RecurrenceNode } from "../graph/ir.ts";
import { operands } from "../graph/shapes.ts";
import { variable } from "../loop/build.ts";
import { FLOAT, INT } from "../loop/ir.ts";
import {
  depthOf,
  divide,
  fixed,
  ofVariable,
  plus,
  quotient,
  sameAffine,
  times,
  type Affine,
  type IndexVariable,
} from "./affine.ts";
import { classify, labelSizes } from "../graph/products.ts";
import type { Choice } from "./choose.ts";
import { Emitter, type Placed } from "./emitter.ts";
import { Evaluator, type EvaluatorHooks, type Index } from "./evaluate.ts";
import type { Location, Region } from "./region.ts";

/** A loop of a stage: over all of one axis of the result (or of a summed axis), or over part of it. */
export interface StageLoop {
  /** Into the result's axes; for a loop that reduces, into `Stage.reduced`. */
  readonly axis: number;
  readonly extent: Dim;
  /** How much one step of this loop moves along its axis. */
  readonly step: Dim;
}

/** Where a stage's result goes if that is not up to the planner. */
export interface Target {
  readonly location: Location & { kind: "buffer" };
  readonly add: boolean;
}

export type StageKind =
  /** One value per iteration of the loops. */
  | "map"
  /** One value per iteration of the outer loops, made from all iterations of the inner ones. */
  | "reduce"
  /** Loops of its own kind, that nothing else shares. */
  | "whole";

export interface Stage {
  readonly id: number;
  readonly node: NodeId;
  readonly kind: StageKind;
  /** Only stores the node's value, which something else computes. */
  readonly copies: boolean;
  readonly loops: readonly StageLoop[];
  readonly reducing: readonly StageLoop[];
  /** Indices at which each kept value is read, in variables `v0`, `v1`… of this stage's loops; null: at any. */
  readonly reads: ReadonlyMap<NodeId, readonly Index[] | null>;
  readonly target: Target | null;
  /** The region's input whose memory this stage writes over. */
  readonly overwrites: NodeId | null;
}

export const loopVariable = (region: Region, j: number, extent: Dim): IndexVariable => ({
  name: `v${j}`,
  extent,
  depth: region.base + j + 1,
});

/** The index along every axis that the loops' variables come to. */
export function indexOf(
  rank: number,
  loops: readonly StageLoop[],
  variables: readonly Affine[],
): Affine[] {
  const index: Affine[] = Array.from({ length: rank }, () => fixed(0));
  loops.forEach((loop, j) => {
    index[loop.axis] = plus(index[loop.axis]!, times(variables[j]!, loop.step));
  });
  return index;
}

/** The value that loop `j` has in the iteration where a stage writes the element at `index`; undefined if unclear. */
export function loopValue(stage: Stage, index: Index, j: number): Affine | undefined {
  const loop = stage.loops[j]!;
  let rest: Affine | undefined = index[loop.axis];
  for (const outer of stage.loops) {
    if (outer.axis !== loop.axis || rest === undefined) continue;
    const parts = divide(rest, outer.step);
    if (outer === loop) return parts?.quotient;
    rest = parts?.remainder;
  }
  return undefined;
}

/** The axes that a node sums over, as sizes; none for a map. */
export function reducedAxes(region: Region, node: Node): Dim[] {
  if (node.op === "reduce") return node.axes.map((a) => region.node(node.x).shape[a]!);
  if (node.op !== "contract") return [];
  const sizes = labelSizes(region.graph, node);
  return classify(node).summed.map((l) => sizes.get(l)!);
}

/** What a reduction joins, as factors, at an index of the result and an index of the reduced axes. */
export function termsOf(
  evaluator: Evaluator,
  region: Region,
  node: Node,
  index: Index,
  reduced: Index,
): Placed[] {
  if (node.op === "reduce") {
    const full: Affine[] = [];
    let [o, r] = [0, 0];
    const rank = region.node(node.x).shape.length;
    for (let axis = 0; axis < rank; axis++) {
      full.push(node.axes.includes(axis) ? reduced[r++]! : index[o++]!);
    }
    return node.fn === "sum" && node.dtype === "float"
      ? evaluator.factors(region, node.x, full)
      : [evaluator.value(region, node.x, full)];
  }
  if (node.op !== "contract") throw new Error(`${node.op} reduces nothing`);
  const summed = new Map(classify(node).summed.map((l, i) => [l, reduced[i]!]));
  return evaluator.factorsOfContract(region, node, index, summed);
}

/** Loops over all of each axis; one of length one needs none. */
const whole = (shape: readonly Dim[]): StageLoop[] =>
  shape.flatMap((extent, axis) => (constant(extent) === 1 ? [] : [{ axis, extent, step: dim(1) }]));

interface Draft {
  readonly id: number;
  readonly node: NodeId;
  readonly copies: boolean;
  readonly target: Target | null;
  readonly overwrites: NodeId | null;
}

function kindOf(node: Node, choice: Choice, copies: boolean): StageKind {
  if (copies) return "map";
  if (choice.finished.has(node.id)) return "whole";
  switch (node.op) {
    case "reduce":
      return "reduce";
    case "contract":
      return choice.blocked.has(node.id)
        ? "whole"
        : classify(node).summed.length > 0
          ? "reduce"
          : "map";
    case "concat":
    case "cumsum":
    case "scatter":
    case "solve":
    case "append":
    case "random":
    case "recurrence":
      return "whole";
    default:
      return "map";
  }
}

/** Makes a stage: finds its loops and what it reads by evaluating it once, into a kernel that is thrown away. */
export function makeStage(region: Region, choice: Choice, draft: Draft): Stage {
  const node = region.node(draft.node);
  const kind = kindOf(node, choice, draft.copies);
  if (node.op === "recurrence" && region.bySequence && !draft.copies) {
    const { batch, outputs } = node.recurrence;
    // What is summed over all sequences is put together before and after the loop over them.
    if (outputs.every((o) => o.kind !== "sum")) {
      const reads = readsOfRecurrence(region, choice, node);
      return { ...draft, kind, loops: whole([batch]), reducing: [], reads };
    }
  }
  if (kind === "whole") {
    const reads = new Map(readsOfWhole(region, choice, node).map((id) => [id, null]));
    return { ...draft, kind, loops: [], reducing: [], reads };
  }
  let loops = whole(node.shape);
  const axes = kind === "reduce" ? reducedAxes(region, node) : [];
  let reducing = whole(axes);
  for (;;) {
    const { reads, split } = trial(region, choice, node, draft.copies, loops, reducing);
    if (split === null) return { ...draft, kind, loops, reducing, reads };
    [loops, reducing] = [divideLoop(loops, 0, split), divideLoop(reducing, loops.length, split)];
  }
}

interface Split {
  readonly variable: string;
  readonly by: Dim;
}

function divideLoop(loops: readonly StageLoop[], first: number, split: Split): StageLoop[] {
  return loops.flatMap((loop, j) => {
    if (`v${first + j}` !== split.variable) return [loop];
    const outer = quotient(loop.extent, split.by)!;
    return [
      { axis: loop.axis, extent: outer, step: dimTimes(loop.step, split.by) },
      { axis: loop.axis, extent: split.by, step: loop.step },
    ];
  });
}
const dimTimes = (a: Dim, b: Dim): Dim => times(fixed(a), b).constant;

/** A place to evaluate things that is thrown away, and what has been read there. */
function recorder(
  region: Region,
  choice: Choice,
  node: Node,
  copies: boolean,
  split?: EvaluatorHooks["split"],
) {
  const reads = new Map<NodeId, Index[]>();
  const note = (id: NodeId, index: Index): void => {
    const list = reads.get(id);
    if (list === undefined) reads.set(id, [index]);
    else list.push(index);
  };
  const emitter = new Emitter(new Set());
  const evaluator = new Evaluator(emitter, {
    leaf: (where, x, index) => {
      const dummy = {
        expr: x.dtype === "int" ? variable("i", INT) : variable("x", FLOAT),
        depth: Math.max(0, ...index.map(depthOf)),
      };
      if (where !== region) return where.locations.has(x.id) ? dummy : undefined;
      const kept = choice.roots.has(x.id) || x.op === "input" || x.op === "result";
      if (!kept || (x.id === node.id && !copies)) return undefined;
      note(x.id, index);
      if (x.op === "result") note(x.of, index);
      // A value outside is looked at further: its shape may ask for other loops.
      return where.locations.get(x.id)?.kind === "outer" ? undefined : dummy;
    },
    ...(split === undefined ? {} : { split }),
  });
  for (let i = 0; i < region.base; i++) emitter.open("around", dim(1));
  return { reads, emitter, evaluator };
}

/** What a loop over time reads of the graph around it: all of a value, a sequence's part, or at each step that step's. */
function readBy({ carries, bindings, replay }: Recurrence) {
  const kinds = { shared: "all", batch: "sequence", sequence: "step" } as const;
  return [
    ...carries.map((c) => ({ value: c.init, of: "sequence" }) as const),
    ...[...bindings, ...(replay?.bindings ?? [])].flatMap((x) =>
      x.kind === "position" ? [] : [{ value: x.value, of: kinds[x.kind] }],
    ),
    ...(replay?.carries ?? []).map((c) => ({ value: c.borders, of: "step" }) as const),
  ];
}

/** What the turn of a loop over sequences reads, the sequence being `v0`. */
function readsOfRecurrence(region: Region, choice: Choice, node: RecurrenceNode) {
  const { reads, emitter, evaluator } = recorder(region, choice, node, false);
  const { recurrence: r } = node;
  const opened: IndexVariable[] = [];
  const variable = (extent: Dim): Affine => {
    const v = loopVariable(region, opened.length, extent);
    emitter.open(v.name, extent);
    opened.push(v);
    return ofVariable(v);
  };
  const b = variable(r.batch);
  for (const { value, of } of readBy(r)) {
    const lead = of === "all" ? [] : [b];
    const rest = region.node(value).shape.slice(lead.length).map(variable);
    evaluator.value(region, value, [...lead, ...rest]);
  }
  return reads;
}

/** What a loop over time reads: the values of which only those of the step that it is at, and the others. */
export function readsByStep(region: Region, choice: Choice, node: RecurrenceNode) {
  const { recurrence: r } = node;
  const atStep = new Set<NodeId>();
  const elsewhere = new Set<NodeId>();
  for (const { value, of } of readBy(r)) {
    const { reads, emitter, evaluator } = recorder(region, choice, node, false);
    const index = region.node(value).shape.map((extent, j) => {
      const v = loopVariable(region, j, extent);
      emitter.open(v.name, extent);
      return ofVariable(v);
    });
    evaluator.value(region, value, index);
    // Sequence and step of what is read are those of the loop.
    const isHere = ([b, t]: Index): boolean =>
      b !== undefined && t !== undefined && sameAffine(b, index[0]!) && sameAffine(t, index[1]!);
    for (const [id, indices] of reads) {
      (of === "step" && indices.every(isHere) ? atStep : elsewhere).add(id);
    }
  }
  return { atStep, elsewhere };
}

function trial(
  region: Region,
  choice: Choice,
  node: Node,
  copies: boolean,
  loops: readonly StageLoop[],
  reducing: readonly StageLoop[],
): { reads: Map<NodeId, Index[]>; split: Split | null } {
  let split: Split | null = null;
  const extents = new Map<string, Dim>();
  const { reads, emitter, evaluator } = recorder(region, choice, node, copies, (v, by) => {
    const extent = extents.get(v.name);
    if (split !== null || extent === undefined || equal(extent, by) || equal(by, dim(1))) return;
    if (quotient(extent, by) !== undefined) split = { variable: v.name, by };
  });
  const variables = [...loops, ...reducing].map((loop, j) => {
    emitter.open(`v${j}`, loop.extent);
    extents.set(`v${j}`, loop.extent);
    return ofVariable(loopVariable(region, j, loop.extent));
  });
  const index = indexOf(node.shape.length, loops, variables);
  if (reducing.length === 0 && (copies || node.op !== "reduce")) {
    if (copies) evaluator.value(region, node.id, index);
    else evaluator.compute(region, node, index);
  } else {
    const axes = reducedAxes(region, node).length;
    const reduced = indexOf(axes, reducing, variables.slice(loops.length));
    termsOf(evaluator, region, node, index, reduced);
  }
  return { reads, split };
}

/** The kept values and inputs that a stage of its own kind reads, through whatever is computed in passing. */
function readsOfWhole(region: Region, choice: Choice, node: Node): NodeId[] {
  const found = new Set<NodeId>();
  const seen = new Set<NodeId>([node.id]);
  const visit = (id: NodeId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const x = region.node(id);
    if (choice.roots.has(id) || x.op === "input" || x.op === "result") {
      found.add(id);
      if (x.op === "result") found.add(x.of);
    } else operands(x).forEach(visit);
  };
  operands(node).forEach(visit);
  return [...found];
}

/** Iterations of a stage, run-time sizes counted as 64. */
export function work(stage: Stage): number {
  return [...stage.loops, ...stage.reducing].reduce((n, l) => n * (constant(l.extent) ?? 64), 1);
}
