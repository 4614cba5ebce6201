/** What is made of answers and for questions, by chunks: the same values, and less between loops and ports. */
import { describe, expect, test } from "vitest";
import {
  simplifyProgram,
  verifyProgram,
  type SequenceProgram,
} from "../../compiler/graph/index.ts";
import { isView } from "../../compiler/graph/products.ts";
import { workByChunks } from "../../compiler/optimise/chunkwise.ts";
import { computeNearby } from "../../compiler/optimise/nearby.ts";
import { separateHeads } from "../../compiler/optimise/separate.ts";
import { RULES } from "../derive/analyse/rules.ts";
import { bothForms, expectSame } from "../derive/chunk/helpers.ts";
import { ruleStep } from "../support/rules.ts";
import { batches } from "./loops.ts";

interface Parts {
  readonly key?: string;
  readonly value?: string;
  readonly rate?: string;
  readonly answer?: string;
  readonly slow?: string;
}
/** A delta rule with something around it. */
const delta = ({ key = "k", value = "v", rate = "b", answer = "W @ q", slow = "" }: Parts) => `${slow}
  fast net { W: [heads, value, key] = 0 }
  program { W <- delta(W, key: ${key}, value: ${value}, rate: ${rate}) }
  out y = ${answer}`; // prettier-ignore

/** Functions around the memory: of zeros some are zero, some are not, and some have no value there. */
const AROUND: readonly (readonly [string, string])[] = [
  ["keys of length one", delta({ key: "l2_norm(k)" })],
  ["a bias", delta({ slow: "slow net { u: [heads, value] = linear(w) }", value: "u" })],
  [
    "a bias on keys, one for all heads",
    delta({ slow: "slow net { u: [key] = linear(x)\n l: [heads, key] = k + u }", key: "l" }),
  ],
  ["keys and values with a bias, added", `slow net { u: [heads, key] = linear(k)\n m: [heads, value] = linear(v) }
    fast net { W: [heads, value, key] = 0 }
    program { W <- 0.5 * W + outer(m, u) }
    out y = W @ q`], // prettier-ignore
  ["a rate that is not zero for zero", delta({ rate: "sigmoid(b)" })],
  ["one over something", delta({ value: "(1 / v)" })],
  ["something over something", delta({ value: "v / r" })],
  ["half of it", delta({ value: "v / 2" })],
  ["a chain that feeds itself twice at every link", `slow net { u = sigmoid(w)
      repeat 60 { u = 3.5 * u * (1 - u) } }
    fast net { W: [heads, value, key] = 0 }
    program { W <- delta(W, key: k, value: v, rate: b) }
    out y = u * (W @ q)`], // prettier-ignore
  ["a chain of squares", `slow net { u = sigmoid(w)
      repeat 40 { u = u * u } }
    fast net { W: [heads, value, key] = 0 }
    program { W <- delta(W, key: k, value: v, rate: sigmoid(b)) }
    out y = u * (W @ q)`], // prettier-ignore
  ["a logarithm", delta({ value: "log(v ^ 2)" })],
  ["the larger", delta({ value: "max(v, 0.5)" })],
  ["answers normalised", delta({ answer: "norm(W @ q)" })],
  ["answers normalised over all heads", delta({ answer: "norm(reshape(W @ q, [heads * value]))" })],
  ["answers gated", delta({ answer: "silu(w) * rms_norm(W @ q) + log(v ^ 2)" })],
  ["answers summed over heads", delta({ answer: "einsum((W @ q)[h, i] -> [i])" })],
  ["answers and a dense map", delta({ answer: "linear(tanh(W @ q), to: [5])" })],
  ["features of answers", delta({ answer: "dpfp(W @ q, nu: 2)" })],
  ["answers put side by side", delta({ answer: "concat(W @ q, reverse(w), cumsum(v))" })],
  ["answers and those before them", `fast net { W: [heads, value, key] = 0 }
    program { W <- delta(W, key: k, value: v, rate: b) }
    s: [heads, value] = tanh(W @ q)
    out y = s * prev(s) + norm(s)`], // prettier-ignore
  ["two memories, one reading what the other answered", `fast net { W: [heads, value, key] = 0; V: [heads, value, value] = 0 }
    program { W <- delta(W, key: k, value: v, rate: b) }
    s: [heads, value] = tanh(W @ q)
    program { V <- additive(V, key: softmax(s), value: v * r) }
    out y = s + norm(V @ w)`], // prettier-ignore
];

const rules = [
  ...RULES.filter((r) => r.chunk ?? true).map((r) => [r.name, r.text] as const),
  ...AROUND,
];

