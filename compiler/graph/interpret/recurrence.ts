/** Makes graphs ready to run, and runs a recurrence sequence by sequence, step by step. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import { evaluateDim } from "../../dims.ts";
import type { Binding, Graph, NodeId, Recurrence, Replay } from "../ir.ts";
import { reachable } from "../rebuild.ts";
import { bodyNode, operands, recurrenceOutputShape } from "../shapes.ts";
import { elements } from "../tensor.ts";
import type { Values } from "./kernels.ts";
import { prepare, type Action, type Context, type Frame, type SizeLookup } from "./prepare.ts";

export interface Setting {
  readonly sizes: SizeLookup;
  /** Applied to every element of every float value; null for none. */
  readonly round: ((x: number) => number) | null;
}

/**
 * A graph made ready to run many times. `prologue` computes the nodes that none of the inputs in `varying` reaches;
 * `step` the others, with the same frame.
 */
export interface Prepared {
  readonly frame: Frame;
  prologue(): void;
  step(): void;
}

export function prepareGraph(
  graph: Graph,
  roots: Iterable<NodeId>,
  varying: ReadonlySet<NodeId>,
  { sizes, round }: Setting,
): Prepared {
  const context: Context = {
    graph,
    sizes,
    results: new Map(),
    recurrence: (r) => prepareRecurrence(r, { sizes, round }),
  };
  const frame: Frame = Array.from({ length: graph.nodes.length });
  const varies = new Set<NodeId>();
  const early: [NodeId, Action][] = [];
  const late: [NodeId, Action][] = [];
  for (const node of reachable(graph, roots)) {
    const again = varying.has(node.id) || operands(node).some((x) => varies.has(x));
    if (again) varies.add(node.id);
    const action = prepare(node, context);
    const rounds = round !== null && node.dtype === "float";
    (again ? late : early).push([node.id, rounds ? (f) => action(f).map(round) : action]);
  }
  const runAll = (list: readonly [NodeId, Action][]) => {
    for (const [id, action] of list) frame[id] = action(frame);
  };
  return { frame, prologue: () => runAll(early), step: () => runAll(late) };
}

/** Puts what a body's inputs are bound to into its frame. */
class Feeder {
  readonly #bindings: readonly Binding[];
  readonly #width = new Map<NodeId, number>();
  readonly #time: number;

  constructor(body: Graph, bindings: readonly Binding[], time: number, sizes: SizeLookup) {
    this.#bindings = bindings;
    this.#time = time;
    for (const { input } of bindings) {
      const shape = bodyNode(body, input).shape.map((d) => evaluateDim(d, sizes));
      this.#width.set(input, elements(shape));
    }
  }
  shared(outer: Frame, inner: Frame): void {
    for (const b of this.#bindings) if (b.kind === "shared") inner[b.input] = outer[b.value]!;
  }
  sequence(outer: Frame, inner: Frame, b: number): void {
    for (const x of this.#bindings) {
      if (x.kind === "batch") inner[x.input] = this.#row(outer[x.value]!, x.input, b);
    }
  }
  step(outer: Frame, inner: Frame, b: number, t: number): void {
    for (const x of this.#bindings) {
      if (x.kind === "position") inner[x.input] = Float64Array.of(t);
      if (x.kind === "sequence") {
        inner[x.input] = this.#row(outer[x.value]!, x.input, b * this.#time + t);
      }
    }
  }
  #row(values: Values, input: NodeId, index: number): Values {
    const width = this.#width.get(input)!;
    return values.subarray(index * width, (index + 1) * width);
  }
}

const row = (values: Values, width: number, index: number): Values =>
  values.subarray(index * width, (index + 1) * width);

function bodyInputs(bindings: readonly Binding[]): NodeId[] {
  return bindings.filter((b) => b.kind !== "shared").map((b) => b.input);
}

