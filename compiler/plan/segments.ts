/**
 * Loops over time of one sequence, forwards and then backwards, that run segment by segment: what the way back reads of the
 * way there is then kept for the steps of one segment only, in the cache, whatever the length of the sequence. The way there
 * is gone once with nothing kept but its states before each segment, and again, from the last segment on, before each segment
 * of the way back; of a sequence of one segment only once.
 */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { apply, constant, dim, equal, product } from "../dims.ts";
import type { NodeId, RecurrenceNode, RecurrenceOutput } from "../graph/ir.ts";
import { add, binary, int, intVariable, mul, select, sub } from "../loop/build.ts";
import { minus, ofVariable, times, type Affine, type IndexVariable } from "./affine.ts";
import type { Lowering } from "./lower.ts";
import type { Machine } from "./machine.ts";
import type { Nest, Segments } from "./order.ts";
import type { RegionPlan } from "./place.ts";
import { RecurrenceLowering } from "./recurrence.ts";
import type { Location, Region } from "./region.ts";
import { readsByStep, type Stage } from "./stages.ts";

/** Longer sequences go there and again anyway: their segments are so many times shorter, and well inside its cache. */
const SHORTER = 8;

/** The nests with their loops over sequences run by segments where they can be. */
export function bySegments(plan: RegionPlan, nests: readonly Nest[], machine: Machine): Nest[] {
  if (machine.kind === "scalar") return [...nests];
  return nests.map((n) => {
    const segments = n.kind === "loop" ? segmentsOf(plan, n.body, machine.atHand) : null;
    return segments === null ? n : { ...n, segments };
  });
}

function segmentsOf(plan: RegionPlan, body: readonly Nest[], atHand: number): Segments | null {
  const { region } = plan;
  const stages = body.flatMap((n) => (n.kind === "stage" ? [n.stage] : []));
  const loops = stages.flatMap((s) => loopOf(region, s) ?? []);
  if (loops.length < body.length || loops.length < 2) return null;
  const { time } = loops[0]!.recurrence;
  const back = loops.findIndex((l) => l.recurrence.reverse);
  const there = loops.slice(0, back);
  if (back < 1 || loops.slice(back).some((l) => !l.recurrence.reverse)) return null;
  if (!loops.every((l) => equal(l.recurrence.time, time))) return null;
  if (there.some((l) => l.recurrence.replay !== null)) return null;
  const own = new Set(loops.map((l) => l.id));
  if (!loops.every((l) => readsOnly(plan, l, own, readableBy(l)))) return null;
  const kept = keptResults(plan, stages, own);
  const numbers = kept.map((id) => constant(product(region.node(id).shape.slice(2))));
  const each = numbers.reduce<number>((sum, n) => sum + (n ?? Infinity), 0);
  if (each === 0 || !Number.isFinite(each)) return null;
  const most = Math.max(1, Math.floor(atHand / each));
  return { length: Math.max(1, Math.floor(most / SHORTER)), most, kept };
}

function loopOf(region: Region, s: Stage): RecurrenceNode | null {
  const node = region.node(s.node);
  return node.op === "recurrence" && !s.copies ? node : null;
}

const isOfStep = (o: RecurrenceOutput): boolean =>
  o.kind === "stack" || (o.kind === "border" && constant(o.every) === 1);

/** On the way there nothing is there to read but what comes from outside. */
const readableBy = ({ recurrence: r }: RecurrenceNode): ((o: RecurrenceOutput) => boolean) =>
  r.reverse ? isOfStep : () => false;

/** Whether all that a loop reads of the others are results such as `isReadable`, at the step that it is at. */
function readsOnly(
  { region, choice }: RegionPlan,
  loop: RecurrenceNode,
  own: ReadonlySet<NodeId>,
  isReadable: (o: RecurrenceOutput) => boolean,
): boolean {
  const { replay } = loop.recurrence;
  if (replay !== null && constant(replay.every) !== 1) return false;
  const { elsewhere, atStep } = readsByStep(region, choice, loop);
  const ofOthers = (ids: Iterable<NodeId>): RecurrenceOutput[] =>
    [...ids].flatMap((id) => {
      const x = region.node(id);
      const of = x.op === "result" && own.has(x.of) ? region.node(x.of) : null;
      return x.op === "result" && of?.op === "recurrence" ? of.recurrence.outputs[x.index]! : [];
    });
  return ofOthers(elsewhere).length === 0 && ofOthers(atStep).every(isReadable);
}