/** Sums, and functions of more than one number, that stand outside of loops. */
const outside = ({ graph }: SequenceProgram): number =>
  graph.nodes.filter((n) => !isView(n) && !["recurrence", "result", "pad"].includes(n.op)).length;

/** The same when loops have computed what is near. */
const around = (program: SequenceProgram): number => outside(computeNearby(program, () => true));

/** As a loop has it that computes what is near, before and after what this file is about. */
const near = (
  text: string,
): { readonly before: SequenceProgram; readonly after: SequenceProgram } => {
  const program = simplifyProgram(bothForms(ruleStep(text, { heads: 3 }), 4).chunked);
  const work = simplifyProgram(workByChunks(program, () => true));
  return { before: computeNearby(program, () => true), after: computeNearby(work, () => true) };
};
const isHeadByHead = (program: SequenceProgram): boolean =>
  batches(separateHeads(program, () => true)).every((key) => key === "3*$batch");

describe("what is made of answers, and for questions, by chunks", () => {
  test.each(rules)("%s", (_, text) => {
    const program = simplifyProgram(bothForms(ruleStep(text), 4).chunked);
    const work = simplifyProgram(workByChunks(program, () => true));
    verifyProgram(work);
    const near = computeNearby(work, () => true);
    const apart = separateHeads(near, () => true);
    for (const chunked of [work, near, apart]) {
      verifyProgram(chunked);
      for (const time of [1, 4, 13]) {
        expectSame({ plain: program, chunked }, { batch: 2, time, past: 0 }, { forward: 1e-10, gradient: 1e-8 }); // prettier-ignore
      }
    }
  });

  /** Little beside keys and values: made where it is read. Of zeros some have no value. */
  const LITTLE: readonly (readonly [string, string])[] = [
    ["a rate that is not zero for zero", delta({ rate: "sigmoid(b)" })],
    ["a rate of two numbers", delta({ rate: "b2 / (b + 2 * sigmoid(b3))" })],
    ["a rate that is not there for zero", delta({ rate: "exp(-1 / b ^ 2)" })],
    ["a rate from all of a key", delta({ rate: "sigmoid(b + einsum(k[h, j], k[h, j] -> [h]))" })],
    ["keys of length one", delta({ key: "l2_norm(k)", rate: "sigmoid(b)" })],
    ["keys that add up to one", delta({ key: "sum_norm(elu1(k))", rate: "sigmoid(b)" })],
    ["keys divided by their sum", delta({ key: "k / einsum(k[h, j] -> [h])" })],
    ["gates that answers too are made of", `fast net { W: [heads, value, key] = 0 }
      g1 = exp(-sigmoid(g))
      program { W <- gated_delta(W, key: l2_norm(k), value: v, rate: sigmoid(b), decay: g1) }
      out y = g1 * (W @ q) + sigmoid(b) * v`], // prettier-ignore
  ];
  test.each(LITTLE)("little: %s", (_, text) => {
    const sizes = { heads: 1, key: 32, value: 48 };
    const program = simplifyProgram(bothForms(ruleStep(text, sizes), 4).chunked);
    const work = simplifyProgram(workByChunks(program, () => true));
    const near = computeNearby(work, () => true);
    for (const chunked of [work, near, separateHeads(near, () => true)]) {
      verifyProgram(chunked);
      for (const time of [1, 4, 13]) {
        expectSame({ plain: program, chunked }, { batch: 2, time, past: 0 }, { forward: 1e-10, gradient: 1e-8 }); // prettier-ignore
      }
    }
  });

  test("norms and gates are made in the loops that read them", () => {
    const text = delta({ key: "l2_norm(k)", rate: "sigmoid(b)" });
    const program = simplifyProgram(bothForms(ruleStep(text, { heads: 1, key: 32, value: 32 }), 4).chunked); // prettier-ignore
    expect(around(simplifyProgram(workByChunks(program, () => true)))).toBeLessThan(around(program) / 2); // prettier-ignore
  });

  test("answers gated and normalised become part of the loop, and heads stay apart", () => {
    const { before, after } = near(delta({ answer: "silu(w) * rms_norm(W @ q)", rate: "sigmoid(b)" })); // prettier-ignore
    expect(outside(after)).toBeLessThan(outside(before) / 2);
    expect(isHeadByHead(after)).toBe(true);
  });

  test("heads that are put together in what is made of answers stay apart in the loop", () => {
    const { after } = near(delta({ answer: "norm(reshape(W @ q, [heads * value]))" }));
    expect(batches(after).length).toBeGreaterThan(0);
    expect(isHeadByHead(after)).toBe(true);
  });
});
