import { describe, expect, test } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import {
  runProgram,
  simplifyProgram,
  unroll,
  withGradients,
  type Tensor,
} from "../../../compiler/graph/index.ts";
import { relativeRms } from "../../support/compare.ts";
import { ruleStep } from "../../support/rules.ts";
import { drawInputs, portKey } from "../../support/steps.ts";
import { compareOn, instanceOf } from "../../targets/harness.ts";
import { bothForms, expectSame } from "./helpers.ts";

const matrix = "fast net { W: [heads, value, key] = 0 }";
const rule = (program: string): string => `${matrix} program { ${program} } out y = W @ q`;
const DIAGONAL = rule(`W <- einsum(W[h, i, j], exp(d)[h, j] -> [h, i, j])
  W <- delta(W, key: l2_norm(k), value: v, rate: sigmoid(b))`);
const GATED = rule(
  "W <- gated_delta(W, key: l2_norm(k), value: v, rate: sigmoid(b), decay: sigmoid(g))",
);
/** One of each kind, all of them stable. */
const KINDS: Readonly<Record<string, string>> = {
  sum: rule("W <- W + outer(v, k)"),
  "scalar decay": rule("W <- sigmoid(g) * W + outer(v, k)"),
  "diagonal decay": rule("W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j]) + outer(v, k)"),
  delta: rule("W <- delta(W, key: l2_norm(k), value: v, rate: sigmoid(b))"),
  "gated delta": GATED,
  "diagonal decay and delta": DIAGONAL.replace("exp(d)", "sigmoid(d)"),
  "diagonal and rank one": rule(`W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j])
    - sigmoid(b) * outer(W @ l2_norm(a), l2_norm(a)) + outer(v, k)`),
  "two deltas": rule(`W <- delta(W, key: l2_norm(k), value: v, rate: sigmoid(b))
    W <- delta(W, key: l2_norm(k2), value: v2, rate: sigmoid(b2))`),
  "three deltas at once": rule(`s1 = W @ l2_norm(k)
    s2 = W @ l2_norm(k2)
    W <- W + 0.5 * outer(v - s1, l2_norm(k)) + 0.5 * outer(v2 - s2, l2_norm(k2))`),
  Oja: rule("W <- oja(W, key: k, value: l2_norm(v), rate: sigmoid(b))"),
};
const kinds = Object.entries(KINDS);

describe("awkward lengths", () => {
  const times = [1, 2, 7, 63, 64, 65, 100, 257];
  test.each([1, 4, 16, 64])("gated delta, chunks of %s", (length) => {
    const both = bothForms(ruleStep(GATED), length);
    for (const time of times) expectSame(both, { batch: 1, time, past: 0 });
  });
  test.each(kinds)("%s", (_, text) => {
    const step = ruleStep(text);
    expectSame(bothForms(step, 16), { batch: 2, time: 65, past: 0 });
    expectSame(bothForms(step, 64), { batch: 1, time: 100, past: 0 });
    expectSame(bothForms(step, 5), { batch: 1, time: 7, past: 0 });
  });
});

describe("awkward sizes", () => {
  test.each(kinds)("%s", (_, text) => {
    for (const [heads, key, value] of [
      [1, 1, 1],
      [3, 1, 16],
      [2, 16, 1],
      [2, 16, 3],
    ] as const) {
      // Where there is one row of values, or one key, the rule may be of a simpler class: the form must still be right.
      const step = ruleStep(text, { heads, key, value });
      const { program } = chunk(stage(step), { length: 4 });
      const both = { plain: withGradients(unroll(step)), chunked: withGradients(program) };
      expectSame(both, { batch: 2, time: 7, past: 0 });
    }
  });
});

describe("float32 on the typescript target, forward to 1e-5 and gradients to 1e-4", () => {
  test.each(kinds)("%s", (_, text) => {
    const step = ruleStep(text, { heads: 2, key: 16, value: 16 });
    const { program } = chunk(stage(step), { length: 16 });
    const sizes = { batch: 1, time: 100, past: 0 };
    compareOn(program, drawInputs(program, sizes), sizes, [["f32", 1e-5]]);
    const gradients = simplifyProgram(withGradients(program));
    compareOn(gradients, drawInputs(gradients, sizes), sizes, [["f32", 1e-4]]);
  });
});

/** Log decays into the place of `d`, per key; or of `r`, per value; or of `g`, per head. */
function setDecays(inputs: Map<string, Tensor>, decay: (uniform: number) => number): void {
  const { data } = ["d", "r", "g"].flatMap((name) => inputs.get(`input:${name}`) ?? [])[0]!;
  let state = 12345;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = decay(state / 2 ** 32);
  }
}

describe("strong decays (systems.md C.2, T14)", () => {
  const decays = [
    ["log decays uniform in [-6, 0]", (u: number) => -6 * u],
    ["constant -20", () => -20],
  ] as const;
  const channels = "W <- einsum(W[h, i, j], exp(d)[h, j] -> [h, i, j])";
  const rules: Readonly<Record<string, string>> = {
    "decay per key, delta": DIAGONAL,
    "decay per key": rule(`${channels} + outer(v, k)`),
    "decay per key, any rank one": rule(`${channels}
      - sigmoid(b) * outer(W @ l2_norm(a), l2_norm(p)) + outer(v, k)`),
    "decay per head, delta": rule(`W <- exp(g) * W
      W <- delta(W, key: l2_norm(k), value: v, rate: sigmoid(b))`),
    "decay per value, Oja": rule(`W <- exp(r) * W
      W <- oja(W, key: k, value: l2_norm(v), rate: sigmoid(b))`),
  };
  const cases = decays.flatMap(([name, decay]) =>
    Object.entries(rules).map(([kind, text]) => [`${kind}, ${name}`, text, decay] as const),
  );
  test.each(cases)(
    "%s: chunks of 64 in float64, and in float32 on the target",
    (_, text, decay) => {
      const step = ruleStep(text, { heads: 2, key: 16, value: 8 });
      const both = bothForms(step, 64);
      const sizes = { batch: 1, time: 100, past: 0 };
      expectSame(both, sizes, undefined, (inputs) => setDecays(inputs, decay));
      const program = simplifyProgram(both.chunked);
      const inputs = drawInputs(program, sizes);
      setDecays(inputs, decay);
      const wanted = runProgram(program, inputs, sizes);
      const { instance } = instanceOf(program, sizes, "f32");
      for (const p of program.inputs)
        instance.input(p.role, p.name).set(inputs.get(portKey(p))!.data);
      instance.run();
      let gradients = 0;
      for (const p of program.outputs) {
        const found = instance.output(p.role, p.name);
        expect(found.every(Number.isFinite), `${portKey(p)} is finite`).toBe(true);
        expect(relativeRms(found, wanted.get(portKey(p))!.data), portKey(p)).toBeLessThanOrEqual(
          1e-4,
        );
        if (p.role === "gradient") gradients++;
      }
      expect(gradients).toBeGreaterThan(3);
    },
  );

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
  const step = ruleStep(GATED);
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
