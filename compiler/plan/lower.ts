/** From nests of stages to statements: loops, loop bodies, reductions. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { constant, dim, subtract, type Dim } from "../dims.ts";
import type { Node } from "../graph/ir.ts";
import { binary, float, int } from "../loop/build.ts";
import type { Expr } from "../loop/ir.ts";
import { linear, ofVariable, plus, shifted, type Affine } from "./affine.ts";
import type { Emitter, Placed } from "./emitter.ts";
import { equationOf } from "./equation.ts";
import { Evaluator } from "./evaluate.ts";
import { jamOf, LANES } from "./jam.ts";
import type { Memory } from "./memory.ts";
import type { Nest, Segments } from "./order.ts";
import { nameOf, type BufferLocation, type RegionPlan } from "./place.ts";
import type { Location } from "./region.ts";
import { indexOf, reducedAxes, termsOf, type Stage, type StageLoop } from "./stages.ts";

const LETTERS = ["i", "j", "k", "l", "m", "n"];
export function loopName(extent: Dim, depth: number): string {
  if (extent.key === "1*$batch") return "b";
  if (extent.key === "1*$time") return "t";
  return LETTERS[depth % LETTERS.length]!;
}

/** Writes what has loops of its own. */
export interface WholeWriter {
  /** `sequence`: the number of the sequence, of a stage that shares the loop over sequences. */
  readonly stage: (l: Lowering, s: Stage, sequence: Affine | null) => void;
  /** Loops over time of a sequence, segment by segment. */
  readonly segments: (
    l: Lowering,
    body: readonly Stage[],
    segments: Segments,
    sequence: Affine,
  ) => void;
}

const LANE_NUMBERS = Array.from({ length: LANES }, (_, c) => c);

export class Lowering {
  readonly plan: RegionPlan;
  readonly emitter: Emitter;
  readonly memory: Memory;
  readonly evaluator: Evaluator;
  readonly whole: WholeWriter;

  constructor(plan: RegionPlan, emitter: Emitter, memory: Memory, whole: WholeWriter) {
    this.whole = whole;
    this.plan = plan;
    this.emitter = emitter;
    this.memory = memory;
    this.evaluator = new Evaluator(emitter);
  }

  nests(list: readonly Nest[], variables: readonly Affine[] = []): void {
    this.#nests(list, [variables]);
  }

