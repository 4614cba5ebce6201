import * as fc from "fast-check";
import { expect, test } from "vitest";
import { stage } from "../../compiler/derive/stage/index.ts";
import {
  runProgram,
  unroll,
  verifyProgram,
  verifyStep,
  withGradients,
  type SequenceProgram,
} from "../../compiler/graph/index.ts";
import { relativeRms } from "../support/compare.ts";
import { cutToLast } from "../support/last.ts";
import { drawInputs } from "../support/steps.ts";
import { randomStep } from "./randomStep.ts";

const sizes = { batch: 2, time: 4, past: 0 };

const draws = fc.array(fc.integer({ min: 0, max: 1 << 20 }), { minLength: 20, maxLength: 120 });

/** Outputs, final states and all gradients. */
function expectSame(expected: SequenceProgram, found: SequenceProgram): void {
  const [plain, staged] = [withGradients(expected), withGradients(found)];
  verifyProgram(staged);
  const inputs = drawInputs(plain, sizes);
  const values = runProgram(staged, inputs, sizes);
  for (const [name, value] of runProgram(plain, inputs, sizes)) {
    // Unbounded products of products overflow in some draws: those prove nothing.
    if (value.data.some((x) => !(Math.abs(x) < 1e6))) continue;
    expect(relativeRms(values.get(name)!.data, value.data), name).toBeLessThan(1e-9);
  }
}

test("any step means the same staged and unrolled", () => {
  fc.assert(
    fc.property(draws, (list) => {
      const step = randomStep(list);
      verifyStep(step);
      expectSame(unroll(step), stage(step));
    }),
    { numRuns: 400, seed: 7 },
  );
});

test("outputs that are wanted at the last step only are those of all steps, cut", () => {
  fc.assert(
    fc.property(draws, fc.integer({ min: 0, max: 3 }), (list, others) => {
      const step = randomStep(list);
      const last = new Set(step.outputs.slice(others).map((o) => o.name));
      expectSame(cutToLast(unroll(step), last), stage(step, last));
    }),
    { numRuns: 400, seed: 8 },
  );
});
