import * as fc from "fast-check";
import { expect, test } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { runProgram, unroll, verifyProgram, withGradients } from "../../../compiler/graph/index.ts";
import { relativeRms } from "../../support/compare.ts";
import { drawInputs } from "../../support/steps.ts";
import { randomStep } from "../randomStep.ts";
import { randomRule } from "./events.ts";
import { expectSame } from "./helpers.ts";
import { randomMixing } from "./mixing.ts";

const draws = fc.array(fc.integer({ min: 0, max: 1 << 20 }), { minLength: 20, maxLength: 60 });

test("any order of decays, reads and writes: by chunks as step by step", () => {
  let replaced = 0;
  fc.assert(
    fc.property(draws, fc.integer({ min: 1, max: 8 }), (list, length) => {
      const step = randomRule(list);
      const { program, kept } = chunk(stage(step), { length, elementwise: true });
      if (kept[0] === null) replaced++;
      else expect(kept[0]).toMatch(/side of the values|whole state/u);
      const [plain, chunked] = [unroll(step), program].map((p) => withGradients(p));
      expectSame({ plain: plain!, chunked: chunked! }, { batch: 2, time: 11, past: 0 });
    }),
    { numRuns: 100, seed: 3 },
  );
  expect(replaced).toBeGreaterThan(80);
});

test("states that feed each other in any way, and matrices: by chunks as step by step", () => {
  let replaced = 0;
  fc.assert(
    fc.property(draws, fc.integer({ min: 1, max: 8 }), (list, length) => {
      const step = randomMixing(list);
      const { program, kept } = chunk(stage(step), { length, elementwise: true });
      for (const reason of kept) {
        if (reason === null) replaced++;
        else expect(reason).toMatch(/matrices cost more|whole state/u);
      }
      const [plain, chunked] = [unroll(step), program].map((p) => withGradients(p));
      expectSame({ plain: plain!, chunked: chunked! }, { batch: 2, time: 11, past: 0 });
    }),
    { numRuns: 80, seed: 4 },
  );
  expect(replaced).toBeGreaterThan(60);
});

test("any step at all: what is not chunked stays right", () => {
  let replaced = 0;
  fc.assert(
    fc.property(draws, (list) => {
      const step = randomStep(list);
      const { program, kept } = chunk(stage(step), { length: 3, elementwise: true });
      replaced += kept.filter((k) => k === null).length;
      const [plain, found] = [withGradients(unroll(step)), withGradients(program)];
      verifyProgram(found);
      const sizes = { batch: 2, time: 5, past: 0 };
      const inputs = drawInputs(plain, sizes);
      const [a, b] = [runProgram(plain, inputs, sizes), runProgram(found, inputs, sizes)];
      for (const [name, value] of a) {
        // Unbounded products of products overflow in some draws: those prove nothing.
        if (value.data.some((x) => !(Math.abs(x) < 1e6))) continue;
        expect(relativeRms(b.get(name)!.data, value.data), name).toBeLessThan(1e-9);
      }
    }),
    { numRuns: 200, seed: 9 },
  );
  expect(replaced).toBeGreaterThan(8);
});
