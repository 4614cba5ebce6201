/**
 * A recurrence as one kernel: sequences outside, time inside, the body's loops innermost. What lives from step to step
 * stays in small arrays of one sequence's size.
 */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { apply, constant, dim, multiply, product, type Dim } from "../dims.ts";
import type { Binding, NodeId, Recurrence, RecurrenceNode, Replay } from "../graph/ir.ts";
import { bodyNode, recurrenceOutputShape } from "../graph/shapes.ts";
import { statesAlone } from "../graph/states.ts";
import { add, binary, float, int, intVariable, load, mul, sub } from "../loop/build.ts";
import type { Expr } from "../loop/ir.ts";
import { fixed, linear, minus, ofVariable, plus, shifted, type Affine } from "./affine.ts";
import { loops, Lowering } from "./lower.ts";
import { assignHomes, planRegion, rowMajor, type BufferLocation, type Sink } from "./place.ts";
import { nest, schedule } from "./order.ts";
import type { Location, Region } from "./region.ts";
import { laid, storeShown } from "./show.ts";
import type { Shown } from "./shown.ts";
import { isStored, strideOf } from "./sides.ts";
import { copyTurned } from "./squares.ts";

/** `sequence`: as below. */
export function emitRecurrence(
  outer: Lowering,
  node: RecurrenceNode,
  sequence: Affine | null,
): void {
  new RecurrenceLowering(outer, node, sequence).emit();
}

/** The part of a buffer that leading indices choose. */
function within(at: BufferLocation, lead: readonly Affine[]): BufferLocation {
  const offset = plus(at.offset, linear(lead, at.strides.slice(0, lead.length)));
  return { ...at, offset, strides: at.strides.slice(lead.length) };
}

/** Steps from one to the one before another. */
interface Range {
  readonly from: Expr;
  readonly to: Expr;
}

/** `sequence`: the number of the sequence, where the loop over sequences is open already. */
export class RecurrenceLowering {
  readonly #outer: Lowering;
  readonly #r: Recurrence;
  readonly #carries: readonly BufferLocation[];
  /** Where each output goes; null for one that nothing reads. */
  readonly #outputs: readonly (BufferLocation | null)[];
  /** Results that are stored as a view of them, and where a step leaves its part of one that is stacked. */
  readonly #shown = new Map<
    number,
    { readonly shown: Shown; readonly step: BufferLocation | null }
  >();
  /** For sums over all sequences, where those of each sequence are gathered, so that sequences do not wait for each other. */
  readonly #partial: readonly (BufferLocation | null)[];

  /** The sequence of the loop that is open; null where this opens one. */
  readonly #sequence: Affine | null;