  /** `lanes`: the loops' variables, once, or once for each of several iterations that are written side by side. */
  #nests(list: readonly Nest[], lanes: readonly (readonly Affine[])[]): void {
    const depth = lanes[0]!.length;
    for (const n of list) {
      if (n.kind === "stage") {
        this.#stage(n.stage, lanes);
        continue;
      }
      const { extent } = firstStage(n).loops[depth]!;
      const name = loopName(extent, depth);
      const { machine } = this.memory;
      const jam = lanes.length === 1 && jamOf(n, depth, this.plan.region, machine);
      const later = machine.kind === "vector" && machine.together;
      if (!jam || later) {
        const loop = this.emitter.open(name, extent, { spread: "independent" });
        if (jam) this.emitter.sideBySide.add(loop.name);
        const v = ofVariable(loop);
        if (n.segments !== undefined) {
          const stages = n.body.flatMap((x) => (x.kind === "stage" ? [x.stage] : []));
          this.whole.segments(this, stages, n.segments, v);
        } else {
          this.#nests(
            n.body,
            lanes.map((l) => [...l, v]),
          );
        }
        this.emitter.close();
        continue;
      }
      this.groups(
        extent,
        name,
        (places) => {
          const [first] = places;
          const several = places.length > 1;
          this.evaluator.sharedAlong = several ? first!.terms.at(-1)!.variable.name : null;
          this.#laneLocations = places.map(() => new Map<Node["id"], Location>());
          this.#nests(
            n.body,
            places.map((place) => [...lanes[0]!, place]),
          );
          this.evaluator.sharedAlong = null;
          this.#laneLocations = [];
        },
        true,
      );
    }
  }
  /** Of each lane: where the values are that only it has. */
  #laneLocations: readonly Map<Node["id"], Location>[] = [];
  #enter(lane: number, lanes: number): void {
    if (lanes === 1) return;
    for (const [id, at] of this.#laneLocations[lane] ?? []) this.plan.region.locations.set(id, at);
  }

  #stage(s: Stage, lanes: readonly (readonly Affine[])[]): void {
    const { region } = this.plan;
    const node = region.node(s.node);
    const equation = s.copies ? null : equationOf(region.graph, this.plan.choice.roots, node);
    if (equation !== null) this.emitter.comment(equation);
    if (s.kind === "whole") return this.whole.stage(this, s, lanes[0]![0] ?? null);
    const indices = lanes.map((l) => indexOf(node.shape.length, s.loops, l));
    const totals = s.kind === "reduce" ? this.reduce(node, s.reducing, indices) : null;
    indices.forEach((index, lane) => {
      this.#enter(lane, lanes.length);
      const value =
        totals !== null
          ? totals[lane]!
          : s.copies
            ? this.evaluator.value(region, s.node, index)
            : this.evaluator.compute(region, node, index);
      const target = s.target?.location ?? region.locations.get(s.node);
      if (target?.kind === "buffer") {
        this.store(target, index, value.expr, s.target?.add ?? false);
        return;
      }
      const named = this.emitter.hoistAlways(value, nameOf(region, node));
      const at: Location = { kind: "variable", ...named };
      region.locations.set(s.node, at);
      this.#laneLocations[lane]?.set(s.node, at);
    });
  }

  store(at: BufferLocation, index: readonly Affine[], value: Expr, adding: boolean): void {
    const address = this.emitter.index(plus(at.offset, linear(index, at.strides)));
    this.emitter.emit({ op: "store", buffer: at.buffer, index: address, value, add: adding });
  }

  /**
   * A reduction. Alone it is made in four independent parts, so that one addition need not wait for the last; several
   * lanes are independent of each other anyway.
   */
  reduce(
    node: Node,
    reducing: readonly StageLoop[],
    indices: readonly (readonly Affine[])[],
  ): Placed[] {
    const { emitter } = this;
    const around = node.shape.length;
    const { region } = this.plan;
    const fn = node.op === "reduce" ? node.fn : "sum";
    const start = fn === "sum" ? 0 : fn === "max" ? -Infinity : Infinity;
    const join = (a: Expr, b: Expr): Expr => binary(fn === "sum" ? "add" : fn, a, b);
    const depth = emitter.depth;
    const inner = reducing.at(-1);
    const zero = node.dtype === "int" && fn === "sum" ? int(0) : float(start);
    const length = inner === undefined ? 1 : (constant(inner.extent) ?? Infinity);
    // A compiler that makes vectors of a sum takes it apart by itself.
    const { machine } = this.memory;
    const vectors = machine.kind === "vector" && (machine.together || fn === "sum");
    const alone = indices.length === 1 && !vectors;
    const parts = alone && length >= 4 && node.dtype !== "int" ? 4 : 1;
    const outer = reducing.slice(0, -1);
    const totals = outer.length === 0 ? [] : indices.map(() => emitter.define(fn, zero, true));
    const opened = outer.map((loop, j) => this.#open(loop, around + j));
    const inside = emitter.depth;
    const sums = indices.map(() =>
      Array.from({ length: parts }, () => emitter.define(fn, zero, true)),
    );
    const rank = reducedAxes(region, node).length;
    const common: Map<number, Placed>[] = [];
    const accumulate = (part: number, variables: readonly Affine[]): void =>
      indices.forEach((index, lane) => {
        this.#enter(lane, indices.length);
        const at = indexOf(rank, reducing, variables);
        const factors = termsOf(this.evaluator, region, node, index, at);
        // What is the same in all terms is multiplied once, afterwards.
        common[lane] ??= sameInAll(factors, inside);
        const outside = common[lane];
        const varying = factors.filter((_, i) => !outside.has(i));
        const sum = sums[lane]![part]!;
        emitter.assign(sum, join(sum, this.evaluator.multiplied(varying).expr));
      });
    const last = around + outer.length;
    if (inner === undefined) accumulate(0, []);
    else if (parts === 1) {
      const v = this.#open(inner, last);
      accumulate(0, [...opened, v]);
      emitter.close();
    } else {
      this.groups(inner.extent, loopName(inner.extent, last), (places) =>
        places.forEach((place, c) => accumulate(c, [...opened, place])),
      );
    }
    const values = sums.map(([a, b, c, d], lane) => {
      const expr = parts === 1 ? a! : join(join(a!, b!), join(c!, d!));
      return this.evaluator.multiplied([
        ...(common[lane]?.values() ?? []),
        { expr, depth: inside },
      ]);
    });
    if (outer.length === 0) return values;
    totals.forEach((t, lane) => emitter.assign(t, join(t, values[lane]!.expr)));
    for (let i = 0; i < outer.length; i++) emitter.close();
    return totals.map((expr) => ({ expr, depth }));
  }
  #open(loop: StageLoop, depth: number): Affine {
    return ofVariable(this.emitter.open(loopName(loop.extent, depth), loop.extent));
  }

  /** A loop over an axis, several elements at a time, and what remains, one at a time. */
  groups(
    length: Dim,
    name: string,
    body: (places: readonly Affine[]) => void,
    independent = false,
  ): void {
    const { emitter } = this;
    const n = constant(length);
    const all = emitter.size(length);
    const rounded = n === undefined ? binary("bit_and", all, int(-LANES)) : int(n - (n % LANES));
    const end = n === undefined ? emitter.define("whole", rounded) : rounded;
    const spread = independent ? "independent" : "serial";
    if (n === undefined || n >= LANES) {
      const v = emitter.open(name, length, { step: LANES, to: end, spread });
      // The last of the group is still below the extent: the variable itself stays as far below it.
      const first = ofVariable({ ...v, extent: subtract(length, dim(LANES - 1)) });
      body(LANE_NUMBERS.map((c) => shifted(first, dim(c))));
      emitter.close();
    }
    if (n !== undefined && n % LANES === 0) return;
    const r = emitter.open(name, length, { from: end, spread });
    body([ofVariable(r)]);
    emitter.close();
  }
}

