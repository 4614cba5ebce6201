import * as fc from "fast-check";
import { describe, test } from "vitest";
import { stage } from "../../compiler/derive/index.ts";
import { concretize } from "../../compiler/graph/concretize.ts";
import { unroll, withGradients } from "../../compiler/graph/index.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import * as layers from "../derive/steps.ts";
import { randomStep } from "../derive/randomStep.ts";
import {
  attentionStep,
  cellStep,
  deltaStep,
  drawInputs,
  selfReferentialStep,
  statelessStep,
} from "../support/steps.ts";
import { compareOn } from "./harness.ts";

const STEPS: Record<string, () => StepProgram> = {
  deltaStep,
  cellStep: () => cellStep(),
  selfReferentialStep: () => selfReferentialStep(),
  attentionStep,
  statelessStep,
  linearAttention: () => layers.linearAttention(),
  deltaNet: layers.deltaNet,
  recurrentDeltaNet: layers.recurrentDeltaNet,
  recurrentThenDelta: layers.recurrentThenDelta,
  deltaMlp: layers.deltaMlp,
  srwm: layers.srwm,
  tokenShift: layers.tokenShift,
  attention: () => layers.attention({ feedback: false, readFirst: false }),
  fedBack: () => layers.attention({ feedback: true, readFirst: false }),
  feedForward: layers.feedForward,
  delayedMatrix: layers.delayedMatrix,
  mutual: layers.mutual,
};

describe("steps with all their gradients, staged and step by step", () => {
  for (const [name, make] of Object.entries(STEPS)) {
    test(name, () => {
      const step = concretize(make(), () => 3);
      for (const form of [stage, unroll]) {
        const program = withGradients(form(step));
        for (const sizes of [
          { batch: 1, time: 1, past: step.states.some((s) => s.growing) ? 2 : 0 },
          { batch: 2, time: 7, past: 0 },
        ]) {
          // A state amplifies the rounding of its inputs from step to step.
          compareOn(program, drawInputs(program, sizes), sizes, [
            ["f64", 1e-12],
            ["f32", 1e-4],
          ]);
        }
      }
    });
  }
});

test("random steps", () => {
  const draws = fc.array(fc.integer({ min: 0, max: 1 << 20 }), { minLength: 20, maxLength: 120 });
  const sizes = { batch: 2, time: 4, past: 0 };
  fc.assert(
    fc.property(draws, fc.boolean(), (list, staged) => {
      const step = randomStep(list);
      const program = withGradients(staged ? stage(step) : unroll(step));
      compareOn(program, drawInputs(program, sizes), sizes, [["f64", 1e-8]]);
    }),
    { numRuns: 400, seed: 11 },
  );
});
