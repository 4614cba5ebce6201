import { describe, expect, test } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { runProgram, unroll, verifyProgram, withGradients } from "../../../compiler/graph/index.ts";
import { relativeRms } from "../../support/compare.ts";
import { ruleStep } from "../../support/rules.ts";
import { drawInputs } from "../../support/steps.ts";
import { RULES } from "../analyse/rules.ts";

const FORWARD = 1e-12;
const GRADIENT = 1e-10;

describe("the chunkwise form of every rule means what the rule says", () => {
  test.each(RULES.map((r) => [r.name, r] as const))("%s", (_, rule) => {
    const step = ruleStep(rule.text);
    const { program, kept } = chunk(stage(step), { length: 4, elementwise: true });
    verifyProgram(program);
    expect(kept.map((k) => k === null)).toEqual([rule.chunk ?? true]);
    const [expected, found] = [withGradients(unroll(step)), withGradients(program)];
    verifyProgram(found);
    for (const time of [1, 4, 7, 13]) {
      const sizes = { batch: 2, time, past: 0 };
      const inputs = drawInputs(expected, sizes);
      const [wanted, got] = [runProgram(expected, inputs, sizes), runProgram(found, inputs, sizes)];
      for (const [name, value] of wanted) {
        const error = relativeRms(got.get(name)!.data, value.data);
        const bound = name.startsWith("gradient") ? GRADIENT : FORWARD;
        expect(error, `${name} of ${time} steps`).toBeLessThanOrEqual(bound);
      }
    }
  });
});
