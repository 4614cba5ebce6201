/** States that are affine in each other, and matrices on the side of the keys, by chunks of several lengths. */
import { describe, expect, test } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { runProgram } from "../../../compiler/graph/index.ts";
import { ruleStep } from "../../support/rules.ts";
import { drawInputs } from "../../support/steps.ts";
import { COUPLED } from "../analyse/coupled.ts";
import { bothForms, expectSame } from "./helpers.ts";

const chunkable = COUPLED.filter((r) => r.chunk ?? true).map((r) => [r.name, r.text] as const);
const textOf = (start: string): string => COUPLED.find((r) => r.name.startsWith(start))!.text;

// With first states that are not zero, and cotangents of the last ones: `drawInputs` draws both.
describe.each(chunkable)("%s", (_, text) => {
  test.each([1, 3, 16, 64])("chunks of %s", (length) => {
    const both = bothForms(ruleStep(text), length);
    for (const time of [1, 7, 63, 100]) expectSame(both, { batch: 1, time, past: 0 });
  });
  test("other sizes", () => {
    for (const sizes of [
      { heads: 1, key: 1, value: 1 },
      { heads: 1, key: 4, value: 2 },
      { heads: 3, key: 2, value: 1 },
    ]) {
      expectSame(bothForms(ruleStep(text, sizes), 4), { batch: 2, time: 7, past: 0 });
    }
  });
});

describe("matrices whose products no logarithm has", () => {
  test("momentum that is zero at some steps and negative at others", () => {
    const text = textOf("momentum, applied before").replace("tanh(g)", "g");
    const both = bothForms(ruleStep(text), 8);
    expectSame(both, { batch: 2, time: 21, past: 0 }, undefined, (inputs) => {
      const { data } = inputs.get("input:g")!;
      for (let i = 0; i < data.length; i++) data[i] = [0, -0.8, 1.1][i % 3]!;
    });
  });
  test("singular matrices forget in part", () => {
    const both = bothForms(ruleStep(textOf("a matrix per step")), 8);
    expectSame(both, { batch: 1, time: 21, past: 0 }, undefined, (inputs) => {
      const { data } = inputs.get("input:k2")!;
      for (let i = 0; i < data.length; i += 2) data[i] = 0;
    });
  });
});

test("whatever is read whole stays finite where products vanish", () => {
  const both = bothForms(ruleStep(textOf("a turning vector").replaceAll("0.95", "0.01")), 64);
  const inputs = drawInputs(both.chunked, { batch: 1, time: 100, past: 0 });
  for (const value of runProgram(both.chunked, inputs, { batch: 1, time: 100, past: 0 }).values()) {
    expect(value.data.every(Number.isFinite)).toBe(true);
  }
});

test("states that only feed forward are still one loop over chunks, if one reads the other whole", () => {
  const text = `fast net { S: [heads, value, key] = 0\n W: [heads, value, key] = 0 }
    program { S <- sigmoid(g) * S + outer(v, k)\n W <- 0.9 * W + S } out y = W @ q`;
  const both = bothForms(ruleStep(text), 5);
  for (const time of [1, 13]) expectSame(both, { batch: 2, time, past: 0 });
});

test("more keys than pay stay in the time loop, and the class still says what it is", () => {
  const text = textOf("a matrix per step");
  const staged = stage(ruleStep(text, { key: 9 }));
  expect(chunk(staged, { length: 4 }).kept).toEqual([expect.stringContaining("9 × 9")]);
});