/** Gives the forward carries before step t, for t going down: one segment is recomputed at a time. */
function prepareReplay(replay: Replay, time: number, setting: Setting) {
  const { sizes } = setting;
  const every = evaluateDim(replay.every, sizes);
  const segments = Math.ceil(time / every);
  const { body, carries } = replay;
  const varying = new Set([...carries.map((c) => c.input), ...bodyInputs(replay.bindings)]);
  const plan = prepareGraph(
    body,
    carries.map((c) => c.next),
    varying,
    setting,
  );
  const feed = new Feeder(body, replay.bindings, time, sizes);
  const widths = carries.map((c) =>
    elements(bodyNode(body, c.next).shape.map((d) => evaluateDim(d, sizes))),
  );
  let kept: Values[][] = [];
  return {
    start(outer: Frame): void {
      feed.shared(outer, plan.frame);
      plan.prologue();
    },
    /** The carries before step t of sequence b. */
    at(outer: Frame, b: number, t: number): readonly Values[] {
      const segment = Math.floor(t / every);
      if (t === time - 1 || t % every === every - 1) {
        let now = carries.map((c, i) => row(outer[c.borders]!, widths[i]!, b * segments + segment));
        kept = [now];
        feed.sequence(outer, plan.frame, b);
        for (let s = segment * every; s < t; s++) {
          feed.step(outer, plan.frame, b, s);
          carries.forEach((c, i) => (plan.frame[c.input] = now[i]!));
          plan.step();
          now = carries.map((c) => plan.frame[c.next]!);
          kept.push(now);
        }
      }
      return kept[t - segment * every]!;
    },
  };
}

function addTo(total: Values, x: Values, offset: number): void {
  for (let i = 0; i < x.length; i++) total[offset + i]! += x[i]!;
}

export function prepareRecurrence(r: Recurrence, setting: Setting): (outer: Frame) => Values[] {
  const { sizes } = setting;
  const [batch, time] = [evaluateDim(r.batch, sizes), evaluateDim(r.time, sizes)];
  const roots = r.carries.map((c) => c.next);
  for (const o of r.outputs) if ("node" in o) roots.push(o.node);
  const targets = r.replay === null ? [] : r.replay.carries.map((c) => c.target);
  const varying = new Set([
    ...r.carries.map((c) => c.input),
    ...bodyInputs(r.bindings),
    ...targets,
  ]);
  const plan: Prepared = prepareGraph(r.body, roots, varying, setting);
  const feed = new Feeder(r.body, r.bindings, time, sizes);
  const replay = r.replay === null ? null : prepareReplay(r.replay, time, setting);
  const counts = r.outputs.map((o) =>
    elements(recurrenceOutputShape(r, o).shape.map((d) => evaluateDim(d, sizes))),
  );
  const widths = r.carries.map((c) =>
    elements(bodyNode(r.body, c.next).shape.map((d) => evaluateDim(d, sizes))),
  );
  if (replay !== null && !r.reverse) throw new InternalError("a replay that runs forward");

  return (outer) => {
    const out = counts.map((n) => new Float64Array(n));
    const { frame } = plan;
    feed.shared(outer, frame);
    plan.prologue();
    replay?.start(outer);
    for (let b = 0; b < batch; b++) {
      feed.sequence(outer, frame, b);
      let now = r.carries.map((c, i) => row(outer[c.init]!, widths[i]!, b));
      for (let k = 0; k < time; k++) {
        const t = r.reverse ? time - 1 - k : k;
        feed.step(outer, frame, b, t);
        r.carries.forEach((c, i) => (frame[c.input] = now[i]!));
        if (replay !== null) {
          const before = replay.at(outer, b, t);
          targets.forEach((target, i) => (frame[target] = before[i]!));
        }
        plan.step();
        r.outputs.forEach((o, i) => {
          switch (o.kind) {
            case "stack":
              return out[i]!.set(frame[o.node]!, (b * time + t) * frame[o.node]!.length);
            case "sum":
              return addTo(out[i]!, frame[o.node]!, 0);
            case "batch-sum":
              return addTo(out[i]!, frame[o.node]!, b * frame[o.node]!.length);
            case "border": {
              const every = evaluateDim(o.every, sizes);
              const index = b * Math.ceil(time / every) + Math.floor(t / every);
              if (t % every === 0) out[i]!.set(now[o.carry]!, index * widths[o.carry]!);
              return;
            }
            case "final":
              return;
            default:
              return unreachable(o);
          }
        });
        now = r.carries.map((c) => frame[c.next]!);
      }
      r.outputs.forEach((o, i) => {
        if (o.kind === "final") out[i]!.set(now[o.carry]!, b * widths[o.carry]!);
      });
    }
    return out;
  };
}