/** Results that only these stages read. */
function keptResults(
  { region, stages: all }: RegionPlan,
  stages: readonly Stage[],
  own: ReadonlySet<NodeId>,
): NodeId[] {
  return region.graph.nodes.flatMap((x) => {
    if (x.op !== "result" || !own.has(x.of)) return [];
    if (region.locations.has(x.id) || region.shown.has(x.id)) return [];
    const readers = all.filter((s) => s.reads.has(x.id));
    return readers.length > 0 && readers.every((s) => stages.includes(s)) ? [x.id] : [];
  });
}

/** Writes the loops of the sequence `b`. */
export function emitSegments(
  l: Lowering,
  stages: readonly Stage[],
  { length, most, kept }: Segments,
  b: Affine,
): void {
  const { emitter } = l;
  const { region } = l.plan;
  const nodes = stages.flatMap((s) => loopOf(region, s) ?? []);
  const { time } = nodes[0]!.recurrence;
  const name = emitter.name("first");
  const first: IndexVariable = { name, extent: time, depth: emitter.depth + 1 };
  const places = kept.map((id) => [id, region.locations.get(id)!] as const);
  for (const [id, at] of places) region.locations.set(id, onlyFrom(at, first));
  const loops = nodes.map((node) => new RecurrenceLowering(l, node, b));
  const there = loops.filter((loop) => !loop.reverse);
  const back = loops.filter((loop) => loop.reverse);
  for (const loop of loops) loop.begin(b);

  const segments = apply("ceildiv", time, dim(length));
  const saved = there.map((loop) => loop.states(segments));
  const atOnce = binary("le", emitter.size(time), int(most));
  const each = emitter.define("steps", select(atOnce, int(most), int(length)));
  const count = emitter.define("count", select(atOnce, int(1), emitter.size(segments)));
  const lastOne = emitter.define("last_one", sub(count, int(1)));
  const both = sub(mul(int(2), count), int(1));
  emitter.comment("there, keeping states; then segment by segment there again and back");
  const round = intVariable(emitter.open("round", time, { to: both }).name);
  const returns = binary("lt", lastOne, round);
  const down = sub(mul(int(2), lastOne), round);
  const number = emitter.define("segment", select(returns, down, round));
  const segment = ofVariable(emitter.indexVariable(number, segments, emitter.depth));
  const from = mul(number, each);
  emitter.emit({ op: "define", name, type: from.type, mutable: false, value: from });
  const start = intVariable(name);
  const end = binary("min", sub(emitter.size(time), start), each);
  const to = emitter.define("end", add(start, end));
  const steps = { from: start, to };
  emitter.when(
    binary("lt", round, lastOne),
    () => {
      there.forEach((loop, i) => loop.save(saved[i]!, segment));
      for (const loop of there) loop.statesAfter(b, steps);
    },
    () => {
      emitter.when(returns, () => there.forEach((loop, i) => loop.restore(saved[i]!, segment)));
      for (const loop of there) loop.steps(b, steps);
      emitter.when(binary("eq", round, lastOne), () => there.forEach((loop) => loop.finish(b)));
      for (const loop of back) loop.steps(b, steps);
    },
  );
  emitter.close();
  for (const loop of back) loop.finish(b);
  for (const [id, at] of places) region.locations.set(id, at);
}

/** A place of what is there from the step `first` on. */
function onlyFrom(at: Location, first: IndexVariable): Location {
  if (at.kind !== "buffer") throw new InternalError("a loop leaves something in no buffer");
  const before = times(ofVariable(first), at.strides[1]!);
  return { ...at, offset: minus(at.offset, before) };
}
