import { describe, expect, test } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { simplifyProgram } from "../../../compiler/graph/index.ts";
import { ruleStep } from "../../support/rules.ts";
import { drawInputs } from "../../support/steps.ts";
import { compareOn } from "../../targets/harness.ts";
import { RULES } from "../analyse/rules.ts";
import { bothForms, expectSame } from "./helpers.ts";

const chunkable = RULES.filter((r) => r.chunk ?? true).map((r) => [r.name, r] as const);
const others = RULES.filter((r) => !(r.chunk ?? true)).map((r) => [r.name, r] as const);

describe("by chunks a rule means what it means step by step, and so do its gradients", () => {
  test.each(chunkable)("%s", (_, rule) => {
    const both = bothForms(ruleStep(rule.text), 4);
    for (const time of [1, 4, 13]) expectSame(both, { batch: 2, time, past: 0 });
  });
});

describe("so they do on the typescript target, in both precisions", () => {
  test.each(chunkable)("%s", (_, rule) => {
    const program = simplifyProgram(bothForms(ruleStep(rule.text), 4).chunked);
    const sizes = { batch: 2, time: 7, past: 0 };
    compareOn(program, drawInputs(program, sizes), sizes, [
      ["f64", 1e-11],
      ["f32", 1e-4],
    ]);
  });
});

test.each(others)("%s stays as it is", (_, rule) => {
  const staged = stage(ruleStep(rule.text));
  const { program, kept } = chunk(staged, { length: 4, elementwise: true });
  expect(kept).toEqual([expect.any(String)]);
  const loops = program.graph.nodes.filter((n) => n.op === "recurrence");
  expect(loops).toHaveLength(1);
});

test("elementwise states are left to the time loop unless asked for", () => {
  const rule = RULES.find((r) => r.name === "a vector with gates")!;
  const staged = stage(ruleStep(rule.text));
  expect(chunk(staged, { length: 4 }).kept).toEqual(["every element has a decay of its own"]);
  expect(chunk(staged, { length: 4, elementwise: true }).kept).toEqual([null]);
});
