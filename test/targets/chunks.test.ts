/** Loops over chunks at sizes that fill registers, and at others, as they are compiled: forward and backward, odd lengths. */
import { describe, expect, test } from "vitest";
import { constant } from "../../compiler/dims.ts";
import { chunk } from "../../compiler/derive/chunk/index.ts";
import { stage } from "../../compiler/derive/index.ts";
import { runProgram, withGradients, type SequenceProgram } from "../../compiler/graph/index.ts";
import { isProduct } from "../../compiler/graph/products.ts";
import { operands } from "../../compiler/graph/shapes.ts";
import { simplifyProgram } from "../../compiler/graph/simplify.ts";
import { verifyProgram } from "../../compiler/graph/verify.ts";
import { compileEntry } from "../../compiler/plan/entry.ts";
import { vectorMachine, WASM } from "../../compiler/plan/machine.ts";
import { optimiseProgram } from "../../compiler/optimise/index.ts";
import { placeScratch } from "../../runtime/device/arena.ts";
import { relativeRms } from "../support/compare.ts";
import { ruleStep } from "../support/rules.ts";
import { drawInputs } from "../support/steps.ts";
import { compareOn } from "./harness.ts";

const STATE = "fast net { W: [heads, value, key] = 0 }";
const UNIT = "k1 = k * rsqrt(einsum(k[h, j], k[h, j] -> [h]) + 1)";
const rules = {
  "a sum of outer products": `${STATE} program { W <- W + outer(v, k) } out y = W @ q`,
  "the delta rule": `${UNIT} ${STATE} program { W <- delta(W, key: k1, value: v, rate: sigmoid(b)) } out y = W @ q`,
  "the delta rule, read before and after": `${UNIT} ${STATE} y0 = W @ q program { W <- delta(W, key: k1, value: v, rate: sigmoid(b)) } out y = y0 + W @ p`,
  "a gate and the delta rule": `${UNIT} ${STATE} program { W <- gated_delta(W, key: k1, value: v, rate: sigmoid(b), decay: sigmoid(g)) } out y = W @ q`,
  "a decay per key, read from both sides": `${STATE} program { W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j]) + outer(v, k) } out y = W @ q out z = einsum(W[h, i, j], w[h, i] -> [h, j])`,
} as const;

const sizes = [
  { heads: 2, key: 32, value: 16 },
  { heads: 2, key: 16, value: 48 },
  { heads: 3, key: 20, value: 24 },
];

/** A chunked rule with all gradients, as the oracle has it and as it is compiled. */
function forms(text: string, shape: (typeof sizes)[number]) {
  const { program, kept } = chunk(stage(ruleStep(text, shape)), { length: 16 });
  expect(kept).toEqual(kept.map(() => null));
  const plain = simplifyProgram(withGradients(program));
  const compiled = optimiseProgram(plain);
  verifyProgram(compiled);
  return { plain, compiled };
}

function expectSame(plain: SequenceProgram, compiled: SequenceProgram, time: number): void {
  const at = { batch: 2, time, past: 0 };
  const inputs = drawInputs(plain, at);
  const found = runProgram(compiled, inputs, at);
  for (const [name, value] of runProgram(plain, inputs, at)) {
    expect(relativeRms(found.get(name)!.data, value.data), name).toBeLessThanOrEqual(1e-10);
  }
}

/** Every rule at one of the sizes, the delta rule at all of them. */
const cases = Object.entries(rules).flatMap(([name, text], i) =>
  sizes
    .filter((_, s) => name === "the delta rule" || s === i % sizes.length)
    .map((shape) => ({ name, text, shape, ...shape })),
);

describe("compiled loops over chunks", () => {
  test.each(cases)("$name, $heads heads of $value × $key", ({ text, shape }) => {
    const { plain, compiled } = forms(text, shape);
    for (const time of [1, 37]) expectSame(plain, compiled, time);
    const at = { batch: 2, time: 37, past: 0 };
    compareOn(compiled, drawInputs(compiled, at), at, [
      ["f64", 1e-10],
      ["f32", 1e-4],
    ]);
  });
});

test("a state lies in its loop as most products want it", () => {
  const { compiled } = forms(rules["the delta rule"], { heads: 2, key: 32, value: 16 });
  const loops = compiled.graph.nodes.flatMap((n) => (n.op === "recurrence" ? [n.recurrence] : []));
  const [forward] = loops;
  const input = forward!.body.nodes[forward!.carries[0]!.input]!;
  expect(input.shape.map((d) => constant(d))).toEqual([32, 16]);
  const { nodes } = forward!.body;
  const products = nodes.filter((n) => n.op === "contract" && isProduct(forward!.body, n));
  const turned = nodes.flatMap((n) => (n.op === "transpose" && n.x === input.id ? [n.id] : []));
  expect(products.length).toBeGreaterThan(3);
  for (const id of turned) expect(products.flatMap(operands)).not.toContain(id);
});

test("a loop and the loop backwards run sequence by sequence, in memory that one of them needs", () => {
  const { compiled } = forms(rules["the delta rule"], { heads: 2, key: 32, value: 16 });
  // Of these two machines the first takes loops together.
  const planned = [vectorMachine(8), WASM].map((machine) =>
    compileEntry(compiled, "forward", { machine }),
  );
  const titles = planned.map(({ spec }) => spec.kernels.filter((t) => t.startsWith("recurrence")));
  expect(titles).toEqual([
    ["recurrence of W, then of cotangent.W, backwards"],
    ["recurrence of W", "recurrence of cotangent.W, backwards"],
  ]);
  const perSequence = planned.map(({ spec }) => {
    const bytes = (batch: number): number =>
      placeScratch(spec.scratch, { batch, time: 64, past: 0 }).total;
    return bytes(9) - bytes(8);
  });
  expect(perSequence[0]).toBeLessThan(perSequence[1]! / 2);
});

test("there and back in segments, what is kept does not grow with the sequence but for states", () => {
  const { compiled } = forms(rules["the delta rule"], { heads: 2, key: 32, value: 16 });
  const bytes = (atHand: number) => {
    const { spec } = compileEntry(compiled, "forward", { machine: { ...vectorMachine(8), atHand } }); // prettier-ignore
    return (time: number) => placeScratch(spec.scratch, { batch: 1, time, past: 0 }).total;
  };
  // One chunk of 16 steps keeps more numbers than this: a state of 32 x 16 is saved before each.
  const least = bytes(1);
  expect((least(3200) - least(1600)) / 100).toBe(32 * 16 * 4);
  const usual = bytes(2 ** 19);
  expect(usual(64)).toBeGreaterThan(least(64));
  const grows = (usual(3200) - usual(1600)) / 1600;
  expect(grows).toBeGreaterThan(0);
  expect(grows).toBeLessThan(8);
});
