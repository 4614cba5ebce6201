import { describe, expect, test } from "vitest";
import { runProgram, simplifyProgram, type Tensor } from "../../../compiler/graph/index.ts";
import { relativeRms } from "../../support/compare.ts";
import { ruleStep } from "../../support/rules.ts";
import { drawInputs } from "../../support/steps.ts";
import { compareOn } from "../../targets/harness.ts";
import { bothForms, expectSame } from "./helpers.ts";

const matrix = "fast net { W: [heads, value, key] = 0 }";
const DELTA = `${matrix} program { W <- gated_delta(W, key: l2_norm(k), value: v, rate: sigmoid(b), decay: sigmoid(g)) } out y = W @ q`; // prettier-ignore
const DIAGONAL = `${matrix} program {
  W <- einsum(W[h, i, j], exp(d)[h, j] -> [h, i, j])
  W <- delta(W, key: l2_norm(k), value: v, rate: sigmoid(b))
} out y = W @ q`;

describe("awkward lengths and sizes", () => {
  for (const [heads, size] of [
    [1, 1],
    [3, 3],
    [2, 16],
  ] as const) {
    const step = ruleStep(DELTA, { heads, key: size, value: size });
    const lengths = size === 16 ? [16] : [1, 4, 16, 64];
    test.each(lengths)(`${heads} heads of ${size}, chunks of %s`, (length) => {
      const both = bothForms(step, length);
      const times = size === 16 ? [1, 33] : length === 64 ? [1, 63, 64, 65, 100] : [1, 2, 7, 65];
      for (const time of times) expectSame(both, { batch: 2, time, past: 0 });
    });
  }
  test("many chunks", () => {
    const both = bothForms(ruleStep(DELTA, { heads: 1, key: 3, value: 2 }), 16);
    expectSame(both, { batch: 1, time: 257, past: 0 });
  });
});

/** Log decays into the place of `d`, small cotangent of the last state so that it is seen too. */
function setDecays(inputs: Map<string, Tensor>, decay: (uniform: number) => number): void {
  const { data } = inputs.get("input:d")!;
  let state = 12345;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = decay(state / 2 ** 32);
  }
}

describe("strong decays", () => {
  const cases = [
    ["log decays uniform in [-6, 0]", (u: number) => -6 * u],
    ["constant -20", () => -20],
  ] as const;
  test.each(cases)("%s, chunks of 64", (_, decay) => {
    const step = ruleStep(DIAGONAL, { heads: 2, key: 16, value: 8 });
    const both = bothForms(step, 64);
    const sizes = { batch: 1, time: 100, past: 0 };
    expectSame(both, sizes, undefined, (inputs) => setDecays(inputs, decay));
    const program = simplifyProgram(both.chunked);
    const inputs = drawInputs(program, sizes);
    setDecays(inputs, decay);
    for (const value of runProgram(program, inputs, sizes).values()) {
      expect(value.data.every(Number.isFinite)).toBe(true);
    }
    compareOn(program, inputs, sizes, [["f32", 1e-4]]);
  });

  test("a decay of exactly zero forgets, and has the gradient that it has step by step", () => {
    const text = `${matrix} program { W <- g * W\n W <- delta(W, key: k, value: v, rate: 0.5 * b) } out y = W @ q`; // prettier-ignore
    const both = bothForms(ruleStep(text), 8);
    expectSame(both, { batch: 2, time: 21, past: 0 }, undefined, (inputs) => {
      const { data } = inputs.get("input:g")!;
      for (let i = 0; i < data.length; i += 5) data[i] = 0;
    });
  });
});

test("a chunk as long as the sequence, or longer, is one chunk", () => {
  const step = ruleStep(DELTA);
  const [short, long] = [bothForms(step, 7), bothForms(step, 32)];
  const sizes = { batch: 2, time: 7, past: 0 };
  const inputs = drawInputs(short.chunked, sizes);
  const [a, b] = [
    runProgram(short.chunked, inputs, sizes),
    runProgram(long.chunked, inputs, sizes),
  ];
  for (const [name, value] of a) {
    expect(relativeRms(b.get(name)!.data, value.data), name).toBeLessThan(1e-12);
  }
});
