/** What moves into a loop over chunks means what it meant outside, forward and backward. */
import { describe, expect, test } from "vitest";
import { simplifyProgram, type Graph } from "../../compiler/graph/index.ts";
import { verifyProgram } from "../../compiler/graph/verify.ts";
import { computeNearby } from "../../compiler/optimise/nearby.ts";
import { RULES } from "../derive/analyse/rules.ts";
import { bothForms, expectSame } from "../derive/chunk/helpers.ts";
import { ruleStep } from "../support/rules.ts";

const chunkable = RULES.filter((r) => r.chunk ?? true).map((r) => [r.name, r] as const);

const products = (graph: Graph): number =>
  graph.nodes.filter((n) => n.op === "contract" || n.op === "solve").length;

describe("loops over chunks that compute what they read and what is read of them", () => {
  test.each(chunkable)("%s", (_, rule) => {
    const program = simplifyProgram(bothForms(ruleStep(rule.text), 4).chunked);
    const near = computeNearby(program, () => true);
    verifyProgram(near);
    // Dense maps of all steps stay outside; what belongs to one chunk does not.
    expect(products(near.graph)).toBeLessThan(products(program.graph));
    for (const time of [1, 4, 13])
      expectSame({ plain: program, chunked: near }, { batch: 2, time, past: 0 });
  });
});
