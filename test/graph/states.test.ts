/** Loops of which only the states are wanted: the same states, with less to do. */
import { expect, test } from "vitest";
import { chunk } from "../../compiler/derive/chunk/index.ts";
import { stage } from "../../compiler/derive/index.ts";
import { constant, product } from "../../compiler/dims.ts";
import { runProgram } from "../../compiler/graph/index.ts";
import type { Recurrence } from "../../compiler/graph/ir.ts";
import { recurrenceOutputShape } from "../../compiler/graph/shapes.ts";
import { simplifyProgram } from "../../compiler/graph/simplify.ts";
import { statesAlone } from "../../compiler/graph/states.ts";
import { verifyProgram } from "../../compiler/graph/verify.ts";
import { replaceLoops } from "../../compiler/optimise/loops.ts";
import { RULES } from "../derive/analyse/rules.ts";
import { relativeRms } from "../support/compare.ts";
import { ruleStep } from "../support/rules.ts";
import { drawInputs } from "../support/steps.ts";

const rules = RULES.filter((r) => r.chunk ?? true).map((r) => [r.name, r.text] as const);
const chunked = (text: string) =>
  simplifyProgram(chunk(stage(ruleStep(text)), { length: 4 }).program);

test.each(rules)("%s", (_, text) => {
  const program = chunked(text);
  const alone = replaceLoops(program, (builder, r) => {
    const finals = r.outputs.filter((o) => o.kind === "final");
    const states = builder.recurrence({ ...statesAlone(r), outputs: finals });
    return r.outputs.map((o) =>
      o.kind === "final"
        ? states[finals.indexOf(o)]!
        : builder.fill(0, recurrenceOutputShape(r, o).shape),
    );
  });
  verifyProgram(alone);
  for (const time of [1, 4, 13]) {
    const at = { batch: 2, time, past: 0 };
    const inputs = drawInputs(program, at);
    const found = runProgram(alone, inputs, at);
    for (const [name, value] of runProgram(program, inputs, at)) {
      if (!name.startsWith("state:")) continue;
      expect(relativeRms(found.get(name)!.data, value.data), name).toBeLessThanOrEqual(1e-10);
    }
  }
});

/** Numbers that the products of a step give. */
const made = ({ body }: Recurrence): number =>
  body.nodes.reduce((n, x) => n + (x.op === "contract" ? constant(product(x.shape))! : 0), 0);

test("products that states and outputs share are made of the states' part", () => {
  const text = `fast net { W: [heads, value, key] = 0 }
    program { W <- delta(W, key: k, value: v, rate: b) }
    out y = W @ q`;
  const { nodes } = chunked(text).graph;
  const loops = nodes.flatMap((n) => (n.op === "recurrence" ? [n.recurrence] : []));
  expect(loops).toHaveLength(1);
  expect(made(statesAlone(loops[0]!))).toBeLessThan(0.75 * made(loops[0]!));
});
