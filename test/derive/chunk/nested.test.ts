import { describe, expect, test } from "vitest";
import { analyse } from "../../../compiler/derive/analyse/index.ts";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { simplifyProgram } from "../../../compiler/graph/index.ts";
import { ruleStep } from "../../support/rules.ts";
import { drawInputs } from "../../support/steps.ts";
import { compareOn } from "../../targets/harness.ts";
import { bothForms, expectSame } from "./helpers.ts";
import { NESTED, SUMMARIES, WHOLE } from "./nested.rules.ts";

const named = (rules: typeof NESTED) => rules.map((r) => [r.name, r] as const);
const all = [...NESTED, ...SUMMARIES, ...WHOLE];

describe("outputs do not change the class", () => {
  test.each(named(all))("%s", (_, rule) => {
    const sets = stage(ruleStep(rule.text)).graph.nodes.flatMap((n) =>
      n.op === "recurrence" ? analyse(n.recurrence) : [],
    );
    expect(sets.map((s) => s.class)).toEqual([rule.class]);
  });
});

describe("by chunks as step by step, gradients included", () => {
  test.each(named([...NESTED, ...SUMMARIES]))("%s", (_, rule) => {
    const both = bothForms(ruleStep(rule.text), 4);
    for (const time of [1, 4, 13]) expectSame(both, { batch: 2, time, past: 0 });
  });
});

describe("awkward sizes", () => {
  const sizes = [
    { heads: 1, key: 1, value: 1 },
    { heads: 3, key: 5, value: 7 },
    { heads: 1, key: 16, value: 3 },
  ];
  test.each(named(NESTED.filter((r) => !/\b[kqW]\[[12]\]/u.test(r.text))))("%s", (_, rule) => {
    for (const size of sizes) {
      const both = bothForms(ruleStep(rule.text, size), 16);
      expectSame(both, { batch: 1, time: 37, past: 0 }, { forward: 1e-11, gradient: 1e-9 });
    }
  });
});

describe("on the typescript target, in both precisions", () => {
  test.each(named(NESTED))("%s", (_, rule) => {
    const program = simplifyProgram(bothForms(ruleStep(rule.text), 4).chunked);
    const sizes = { batch: 2, time: 7, past: 0 };
    compareOn(program, drawInputs(program, sizes), sizes, [
      ["f64", 1e-11],
      ["f32", 1e-4],
    ]);
  });
});

test.each(named(WHOLE))("%s stays in the time loop", (_, rule) => {
  const { program, kept } = chunk(stage(ruleStep(rule.text)), { length: 4 });
  expect(kept).toEqual(["the whole state is needed"]);
  expect(program.graph.nodes.filter((n) => n.op === "recurrence")).toHaveLength(1);
});

test("a number per row of the memory, each asked with a key of its own, is left to the time loop", () => {
  const rule = SUMMARIES.find((r) => r.name === "the trace against a trained matrix")!;
  const kept = (value: number) => chunk(stage(ruleStep(rule.text, { value })), { length: 4 }).kept;
  expect(kept(16)).toEqual([null]);
  expect(kept(17)).toEqual(["too many rows have rates, decays or questions of their own"]);
});
