import { describe, expect, test } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { simplifyProgram } from "../../../compiler/graph/index.ts";
import { ruleStep } from "../../support/rules.ts";
import { drawInputs } from "../../support/steps.ts";
import { compareOn } from "../../targets/harness.ts";
import { bothForms, expectSame } from "../chunk/helpers.ts";

const gated = (gate: string): string =>
  `fast net { h: [heads, key] = 0 } before = h
   program { h <- ${gate} * h + (1 - sigmoid(d)) * k } out y = tanh(h) * q + before`;

/** Gates in (0, 1), gates that are often exactly zero, gates of either sign. */
const GATES = { sigmoid: "sigmoid(d)", relu: "relu(tanh(d))", tanh: "tanh(d)" };

describe("vector states by scan", () => {
  test.each(Object.entries(GATES))("%s", (_, gate) => {
    const step = ruleStep(gated(gate));
    for (const length of [1, 4, 7, 16, 64]) {
      const both = bothForms(step, length);
      for (const time of [1, 2, 7, 63, 65]) expectSame(both, { batch: 2, time, past: 0 });
    }
  });

  test("products of gates only: no tables, nothing solved", () => {
    const { program } = chunk(stage(ruleStep(gated("sigmoid(d)"))), {
      length: 16,
      elementwise: true,
    });
    const sums = program.graph.nodes.filter(
      (n) =>
        n.op === "solve" ||
        (n.op === "contract" && [...n.aLabels, ...n.bLabels].some((l) => !n.outLabels.includes(l))),
    );
    expect(sums).toEqual([]);
  });

  test("float32 on the typescript target", () => {
    const program = simplifyProgram(bothForms(ruleStep(gated("sigmoid(d)")), 16).chunked);
    const sizes = { batch: 2, time: 100, past: 0 };
    compareOn(program, drawInputs(program, sizes), sizes, [
      ["f64", 1e-12],
      ["f32", 1e-5],
    ]);
  });
});