  constructor(outer: Lowering, node: RecurrenceNode, sequence: Affine | null) {
    this.#outer = outer;
    this.#sequence = sequence;
    this.#r = node.recurrence;
    const { plan } = outer;
    this.#carries = this.#r.carries.map((c) => this.#array(c.name, this.#shapeOf(c.next)));
    const places = new Map<number, BufferLocation>();
    for (const x of plan.region.graph.nodes) {
      if (x.op !== "result" || x.of !== node.id) continue;
      const shown = plan.region.shown.get(x.id);
      if (shown !== undefined) {
        const output = this.#r.outputs[x.index]!;
        const step =
          output.kind === "stack" ? this.#array("step", this.#shapeOf(output.node)) : null;
        this.#shown.set(x.index, { shown, step });
      }
      const at = plan.region.locations.get(x.id);
      if (at?.kind === "buffer") places.set(x.index, at);
    }
    this.#outputs = this.#r.outputs.map((_, i) => places.get(i) ?? null);
    this.#partial = this.#r.outputs.map((o, i) => {
      const { machine, precision } = outer.memory;
      if (o.kind !== "sum" || places.get(i) === undefined || machine.kind === "scalar") return null;
      const shape = [this.#r.batch, ...this.#shapeOf(o.node)];
      const name = outer.memory.scratch(
        `${places.get(i)!.buffer}_parts`,
        precision,
        product(shape),
        false,
        "buffer",
      );
      return rowMajor(name, shape, outer.emitter.depth);
    });
  }

  /** Where an output of the sequence `b` goes. */
  #homeOf(i: number, b: Affine): BufferLocation {
    const part = this.#partial[i] ?? null;
    if (part !== null) return within(part, [b]);
    const at = this.#outputs[i]!;
    return this.#r.outputs[i]!.kind === "sum" ? at : within(at, [b]);
  }

  #shapeOf(id: NodeId): readonly Dim[] {
    return bodyNode(this.#r.body, id).shape;
  }
  #array(name: string, shape: readonly Dim[]): BufferLocation {
    const { memory } = this.#outer;
    // One array for all sequences: it is filled inside the loop over the batch.
    const depth = this.#outer.emitter.depth + (this.#sequence === null ? 1 : 0);
    return rowMajor(memory.scratch(name, memory.precision, product(shape), true), shape, depth);
  }

  emit(): void {
    const { emitter } = this.#outer;
    const r = this.#r;
    r.outputs.forEach((o, i) => {
      const at = this.#outputs[i]!;
      if (o.kind !== "sum" || at === null || this.#partial[i] !== null) return;
      loops(this.#outer, recurrenceOutputShape(r, o).shape, (index) =>
        this.#outer.store(at, index, float(0), false),
      );
    });
    const whole = (b: Affine): void => {
      this.begin(b);
      this.steps(b);
      this.finish(b);
    };
    if (this.#sequence === null) {
      whole(ofVariable(emitter.open("b", r.batch, { spread: "independent" })));
      emitter.close();
    } else whole(this.#sequence);
    r.outputs.forEach((o, i) => {
      if (o.kind === "sum" && this.#partial[i] !== null) this.#gather(o.node, i);
    });
  }

  get reverse(): boolean {
    return this.#r.reverse;
  }

  /** What comes before the steps of one sequence. */
  begin(b: Affine): void {
    const r = this.#r;
    r.outputs.forEach((o, i) => {
      const at = this.#outputs[i]!;
      if (at === null || (o.kind !== "batch-sum" && o.kind !== "sum")) return;
      if (o.kind === "sum" && this.#partial[i] === null) return;
      loops(this.#outer, this.#shapeOf(o.node), (index) =>
        this.#outer.store(this.#homeOf(i, b), index, float(0), false),
      );
    });
    r.carries.forEach((c, i) => {
      if (this.#turnedFirst(c.init, i, b)) return;
      loops(this.#outer, this.#shapeOf(c.next), (index) => {
        const first = this.#outer.evaluator.value(this.#outer.plan.region, c.init, [b, ...index]);
        this.#outer.store(this.#carries[i]!, index, first.expr, false);
      });
    });
  }

  /** The steps of one sequence, or some that lie together. */
  steps(b: Affine, range?: Range): void {
    const { replay } = this.#r;
    if (replay === null) this.#steps(b, range);
    else this.#replayed(b, replay, range);
  }

  /** What comes after them. */
  finish(b: Affine): void {
    const r = this.#r;
    r.outputs.forEach((o, i) => {
      const at = this.#outputs[i]!;
      if (o.kind !== "final") return;
      if (at !== null) this.#copyCarry(o.carry, within(at, [b]));
      const view = this.#shown.get(i);
      if (view === undefined) return;
      const [from, shape] = [this.#carries[o.carry]!, this.#shapeOf(r.carries[o.carry]!.next)];
      storeShown(this.#outer, view.shown, { from, shape, lead: [b], lengths: [r.batch] });
    });
  }

  /** Copies a first state that lies in another order than the loop has it in; false where it does not. */
  #turnedFirst(init: NodeId, carry: number, b: Affine): boolean {
    const { evaluator, plan } = this.#outer;
    const { region } = plan;
    if (!isStored(region, init)) return false;
    const to = this.#carries[carry]!;
    const shape = this.#shapeOf(this.#r.carries[carry]!.next);
    const isNext = (axis: number): boolean => {
      const stride = strideOf(region, init, axis + 1);
      return stride !== undefined && constant(stride) === 1;
    };
    const axis = shape.findIndex((_, a) => isNext(a));
    if (axis < 0) return false;
    const from = {
      at: (i: readonly Affine[]) => evaluator.address(region, init, [b, ...i])!,
      axis,
    };
    return copyTurned(this.#outer, shape, from, laid(this.#outer, to));
  }
  /** Adds up what the sequences gathered, always in the same order. */
  #gather(node: NodeId, i: number): void {
    const { emitter } = this.#outer;
    loops(this.#outer, this.#shapeOf(node), (index) => {
      const total = emitter.define("total", float(0), true);
      const b = ofVariable(emitter.open("b", this.#r.batch));
      const part = this.#homeOf(i, b);
      const address = emitter.index(plus(part.offset, linear(index, part.strides)));
      emitter.assign(total, add(total, load(part.buffer, address, "float")));
      emitter.close();
      this.#outer.store(this.#outputs[i]!, index, total, false);
    });
  }

  #copyCarry(carry: number, to: BufferLocation): void {
    const shape = this.#shapeOf(this.#r.carries[carry]!.next);
    this.#copy(this.#carries[carry]!, to, shape);
  }
  #copy(from: BufferLocation, to: BufferLocation, shape: readonly Dim[]): void {
    const { emitter } = this.#outer;
    loops(this.#outer, shape, (index) => {
      const address = plus(from.offset, linear(index, from.strides));
      const value: Expr = {
        op: "load",
        type: float(0).type,
        buffer: from.buffer,
        index: emitter.index(address),
      };
      this.#outer.store(to, index, value, false);
    });
  }

  /** Room for so many states of each carry. */
  states(count: Dim): BufferLocation[] {
    const { memory, emitter } = this.#outer;
    return this.#r.carries.map((c) => {
      const shape = [count, ...this.#shapeOf(c.next)];
      const name = memory.scratch(`${c.name}_saved`, memory.precision, product(shape), true);
      return rowMajor(name, shape, emitter.depth);
    });
  }
  save(to: readonly BufferLocation[], index: Affine): void {
    to.forEach((at, i) => this.#copyCarry(i, within(at, [index])));
  }
  restore(from: readonly BufferLocation[], index: Affine): void {
    from.forEach((at, i) => {
      const shape = this.#shapeOf(this.#r.carries[i]!.next);
      this.#copy(within(at, [index]), this.#carries[i]!, shape);
    });
  }

  /** Some steps of one sequence of which nothing is wanted but the states after them. */
  statesAfter(b: Affine, range: Range): void {
    const { emitter } = this.#outer;
    const r = statesAlone(this.#r);
    const t = ofVariable(emitter.open("t", r.time, { down: r.reverse, ...range }));
    this.#step(r, b, t, new Map(), this.#states(r));
    emitter.close();
  }

  #steps(b: Affine, range?: Range): void {
    const { emitter } = this.#outer;
    const r = this.#r;
    const t = ofVariable(emitter.open("t", r.time, { down: r.reverse, ...range }));
    r.outputs.forEach((o, i) => {
      const at = this.#outputs[i]!;
      if (o.kind !== "border" || at === null) return;
      const segments = apply("ceildiv", r.time, o.every);
      const { quotient, remainder } = emitter.divmod(t, o.every, segments);
      emitter.when(binary("eq", emitter.index(remainder), int(0)), () =>
        this.#copyCarry(o.carry, within(at, [b, quotient])),
      );
    });
    this.#body(b, t, new Map());
    emitter.close();
  }

  /** With the carries of every step at hand, the steps backwards; else segment by segment from the last: the forward carries of every step, then the steps backwards. */
  #replayed(b: Affine, replay: Replay, range?: Range): void {
    const { emitter, memory, plan } = this.#outer;
    const r = this.#r;
    if (constant(replay.every) === 1) {
      const t = ofVariable(emitter.open("t", r.time, { down: true, ...range }));
      const before = new Map<NodeId, Location>(
        replay.carries.map((c) => [
          c.target,
          { kind: "outer", region: plan.region, node: c.borders, prefix: [b, t] },
        ]),
      );
      this.#body(b, t, before);
      emitter.close();
      return;
    }
    const segments = apply("ceildiv", r.time, replay.every);
    const segment = emitter.open("segment", segments, { down: true });
    const every = emitter.size(replay.every);
    const fromExpr = emitter.define("from", mul(intVariable(segment.name), every));
    const end = binary("min", add(fromExpr, every), emitter.size(r.time));
    const to = emitter.define("to", end);
    const from = ofVariable(emitter.indexVariable(fromExpr, r.time, emitter.depth));
    const history = replay.carries.map((c) => {
      const shape = bodyNode(replay.body, c.next).shape;
      const name = memory.scratch(
        `${c.name}_before`,
        memory.precision,
        multiply(replay.every, product(shape)),
        true,
      );
      return { shape, at: rowMajor(name, [replay.every, ...shape], emitter.depth) };
    });
    replay.carries.forEach((c, i) => {
      const { shape, at } = history[i]!;
      loops(this.#outer, shape, (index) => {
        const border = this.#outer.evaluator.value(plan.region, c.borders, [
          b,
          ofVariable(segment),
          ...index,
        ]);
        this.#outer.store(within(at, [fixed(0)]), index, border.expr, false);
      });
    });
    emitter.comment("the states before each step of this segment, computed again");
    const s = ofVariable(emitter.open("s", r.time, { from: fromExpr, to: sub(to, int(1)) }));
    const row = (t: Affine) => minus(t, from);
    const sinks = replay.carries.map((c, i): Sink => ({
      node: c.next,
      target: { location: within(history[i]!.at, [shifted(row(s), dim(1))]), add: false },
      overwrites: null,
    }));
    this.#region(replay.body, sinks, (region) => {
      this.#bind(region, replay.bindings, b, s);
      replay.carries.forEach((c, i) =>
        region.locations.set(c.input, this.#here(within(history[i]!.at, [row(s)]))),
      );
    });
    emitter.close();
    const t = ofVariable(emitter.open("t", r.time, { from: fromExpr, to, down: true }));
    const before = new Map(
      replay.carries.map((c, i) => [c.target, within(history[i]!.at, [row(t)])] as const),
    );
    this.#body(b, t, before);
    emitter.close();
    emitter.close();
  }

  /** The states after a step, written over those before it. */
  #states(r: Recurrence): Sink[] {
    return r.carries.flatMap((c, i) =>
      c.next === c.input
        ? []
        : [
            {
              node: c.next,
              target: { location: this.#carries[i]!, add: false },
              overwrites: c.input,
            },
          ],
    );
  }

  #step(
    r: Recurrence,
    b: Affine,
    t: Affine,
    before: ReadonlyMap<NodeId, Location>,
    sinks: readonly Sink[],
  ): void {
    this.#region(r.body, sinks, (region) => {
      this.#bind(region, r.bindings, b, t);
      r.carries.forEach((c, i) => region.locations.set(c.input, this.#here(this.#carries[i]!)));
      for (const [target, at] of before) {
        region.locations.set(target, at.kind === "buffer" ? this.#here(at) : at);
      }
    });
  }

  #body(b: Affine, t: Affine, before: ReadonlyMap<NodeId, Location>): void {
    const r = this.#r;
    const sinks = this.#states(r);
    r.outputs.forEach((o, i) => {
      const at = this.#outputs[i]!;
      const step = this.#shown.get(i)?.step;
      if (step && o.kind === "stack") {
        sinks.push({
          node: o.node,
          target: { location: this.#here(step), add: false },
          overwrites: null,
        });
      }
      if (at === null) return;
      if (o.kind === "stack") {
        sinks.push({
          node: o.node,
          target: { location: within(at, [b, t]), add: false },
          overwrites: null,
        });
      } else if (o.kind === "sum" || o.kind === "batch-sum") {
        const location = this.#homeOf(i, b);
        sinks.push({ node: o.node, target: { location, add: true }, overwrites: null });
      }
    });
    this.#step(r, b, t, before, sinks);
    r.outputs.forEach((o, i) => {
      const view = this.#shown.get(i);
      if (o.kind !== "stack" || !view?.step) return;
      const [from, shape] = [view.step, this.#shapeOf(o.node)];
      const lengths = [r.batch, r.time];
      storeShown(this.#outer, view.shown, { from, shape, lead: [b, t], lengths });
    });
  }

  /** Contents change from step to step: nothing is read from there before the step begins. */
  #here(at: BufferLocation): BufferLocation {
    return { ...at, depth: this.#outer.emitter.depth };
  }

  #bind(region: Region, bindings: readonly Binding[], b: Affine, t: Affine): void {
    for (const x of bindings) {
      if (x.kind === "position") {
        region.locations.set(x.input, { kind: "index", value: t });
        continue;
      }
      const prefix = x.kind === "sequence" ? [b, t] : x.kind === "batch" ? [b] : [];
      const { region: outer } = this.#outer.plan;
      region.locations.set(x.input, { kind: "outer", region: outer, node: x.value, prefix });
    }
  }

  /** One step's graph, planned and written at the present place. */
  #region(body: Recurrence["body"], sinks: readonly Sink[], place: (region: Region) => void): void {
    const { emitter, memory } = this.#outer;
    const plan = planRegion(body, sinks, emitter.depth, place);
    for (const x of plan.region.graph.nodes) {
      if (x.op === "input" && plan.choice.uses.has(x.id) && !plan.region.locations.has(x.id)) {
        throw new InternalError(`input ${x.name} of ${body.name} is bound to nothing`);
      }
    }
    const nests = nest(schedule(plan.stages, plan.deps), plan.deps, memory.machine);
    assignHomes(plan, [nests], memory, emitter.depth);
    new Lowering(plan, emitter, memory, this.#outer.whole).nests(nests);
  }
}
