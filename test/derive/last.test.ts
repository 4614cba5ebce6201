/** Losses that count at the last step only: recognised, and computed of the states at the end. */
import { describe, expect, test } from "vitest";
import { chunk, countsLast, stage } from "../../compiler/derive/index.ts";
import { dim } from "../../compiler/dims.ts";
import {
  concretize,
  runProgram,
  unroll,
  verifyProgram,
  WEIGHT,
  withGradients,
  type GraphBuilder,
  type NodeId,
  type SequenceProgram,
  type StepProgram,
} from "../../compiler/graph/index.ts";
import { expectMapsClose } from "../support/compare.ts";
import { cutToLast } from "../support/last.ts";
import { drawInputs, portKey, StepBuilder } from "../support/steps.ts";
import * as steps from "./steps.ts";

const all = (step: StepProgram) => new Set(step.outputs.map((o) => o.name));

/** Per loop its states, and per value that leaves it at every step its number of axes. */
const loops = (program: SequenceProgram) =>
  program.graph.nodes.flatMap((n) => {
    if (n.op !== "recurrence") return [];
    const { body, carries, outputs } = n.recurrence;
    const out = outputs.flatMap((o) =>
      o.kind === "stack" ? [body.nodes[o.node]!.shape.length] : [],
    );
    return [{ states: carries.map((c) => c.name), out }];
  });

/** Its last values, final states and gradients, staged and in chunks, are those of all steps with the last cut out. */
function expectSameMeaning(given: StepProgram): SequenceProgram {
  const step = concretize(given, () => 3);
  const staged = stage(step, all(step));
  const forms = [staged, chunk(staged, { length: 4, elementwise: true }).program];
  const plain = withGradients(cutToLast(unroll(step), all(step)));
  for (const form of forms) {
    verifyProgram(form);
    expect(form.outputs.map(portKey).sort()).toEqual(
      cutToLast(unroll(step), all(step)).outputs.map(portKey).sort(),
    );
    const found = withGradients(form);
    for (const time of [1, 2, 7]) {
      for (const past of step.states.some((s) => s.growing) ? [0, 2] : [0]) {
        const sizes = { batch: 2, time, past };
        const inputs = drawInputs(plain, sizes);
        expectMapsClose(runProgram(found, inputs, sizes), runProgram(plain, inputs, sizes), 1e-10);
      }
    }
  }
  return staged;
}

describe("what is asked for at the last step only", () => {
  test("a memory that only adds up is a product over time, no loop", () => {
    expect(loops(expectSameMeaning(steps.linearAttention()))).toEqual([]);
  });

  test("a loop that the spec schedules stays", () => {
    const step = concretize(steps.linearAttention(), () => 3);
    const origin = { label: null, file: "made_up.fwp", start: 0, end: 0 };
    const schedule = { form: "chunk", length: 4, origin } as const;
    const states = step.states.map((s) => (s.name === "W" ? { ...s, schedule } : s));
    expect(loops(stage({ ...step, states }, all(step)))).toEqual([{ states: ["W"], out: [] }]);
  });

  test("of a matrix that is no product there is never one per step: its loop stays", () => {
    const s = new StepBuilder("squashed");
    const b = s.body;
    const [v, k] = [s.input("v", [dim(5)]), s.input("k", [dim(4)])];
    const write = b.unary("tanh", b.contract(v, [0], k, [1], [0, 1]));
    const w = b.add(s.state("W", [dim(5), dim(4)]), write);
    s.update("W", w);
    s.outputs.push({ name: "y", node: b.contract(w, [0, 1], s.input("q", [dim(4)]), [1], [0]) });
    expect(loops(expectSameMeaning(s.finish()))).toEqual([{ states: ["W"], out: [] }]);
  });

  test("a read after the write is made of the state at the end, once", () => {
    expect(loops(expectSameMeaning(steps.deltaNet()))).toEqual([{ states: ["W"], out: [] }]);
  });

  test("what is fed back, and a state that is delayed, stay in the loop", () => {
    expect(loops(expectSameMeaning(steps.recurrentDeltaNet()))).toEqual([
      { states: ["y.prev", "W"], out: [] },
    ]);
    expectSameMeaning(steps.tokenShift());
    expectSameMeaning(steps.delayedMatrix());
    expectSameMeaning(steps.recurrentThenDelta());
  });

  test("a read before the write leaves the loop at every step, as a vector", () => {
    expect(loops(expectSameMeaning(steps.srwm()))).toEqual([{ states: ["W"], out: [2] }]);
  });

  test.each([
    { feedback: false, readFirst: false },
    { feedback: false, readFirst: true },
    { feedback: true, readFirst: false },
  ])("attention over a growing memory asks once: %o", (options) => {
    expectSameMeaning(steps.attention(options));
  });

  test("layers, and none that has a state", () => {
    expectSameMeaning(steps.deltaMlp());
    expectSameMeaning(steps.mutual());
    expectSameMeaning(steps.feedForward());
  });
});

/** A step whose weight is made of an input that is zero before the last step, and one that need not be. */
function weighted(weight: (b: GraphBuilder, last: NodeId, free: NodeId) => NodeId): StepProgram {
  const s = new StepBuilder("weighted");
  const last = s.input("last", []);
  s.inputs[0] = { ...s.inputs[0]!, nonzero: "last" };
  const free = s.input("free", []);
  s.outputs.push({ name: WEIGHT, node: weight(s.body, last, free) });
  return s.finish();
}

describe("a weight that is zero before the last step, whatever the data", () => {
  test.each<[string, Parameters<typeof weighted>[0]]>([
    ["it", (_, last) => last],
    ["it times another", (b, last, free) => b.mul(free, last)],
    ["its size by another", (b, last, free) => b.div(b.unary("abs", last), b.unary("exp", free))],
    ["whether it is positive", (b, last) => b.binary("lt", b.constant(0), last)],
    ["whether it is large", (b, last) => b.binary("lt", b.constant(0.5), last)],
    ["a choice", (b, last, free) => b.select(b.binary("ne", last, b.constant(0)), free, b.constant(0))], // prettier-ignore
    ["a sum of it", (b, last) => b.sum(b.broadcast(last, [], [dim(3)]), [0])],
  ])("%s", (_, weight) => {
    expect(countsLast(weighted(weight))).toBe(true);
  });

  test.each<[string, Parameters<typeof weighted>[0]]>([
    ["another", (_, __, free) => free],
    ["it and another", (b, last, free) => b.add(free, last)],
    ["what is left of 1", (b, last) => b.sub(b.constant(1), last)],
    ["its exponential", (b, last) => b.unary("exp", last)],
    ["whether it is zero", (b, last) => b.binary("eq", last, b.constant(0))],
    ["the other choice", (b, last, free) => b.select(last, b.constant(0), free)],
  ])("not %s", (_, weight) => {
    expect(countsLast(weighted(weight))).toBe(false);
  });

  test("a loss without weight counts everywhere", () => {
    expect(countsLast(steps.deltaNet())).toBe(false);
  });
});
