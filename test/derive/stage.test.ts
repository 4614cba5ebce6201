import { describe, expect, test } from "vitest";
import { stage } from "../../compiler/derive/stage/index.ts";
import {
  concretize,
  runProgram,
  unroll,
  verifyProgram,
  verifyStep,
  type Recurrence,
  type SequenceProgram,
  type StepProgram,
} from "../../compiler/graph/index.ts";
import { dim, named } from "../../compiler/dims.ts";
import { expectMapsClose } from "../support/compare.ts";
import { drawInputs, selfReferentialStep, statelessStep } from "../support/steps.ts";
import * as steps from "./steps.ts";

const widths = new Map([["width", 3]]);

function loops(program: SequenceProgram): Recurrence[] {
  return program.graph.nodes.flatMap((n) => (n.op === "recurrence" ? [n.recurrence] : []));
}
/** States of each loop and the parameters that it takes in. */
function shape(program: SequenceProgram) {
  return loops(program).map((r) => ({
    states: r.carries.map((c) => c.name),
    trained: r.bindings.flatMap((b) => {
      const node = b.kind === "shared" ? program.graph.nodes[b.value]! : null;
      return node?.op === "input" ? [node.name] : [];
    }),
    outputs: r.outputs
      .filter((o) => o.kind === "stack")
      .map((o) => r.body.nodes[o.node]!.shape.map((x) => x.key).join(" ")),
  }));
}

function expectSameMeaning(step: StepProgram, past = 0): SequenceProgram {
  verifyStep(step);
  const [plain, staged] = [unroll(step), stage(step)];
  verifyProgram(staged);
  const key = (p: { role: string; name: string }) => `${p.role}:${p.name}`;
  expect(staged.inputs.map(key)).toEqual(plain.inputs.map(key));
  expect(staged.outputs.map(key)).toEqual(plain.outputs.map(key));
  for (const time of [1, 5]) {
    const sizes = { batch: 2, time, past, named: widths };
    const inputs = drawInputs(plain, sizes);
    expectMapsClose(runProgram(staged, inputs, sizes), runProgram(plain, inputs, sizes));
  }
  return staged;
}

describe("stage", () => {
  test("linear attention", () => {
    const staged = expectSameMeaning(steps.linearAttention());
    console.log(JSON.stringify(shape(staged)));
  });
  test.each(Object.entries({
    deltaNet: steps.deltaNet(),
    rdn: steps.recurrentDeltaNet(),
    lstm: steps.recurrentThenDelta(),
    mlp: steps.deltaMlp(),
    srwm: steps.srwm(),
    shift: steps.tokenShift(),
    att1: steps.attention({ feedback: false, readFirst: false }),
    att2: steps.attention({ feedback: false, readFirst: true }),
    att3: steps.attention({ feedback: true, readFirst: false }),
    att4: steps.attention({ feedback: true, readFirst: true }),
    ff: steps.feedForward(),
    delayed: steps.delayedMatrix(),
    self: selfReferentialStep(),
    none: statelessStep(),
  }))("%s", (name, step) => {
    const staged = expectSameMeaning(step, name.startsWith("att") ? 3 : 0);
    console.log(name, JSON.stringify(shape(staged)));
  });
});
