import { relative } from "node:path";
import { describe, expect, test } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { simplifyProgram, type SequenceProgram } from "../../../compiler/graph/index.ts";
import { specCases } from "../../specs/cases.ts";
import { ruleStep } from "../../support/rules.ts";
import { specs } from "../../support/specs.ts";
import { drawInputs } from "../../support/steps.ts";
import { compareOn } from "../../targets/harness.ts";
import { bothForms, expectSame } from "../chunk/helpers.ts";

/** Loops of a program: the names of what each carries, those over chunks with a star. */
const loops = ({ graph }: SequenceProgram): string[] =>
  graph.nodes.flatMap((n) => {
    if (n.op !== "recurrence") return [];
    const star = n.recurrence.time.key.includes("ceildiv") ? "*" : "";
    return [n.recurrence.carries.map((c) => c.name).join(" + ") + star];
  });

const W = "W: [heads, value, key] = 0";
const z = "z: [heads, key] = 0";
const out = "out y = W @ q / (1 + dot(z, q) ^ 2)";
const rule = (states: readonly string[], program: string, last = out): string =>
  `fast net { ${states.join("\n")} } program { ${program} } ${last}`;
const perKey = (w: string): string => `einsum(${w}[h, i, j], sigmoid(d)[h, j] -> [h, i, j])`;

interface Pair {
  readonly name: string;
  readonly loops: readonly string[];
  readonly text: string;
}

const TOGETHER: readonly Pair[] = [
  { name: "sums", loops: ["W, z*"], text: rule([W, z], "W <- W + outer(v, k)\n z <- z + k") },
  { name: "the smaller one first", loops: ["W, z*"], text: rule([z, W], "z <- z + k\n W <- W + outer(v, k)") }, // prettier-ignore
  { name: "a gate for both", loops: ["W, z*"], text: rule([W, z], "W <- sigmoid(g) * W + b * outer(v, k)\n z <- sigmoid(g) * z + b * k") }, // prettier-ignore
  { name: "gates per key", loops: ["W, z*"], text: rule([W, z], `W <- ${perKey("W")} + outer(v, k)\n z <- sigmoid(d) * z + k`) }, // prettier-ignore
  { name: "read before", loops: ["W, z*"], text: `fast net { ${W}\n ${z} } s = dot(z, q)\n t = W @ q + W @ p program { W <- sigmoid(g) * W + outer(v, k)\n z <- sigmoid(g) * z + sigmoid(b) * k } out y = t / (1 + s ^ 2)` }, // prettier-ignore
  { name: "a key that is a product", loops: ["W, z*"], text: rule([W, z], "W <- W + outer(v, sigmoid(d) * k)\n z <- z + b * sigmoid(d) * k") }, // prettier-ignore
  { name: "two delta rules with equal keys and rates", loops: ["W, V*"], text: rule([W, "V: [heads, key, key] = 0"], "W <- delta(W, key: k, value: v, rate: b)\n V <- delta(V, key: k, value: p, rate: b)", "out y = W @ q + einsum((V @ q)[h, j], (W @ q)[h, i] -> [h, i])") }, // prettier-ignore
  { name: "three gated delta rules", loops: ["W, U, V*"], text: rule([W, "U: [heads, value, key] = 0", "V: [heads, value, key] = 0"], "W <- gated_delta(W, key: k, value: v, rate: b, decay: sigmoid(g))\n U <- gated_delta(U, key: k, value: w, rate: b, decay: sigmoid(g))\n V <- gated_delta(V, key: k, value: v2, rate: b, decay: sigmoid(g))", "out y = (W @ q) * (U @ q) + V @ q") }, // prettier-ignore
  { name: "one is asked from the side of the values too", loops: ["W, z*"], text: rule([W, z], "W <- sigmoid(g) * W + outer(v, k)\n z <- sigmoid(g) * z + k", "out y = dot(z, q) * (W @ q) + sum(transpose(W) @ w)") }, // prettier-ignore
];

