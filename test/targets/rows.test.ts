import { describe, test } from "vitest";
import { stage } from "../../compiler/derive/index.ts";
import { dim } from "../../compiler/dims.ts";
import { concretize } from "../../compiler/graph/concretize.ts";
import { withGradients } from "../../compiler/graph/index.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { deltaStep, drawInputs, selfReferentialStep } from "../support/steps.ts";
import { compareOn } from "./harness.ts";

function compare(step: StepProgram): void {
  const program = withGradients(stage(concretize(step, () => 3)));
  const sizes = { batch: 2, time: 5, past: 0 };
  compareOn(program, drawInputs(program, sizes), sizes, [
    ["f64", 1e-10],
    ["f32", 1e-3],
  ]);
}

describe("matrices and vectors in a loop over time, rows and columns not a number of whole registers", () => {
  test.each([1, 5, 8, 11, 21, 37])("a self-referential matrix of %i columns", (n) => {
    compare(selfReferentialStep(n));
  });
  test.each([
    [7, 9],
    [9, 8],
    [35, 12],
    [12, 35],
  ])("a delta rule of %i and %i", (n, m) => {
    compare(deltaStep(dim(n), dim(m)));
  });
});
