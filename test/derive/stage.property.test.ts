import * as fc from "fast-check";
import { expect, test } from "vitest";
import { stage } from "../../compiler/derive/stage/index.ts";
import {
  runProgram,
  unroll,
  verifyProgram,
  verifyStep,
  withGradients,
} from "../../compiler/graph/index.ts";
import { relativeRms } from "../support/compare.ts";
import { drawInputs } from "../support/steps.ts";
import { randomStep } from "./randomStep.ts";

const sizes = { batch: 2, time: 4, past: 0 };

test("any step means the same staged and unrolled", () => {
  const draws = fc.array(fc.integer({ min: 0, max: 1 << 20 }), { minLength: 20, maxLength: 120 });
  fc.assert(
    fc.property(draws, (list) => {
      const step = randomStep(list);
      verifyStep(step);
      const [plain, staged] = [unroll(step), stage(step)].map((p) => withGradients(p));
      verifyProgram(staged!);
      const inputs = drawInputs(plain!, sizes);
      const expected = runProgram(plain!, inputs, sizes);
      const found = runProgram(staged!, inputs, sizes);
      for (const [name, value] of expected) {
        // Unbounded products of products overflow in some draws: those prove nothing.
        if (value.data.some((x) => !(Math.abs(x) < 1e6))) continue;
        expect(relativeRms(found.get(name)!.data, value.data), name).toBeLessThan(1e-9);
      }
    }),
    { numRuns: 400, seed: 7 },
  );
});