/** The factors, by position, that the loops of a sum do not change; never all of them. */
function sameInAll(factors: readonly Placed[], depth: number): Map<number, Placed> {
  const found = new Map<number, Placed>();
  factors.forEach((f, i) => {
    if (f.depth <= depth && f.expr.op === "variable") found.set(i, f);
  });
  return found.size === factors.length ? new Map() : found;
}

function firstStage(n: Nest): Stage {
  if (n.kind === "stage") return n.stage;
  const [first] = n.body;
  if (first === undefined) throw new InternalError("an empty loop");
  return firstStage(first);
}

export function homeOf(l: Lowering, s: Stage): BufferLocation {
  const at = s.target?.location ?? l.plan.region.locations.get(s.node);
  if (at?.kind !== "buffer") throw new InternalError(`value ${s.node} has no buffer`);
  return at;
}

/** An element of a value that a stage reads. */
export const valueAt = (l: Lowering, id: Node["id"], index: readonly Affine[]): Expr =>
  l.evaluator.value(l.plan.region, id, index).expr;

/** Loops over axes, `inside` with their variables. */
export function loops(
  l: Lowering,
  shape: readonly Dim[],
  inside: (index: Affine[]) => void,
  first = 0,
): void {
  const index = shape.map((d, i) =>
    ofVariable(l.emitter.open(loopName(d, first + i), d, { spread: "independent" })),
  );
  inside(index);
  for (let i = 0; i < shape.length; i++) l.emitter.close();
}

/** What a stage stores for a sum of its product: the sum, or what an elementwise expression makes of it. */
export function finished(
  l: Lowering,
  s: Stage,
  product: Node,
  index: readonly Affine[],
  sum: Expr,
): Expr {
  if (s.node === product.id) return sum;
  const { region } = l.plan;
  const evaluator = new Evaluator(l.emitter, {
    leaf: (where, x) =>
      where === region && x.id === product.id ? { expr: sum, depth: l.emitter.depth } : undefined,
  });
  return evaluator.compute(region, region.node(s.node), index).expr;
}