const APART: readonly Pair[] = [
  { name: "other decays", loops: ["W*", "z*"], text: rule([W, z], "W <- sigmoid(g) * W + outer(v, k)\n z <- sigmoid(b) * z + k") }, // prettier-ignore
  { name: "a decay beside none", loops: ["W*", "z*"], text: rule([W, z], "W <- sigmoid(g) * W + outer(v, k)\n z <- z + k") }, // prettier-ignore
  { name: "other keys", loops: ["W*", "z*"], text: rule([W, z], "W <- W + outer(v, k)\n z <- z + k2") }, // prettier-ignore
  { name: "other questions", loops: ["W*", "z*"], text: rule([W, z], "W <- W + outer(v, k)\n z <- z + k", "out y = W @ q / (1 + dot(z, p) ^ 2)") }, // prettier-ignore
  { name: "one is asked before the step, one after it", loops: ["W*", "z*"], text: `fast net { ${W}\n ${z} } s = dot(z, q) program { W <- W + outer(v, k)\n z <- z + k } out y = W @ q / (1 + s ^ 2)` }, // prettier-ignore
  { name: "a delta rule beside a sum", loops: ["W*", "z*"], text: rule([W, z], "W <- delta(W, key: k, value: v, rate: b)\n z <- z + k") }, // prettier-ignore
  { name: "two delta rules with other rates", loops: ["W*", "V*"], text: rule([W, "V: [heads, value, key] = 0"], "W <- delta(W, key: k, value: v, rate: b)\n V <- delta(V, key: k, value: w, rate: b2)", "out y = W @ q + V @ q") }, // prettier-ignore
  { name: "a sum of keys is one key", loops: ["W*", "z*"], text: rule([W, z], "W <- W + outer(v, k)\n W <- W + outer(v2, k2)\n z <- z + k + b * k2") }, // prettier-ignore
  { name: "all of the small one leaves", loops: ["W*", "z*"], text: `fast net { ${W}\n ${z} } program { W <- W + outer(v, k)\n z <- z + k } out y = (W @ q) * dot(tanh(z), q)` }, // prettier-ignore
  { name: "the values of one are divided by what the other says", loops: ["z*", "W*"], text: `fast net { ${W}\n ${z} } program { z <- z + k } s = 1 + dot(z, q) ^ 2 program { W <- W + outer(v / s, k) } out y = W @ q` }, // prettier-ignore
  {
    name: "two pairs, each half of one after a half of the other",
    loops: ["A*", "D*", "B*", "C*"],
    text: `fast net { A: [heads, value, key] = 0\n B: [heads, value, key] = 0\n C: [heads, value, key] = 0\n D: [heads, value, key] = 0 }
      program { A <- A + outer(v, k)\n D <- 0.5 * D + outer(w, k) }
      s = A @ q\n t = D @ q
      program { B <- B + outer(t, k)\n C <- 0.5 * C + outer(s, k) }
      out y = B @ q + C @ q`,
  },
];
const named = (pairs: readonly Pair[]) => pairs.map((p) => [p.name, p] as const);

describe("one loop over chunks", () => {
  test.each(named(TOGETHER))("%s", (_, pair) => {
    const { program, kept } = chunk(stage(ruleStep(pair.text)), { length: 4 });
    expect(kept).toEqual(kept.map(() => null));
    expect(kept.length).toBeGreaterThan(1);
    expect(loops(program)).toEqual(pair.loops);
  });
});

describe("two loops", () => {
  test.each(named(APART))("%s", (_, pair) => {
    const { program } = chunk(stage(ruleStep(pair.text)), { length: 4, elementwise: true });
    expect([...loops(program)].sort()).toEqual([...pair.loops].sort());
  });
});

describe("by chunks as step by step, gradients included", () => {
  test.each(named([...TOGETHER, ...APART]))("%s", (_, pair) => {
    const both = bothForms(ruleStep(pair.text), 4);
    for (const time of [1, 4, 13]) expectSame(both, { batch: 2, time, past: 0 });
  });
  test.each(named(TOGETHER))("%s, awkward sizes", (_, pair) => {
    for (const size of [
      { heads: 1, key: 1, value: 1 },
      { heads: 3, key: 5, value: 7 },
      { heads: 1, key: 2, value: 1 },
    ]) {
      expectSame(bothForms(ruleStep(pair.text, size), 7), { batch: 1, time: 16, past: 0 });
    }
  });
  test.each(named(TOGETHER))("%s, on the typescript target", (_, pair) => {
    const program = simplifyProgram(bothForms(ruleStep(pair.text), 4).chunked);
    const sizes = { batch: 2, time: 7, past: 0 };
    compareOn(program, drawInputs(program, sizes), sizes, [
      ["f64", 1e-11],
      ["f32", 1e-4],
    ]);
  });
});

test("a program's recurrences keep their places in `kept`", () => {
  const text = `fast net { ${z}\n ${W}\n h: [heads] = 0 }
    program { z <- z + k\n h <- tanh(h + b)\n W <- W + outer(v, k) } ${out} * h`;
  const staged = stage(ruleStep(text));
  const { program, kept } = chunk(staged, { length: 4 });
  const nonlinear = loops(staged).indexOf("h");
  expect(kept.map((k) => k === null)).toEqual(kept.map((_, i) => i !== nonlinear));
  expect([...loops(program)].sort()).toEqual(["W, z*", "h"]);
});

test("the loops of specs: normalisers and second memories ride along, hops leave none over time", () => {
  const cases = new Map(specCases().filter((c) => c.usual).map((c) => [`${relative(specs, c.file)} ${c.name}`, c])); // prettier-ignore
  const found = (name: string): string[] =>
    loops(chunk(stage(cases.get(name)!.step), { length: 4 }).program).sort();
  expect(found("linear_transformer.fwp LinearTransformer")).toEqual(["W, z*"]);
  expect(found("performer.fwp Performer")).toEqual(["LinearTransformer.W, LinearTransformer.z*"]);
  expect(found("retrieval.fwp AdditiveMemory")).toEqual(["W, z*"]);
  // What keeps its exponents in range is no affine state: it comes before the other two.
  expect(found("decay.fwp MLSTM")).toEqual(["W, n*", "m"]);
  expect(found("online.fwp MesaMemory")).toEqual(["H, G*"]);
  expect(found("tensor_product.fwp TensorProductMemory")).toEqual(["F*"]);
});
