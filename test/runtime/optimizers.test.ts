import { expect, test } from "vitest";
import {
  learningRate,
  momentsOf,
  optimizerSettings,
  scheduleSettings,
} from "../../runtime/optimizers.ts";
import { codesFrom } from "./helpers.ts";

test("defaults are filled in", () => {
  expect(optimizerSettings("adamw", { rate: 3e-4 })).toEqual({
    kind: "adamw",
    rate: 3e-4,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    decay: 0.01,
  });
  expect(momentsOf(optimizerSettings("adam"))).toEqual(["first_moment", "second_moment"]);
  expect(momentsOf(optimizerSettings("sgd"))).toEqual([]);
  expect(momentsOf(optimizerSettings("sgd", { momentum: 0.9 }))).toEqual(["momentum"]);
});

test.each([
  ["adma", {}, ["fwp6101"]],
  ["adam", { rte: 1 }, ["fwp6101"]],
  ["adam", { rate: -1 }, ["fwp6103"]],
  ["adam", { beta1: 1, rate: NaN }, ["fwp6103", "fwp6103"]],
  ["sgd", { momentum: "0.9" }, ["fwp6102"]],
  ["sgd", { nesterov: true }, ["fwp6104"]],
])("%s with %j is refused", async (name, options, codes) => {
  expect(await codesFrom(() => optimizerSettings(name, options))).toEqual(codes);
});

test("warm-up rises to 1 and stays", () => {
  const warmup = scheduleSettings("warmup", { steps: 4 });
  expect([1, 2, 3, 4, 5].map((s) => learningRate(warmup, s, 9))).toEqual([0.25, 0.5, 0.75, 1, 1]);
});

test("cosine rises, is largest at the end of the warm-up, and ends at its floor", () => {
  const cosine = scheduleSettings("cosine", { warmup: 2, floor: 0.1 });
  const rates = [1, 2, 3, 4, 5, 6].map((s) => learningRate(cosine, s, 6));
  expect(rates[0]).toBe(0.5);
  expect(rates[1]).toBe(1);
  expect(rates[3]).toBeCloseTo(0.55, 10);
  expect(rates[5]).toBeCloseTo(0.1, 10);
  const plain = scheduleSettings("cosine");
  expect([1, 3].map((s) => learningRate(plain, s, 3))).toEqual([1, 0]);
  expect(learningRate(plain, 1, 1)).toBe(1);
});
