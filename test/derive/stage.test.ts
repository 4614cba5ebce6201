import { describe, expect, test } from "vitest";
import { dim, named } from "../../compiler/dims.ts";
import { stage } from "../../compiler/derive/stage/index.ts";
import {
  concretize,
  runProgram,
  unroll,
  verifyProgram,
  verifyStep,
  withGradients,
  type Recurrence,
  type SequenceProgram,
  type StepProgram,
} from "../../compiler/graph/index.ts";
import { StepBuilder, drawInputs, portKey, selfReferentialStep } from "../support/steps.ts";
import { expectMapsClose } from "../support/compare.ts";
import * as steps from "./steps.ts";

const widths = new Map([["width", 3]]);
const values = (atom: { name: string }) => widths.get(atom.name);

function loops(program: SequenceProgram): Recurrence[] {
  return program.graph.nodes.flatMap((n) => (n.op === "recurrence" ? [n.recurrence] : []));
}

/** Per loop: its states, the parameters that its body uses and the shapes that leave it at every step. */
function structure(program: SequenceProgram) {
  return loops(program).map((r) => ({
    states: r.carries.map((c) => c.name),
    weights: r.bindings.flatMap((b) => {
      const node = b.kind === "shared" ? program.graph.nodes[b.value]! : null;
      return node?.op === "input" ? [node.name.replace("parameter:", "")] : [];
    }),
    out: r.outputs.flatMap((o) =>
      o.kind === "stack" ? [r.body.nodes[o.node]!.shape.map((x) => x.key).join("")] : [],
    ),
  }));
}

/** Outputs, final states and the gradients of all inputs, parameters and first states. */
function expectSameMeaning(step: StepProgram, pasts: readonly number[] = [0]): SequenceProgram {
  verifyStep(step);
  const [plain, staged] = [unroll(step), stage(step)];
  verifyProgram(staged);
  expect(staged.inputs.map(portKey)).toEqual(plain.inputs.map(portKey));
  expect(staged.outputs.map(portKey)).toEqual(plain.outputs.map(portKey));
  const [expected, found] = [withGradients(plain), withGradients(staged)];
  verifyProgram(found);
  for (const past of pasts) {
    for (const time of [1, 2, 5]) {
      const sizes = { batch: 2, time, past, named: widths };
      const inputs = drawInputs(expected, sizes);
      expectMapsClose(runProgram(found, inputs, sizes), runProgram(expected, inputs, sizes), 1e-10);
    }
  }
  return staged;
}

describe("one loop per set of states that need each other, projections of the input outside", () => {
  test("linear attention: the matrix and its normaliser are two sums", () => {
    expect(structure(expectSameMeaning(steps.linearAttention()))).toEqual([
      { states: ["W"], weights: [], out: ["2*5*"] },
      { states: ["z"], weights: [], out: ["2*4*"] },
    ]);
  });

  test("a loop takes a write's factors, not the matrix that they make", () => {
    const [loop] = loops(stage(steps.linearAttention()));
    const taken = loop!.bindings.map((b) => loop!.body.nodes[b.input]!.shape.length);
    expect(taken).toEqual([2, 2, 2]);
  });

  test("delta net: the read stays in the loop, what is done with it does not", () => {
    expect(structure(expectSameMeaning(steps.deltaNet()))).toEqual([
      { states: ["W"], weights: [], out: ["2*5*"] },
    ]);
  });

  test("recurrent delta net: only products with the last output stay", () => {
    expect(structure(expectSameMeaning(steps.recurrentDeltaNet()))).toEqual([
      { states: ["y.prev", "W"], weights: ["k.r", "v.r", "q.r", "b.r"], out: ["2*5*"] },
    ]);
  });

  test("a recurrent net that programs a fast net: one loop after the other", () => {
    expect(structure(expectSameMeaning(steps.recurrentThenDelta()))).toEqual([
      { states: ["h", "c"], weights: ["f.h", "i.h", "g.h"], out: ["6*"] },
      { states: ["W"], weights: [], out: ["2*5*"] },
    ]);
  });

  test("fast weights of two layers: two loops, the function between them in none", () => {
    const staged = expectSameMeaning(steps.deltaMlp());
    expect(structure(staged)).toEqual([
      { states: ["W1"], weights: [], out: ["2*5*"] },
      { states: ["W2"], weights: [], out: ["2*4*"] },
    ]);
    const inside = loops(staged).flatMap((r) => r.body.nodes);
    expect(inside.filter((n) => n.op === "unary")).toEqual([]);
  });

  test("self-referential weights: everything but the function of the input", () => {
    const staged = expectSameMeaning(steps.srwm());
    expect(structure(staged)).toEqual([{ states: ["W"], weights: [], out: ["2*4*"] }]);
    expectSameMeaning(selfReferentialStep());
  });

  test("a delayed matrix is a second carry, not a matrix per step", () => {
    expect(structure(expectSameMeaning(steps.delayedMatrix()))).toEqual([
      { states: ["W", "W.prev"], weights: [], out: ["2*5*", ""] },
    ]);
  });

  test("a matrix that programs another and is programmed by it shares its loop", () => {
    expect(structure(expectSameMeaning(steps.mutual()))).toEqual([
      { states: ["A", "B"], weights: [], out: ["2*5*"] },
    ]);
  });
});

describe("no loop", () => {
  test.each([
    ["feed-forward", steps.feedForward()],
    ["token shift", steps.tokenShift()],
  ])("%s", (_, step) => {
    expect(loops(expectSameMeaning(step))).toEqual([]);
  });

  test.each([true, false])("attention over a cache, read before it grows: %s", (readFirst) => {
    const staged = expectSameMeaning(steps.attention({ feedback: false, readFirst }), [0, 3]);
    expect(loops(staged)).toEqual([]);
  });
});

test.each([true, false])("attention that sees its last output has a loop: %s", (readFirst) => {
  const staged = expectSameMeaning(steps.attention({ feedback: true, readFirst }), [0, 3]);
  expect(structure(staged)).toEqual([
    { states: ["y.prev", "keys", "values"], weights: ["k", "v"], out: ["3*"] },
  ]);
});

test("noise that differs from step to step is drawn in a loop of its own", () => {
  const s = new StepBuilder("noisy");
  const x = s.input("x", [dim(3)]);
  s.position = s.body.input("position", [], "int");
  const noise = s.body.random("normal", s.position, 1, [dim(3)]);
  s.outputs.push({ name: "y", node: s.body.add(x, noise) });
  expect(structure(expectSameMeaning(s.finish()))).toEqual([
    { states: [], weights: [], out: ["3*"] },
  ]);
});

test("sizes may get their numbers before or after", () => {
  const step = steps.linearAttention(named("width"));
  const symbolic = expectSameMeaning(step);
  const before = stage(concretize(step, values));
  const after = concretize(symbolic, values);
  verifyProgram(before);
  verifyProgram(after);
  const sizes = { batch: 2, time: 4, past: 0 };
  const inputs = drawInputs(before, sizes);
  expectMapsClose(runProgram(before, inputs, sizes), runProgram(after, inputs, sizes));
});
