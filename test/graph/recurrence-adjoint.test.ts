import { describe, expect, test } from "vitest";
import { dim } from "../../compiler/dims.ts";
import {
  gradientOfSeeds,
  GraphBuilder,
  unroll,
  withGradients,
  withInitialStates,
} from "../../compiler/graph/index.ts";
import { checkProgramGradients } from "../support/finite.ts";
import {
  attentionStep,
  cellStep,
  deltaStep,
  selfReferentialStep,
  statelessStep,
} from "../support/steps.ts";

const sizes = (time: number, past = 0) => ({
  batch: 2,
  time,
  past,
  named: new Map([["width", 3]]),
});

describe("the adjoint of a recurrence", () => {
  for (const time of [1, 2, 5]) {
    for (const every of [1, 4, 16]) {
      test.each([
        ["delta rule", deltaStep(dim(2), dim(3))],
        ["gated cell", cellStep(3)],
        ["self-referential", selfReferentialStep(2)],
      ])(`%s, ${time} steps, states kept every ${every}`, (_, step) => {
        checkProgramGradients(unroll(step), sizes(time), { every: dim(every) });
      });
    }
  }

  test("segments that do not divide the steps", () => {
    checkProgramGradients(unroll(deltaStep(dim(1), dim(2))), { ...sizes(17), batch: 1 }, { every: dim(4) }); // prettier-ignore
    checkProgramGradients(unroll(selfReferentialStep(1)), { ...sizes(17), batch: 1 });
  });

  test("a growing state", () => {
    checkProgramGradients(unroll(attentionStep()), sizes(4, 2), { every: dim(3) });
  });

  test("no state", () => {
    checkProgramGradients(unroll(statelessStep()), sizes(3));
  });

  test("a learned initial state", () => {
    checkProgramGradients(withInitialStates(unroll(deltaStep(dim(2), dim(3)))), sizes(5));
  });

  test("asks only for what is wanted", () => {
    const program = withGradients(unroll(cellStep()), { states: true });
    const names = program.outputs.filter((p) => p.role === "gradient").map((p) => p.name);
    expect(names).toEqual(["state.h", "state.c"]);
  });

  test("is not differentiated again", () => {
    const program = withGradients(unroll(cellStep()));
    const b = GraphBuilder.extend(program.graph);
    const port = program.outputs.find((p) => p.name === "forgetx")!;
    const wrt = program.inputs.find((p) => p.name === "forgetx")!;
    const seeds = [{ node: port.node, cotangent: b.fill(1, port.shape) }];
    expect(() => gradientOfSeeds(b, seeds, [wrt.node])).toThrow("reverse recurrence");
  });
});
