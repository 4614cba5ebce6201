import { describe, expect, it } from "vitest";
import type { Tensor } from "../../runtime/files/safetensors.ts";
import { ATTENTION, DELTA, TOKENS } from "./specs.ts";
import {
  difference,
  expectRefused,
  file,
  fwp,
  inFolder,
  listing,
  readTensors,
  tensors,
  tokens,
  useFolder,
  wave,
} from "./support.ts";

useFolder();

/** Runs a spec on tensors and reads what came out. */
async function run(
  spec: string,
  inputs: Readonly<Record<string, Tensor>>,
  ...options: readonly string[]
): Promise<ReadonlyMap<string, Tensor>> {
  const input = tensors("in.safetensors", inputs);
  const output = inFolder("out.safetensors");
  const ended = await fwp([
    "run",
    file("spec.fwp", spec),
    "--input",
    input,
    "--output",
    output,
    ...options,
  ]);
  expect(ended.err).toBe("");
  expect(ended.code).toBe(0);
  return readTensors(output);
}

const shapes = (found: ReadonlyMap<string, Tensor>): Record<string, readonly number[]> =>
  Object.fromEntries([...found].map(([name, t]) => [name, t.shape]));

describe("fwp run", () => {
  it("gives outputs and last states", async () => {
    const found = await run(DELTA, { x: wave([2, 5, 4]) });
    expect(shapes(found)).toEqual({ "state.W": [2, 2, 3, 3], y: [2, 5, 4] });
    expect(found.get("y")!.data).toBeInstanceOf(Float32Array);
  });

  const sides = {
    "delta net": {
      spec: DELTA,
      inputs: { x: wave([3, 5, 4], "f64"), "d.y": wave([3, 5, 4], "f64", 1) },
      states: { "d.state.W": wave([3, 2, 3, 3], "f64", 2) },
      start: { "state.W": wave([3, 2, 3, 3], "f64", 3) },
    },
    attention: {
      spec: ATTENTION,
      inputs: { x: wave([2, 4, 5], "f64"), "d.y": wave([2, 4, 5], "f64", 1) },
      states: { "d.state.K": wave([2, 4, 3], "f64", 2) },
      start: {},
    },
    "attention with a past": {
      spec: ATTENTION,
      inputs: { x: wave([2, 4, 5], "f64"), "d.y": wave([2, 4, 5], "f64", 1) },
      states: { "d.state.V": wave([2, 6, 3], "f64", 2) },
      start: { "state.K": wave([2, 2, 3], "f64", 3), "state.V": wave([2, 2, 3], "f64", 4) },
    },
  };

  describe.each(Object.entries(sides))("%s", (_, { spec, inputs, states, start }) => {
    const given = { ...inputs, ...states, ...start };
    it.each([
      ["typescript", "auto"],
      ["typescript", "sequential"],
      ["typescript", "step"],
      ["typescript", "chunk"],
      ["oracle", "chunk"],
      ["oracle", "sequential"],
      ["oracle", "step"],
    ])("%s, form %s: as the oracle, all gradients", async (device, form) => {
      const oracle = await run(spec, given, "--grad", "--device", "oracle");
      const other = await run(spec, given, "--grad", "--device", device, "--form", form);
      expect(oracle.size).toBeGreaterThan(6);
      expect(difference(oracle, other)).toBeLessThan(1e-11);
    });
  });

  it("carries a state: two halves are the whole", async () => {
    const x = wave([1, 6, 4], "f64");
    const half = (from: number): Tensor => ({
      shape: [1, 3, 4],
      data: x.data.slice(from, from + 12),
    });
    const whole = await run(DELTA, { x });
    const first = await run(DELTA, { x: half(0) });
    const second = await run(DELTA, { x: half(12), "state.W": first.get("state.W")! });
    expect(
      difference(new Map([["W", whole.get("state.W")!]]), new Map([["W", second.get("state.W")!]])),
    ).toBeLessThan(1e-14);
    expect([...second.get("y")!.data]).toEqual(Array.from(whole.get("y")!.data.subarray(12)));
  });

  it("differentiates a learned first state through the state, but not when another is given", async () => {
    const inputs = { x: wave([2, 3, 4], "f64"), "d.y": wave([2, 3, 4], "f64", 1) };
    const own = await run(DELTA, inputs, "--grad");
    const [state, learned] = [own.get("d.state.W")!.data, own.get("d.W")!.data];
    for (let i = 0; i < learned.length; i++) {
      expect(learned[i]).toBeCloseTo(state[i]! + state[i + learned.length]!, 12);
    }
    const start = wave([2, 2, 3, 3], "f64");
    const given = await run(DELTA, { ...inputs, "state.W": start }, "--grad");
    expect(Math.max(...given.get("d.W")!.data.map(Math.abs))).toBe(0);
  });

  it("takes settings, parameters and a seed", async () => {
    const x = wave([1, 4, 4]);
    const first = await run(DELTA, { x }, "--seed", "7");
    expect(difference(first, await run(DELTA, { x }, "--seed", "7"))).toBe(0);
    expect(difference(first, await run(DELTA, { x }, "--seed", "8"))).toBeGreaterThan(0.01);
    expect(
      difference(first, await run(DELTA, { x }, "--seed", "7", "--set", "rule=additive")),
    ).toBeGreaterThan(0.01);

    const params = tensors("p.safetensors", {
      "k.weight": wave([2, 3, 4]),
      "v.weight": wave([2, 3, 4], "f32", 1),
      "v.bias": wave([2, 3], "f32", 2),
      "rate.weight": wave([2, 4]),
      "rate.bias": wave([2]),
      "y.weight": wave([4, 2, 3]),
      W: wave([2, 3, 3]),
    });
    // Keys that add up to one keep the memory bounded, so that rounding stays small.
    const common = ["--params", params, "--set", "phi=softmax"];
    const given = await run(DELTA, { x }, ...common);
    const oracle = await run(DELTA, { x }, ...common, "--device", "oracle");
    expect(oracle.get("y")!.data).toBeInstanceOf(Float64Array);
    expect(difference(given, oracle)).toBeLessThan(1e-6);
    const wide = await run(DELTA, { x }, ...common, "--precision", "f64");
    expect(difference(wide, oracle)).toBeLessThan(1e-13);
  });

  it("reads tokens", async () => {
    const found = await run(TOKENS, { tokens: tokens([2, 3], 5) });
    expect(shapes(found)).toEqual({ logits: [2, 3, 5] });
  });
});

const attempt = (
  spec: string,
  inputs: Readonly<Record<string, Tensor>>,
  ...options: readonly string[]
) =>
  fwp([
    "run",
    file("spec.fwp", spec),
    "--input",
    tensors("in.safetensors", inputs),
    "--output",
    inFolder("out.safetensors"),
    ...options,
  ]);

describe("what does not fit", () => {
  it.each<[string, string, Readonly<Record<string, Tensor>>, string[], string[]]>([
    ["a missing input", DELTA, { y: wave([1, 2, 3]) }, [], ["fwp8034"]],
    ["another rank", DELTA, { x: wave([2, 3]) }, [], ["fwp8030"]],
    ["another width", DELTA, { x: wave([1, 2, 3]) }, ["--set", "width=4"], ["fwp8030"]],
    ["an unknown tensor", DELTA, { x: wave([1, 2, 3]), z: wave([1]) }, [], ["fwp8033"]],
    [
      "a cotangent without --grad",
      DELTA,
      { x: wave([1, 2, 3]), "d.y": wave([1, 2, 3]) },
      [],
      ["fwp8038"],
    ],
    ["no cotangent", DELTA, { x: wave([1, 2, 3]) }, ["--grad"], ["fwp8034"]],
    [
      "another batch",
      DELTA,
      { x: wave([1, 2, 3]), "state.W": wave([2, 2, 3, 3]) },
      [],
      ["fwp8031"],
    ],
    ["no steps", DELTA, { x: wave([1, 0, 3]) }, [], ["fwp8032"]],
    ["integers", DELTA, { x: tokens([1, 2, 3], 5) }, [], ["fwp8036"]],
    ["floats for tokens", TOKENS, { tokens: wave([1, 2]) }, [], ["fwp8036"]],
    ["a token out of range", TOKENS, { tokens: tokens([1, 3], 9) }, [], ["fwp6034"]],
    [
      "NaN",
      DELTA,
      { x: { shape: [1, 1, 2], data: Float32Array.of(0, Number.NaN) } },
      [],
      ["fwp8035"],
    ],
    [
      "pasts of different lengths",
      ATTENTION,
      { x: wave([1, 2, 3]), "state.K": wave([1, 2, 3]), "state.V": wave([1, 3, 3]) },
      [],
      ["fwp8037"],
    ],
    ["a planned device", DELTA, { x: wave([1, 2, 3]) }, ["--device", "cuda"], ["fwp8021"]],
    ["a planned form", DELTA, { x: wave([1, 2, 3]) }, ["--form", "parallel"], ["fwp8020"]],
    ["a form that the state lacks", DELTA, { x: wave([1, 2, 3]) }, ["--form", "scan"], ["fwp4601"]],
    ["no such layer", DELTA, { x: wave([1, 2, 3]) }, ["--of", "Dleta"], ["fwp8001"]],
    ["no layer at all", "map id(x: [..]) { x }", { x: wave([1, 2, 3]) }, [], ["fwp8002"]],
    ["several layers", DELTA + TOKENS, { x: wave([1, 2, 3]) }, [], ["fwp8003"]],
  ])("%s", async (_, spec, inputs, options, expected) => {
    expectRefused(await attempt(spec, inputs, ...options), ...expected);
    expect(listing()).not.toContain("out.safetensors");
  });

  it("says shapes in the spec's names and in numbers", async () => {
    const inputs = { x: wave([2, 5, 4]), "state.W": wave([2, 2, 3, 4]) };
    const { err } = await attempt(DELTA, inputs);
    expect(err).toContain(
      "`state.W` should be [batch, heads, key, key] = [2, 2, 3, 3]; found [2, 2, 3, 4]",
    );
  });

  it("finds every problem of the parameters", async () => {
    const params = tensors("p.safetensors", {
      "k.weight": wave([2, 3, 5]),
      "v.weight": { shape: [2, 3, 4], data: new Float32Array(24).fill(Number.NaN) },
      "v.bias": wave([2, 3]),
      "rate.weight": wave([2, 4]),
      "rate.bias": wave([2]),
      W: wave([2, 3, 3]),
      extra: wave([1]),
    });
    const ended = await attempt(DELTA, { x: wave([1, 2, 4]) }, "--params", params);
    expectRefused(ended, "fwp8030", "fwp8035", "fwp8034", "fwp8033");
    expect(ended.err).toContain(
      "`k.weight` should be [heads, key, width] = [2, 3, 4]; found [2, 3, 5]",
    );
  });

  it("calls unknown devices, forms and seeds wrong usage", async () => {
    for (const wrong of [
      ["--device", "gpu"],
      ["--form", "fast"],
      ["--seed", "-1"],
      ["--precision", "f16"],
    ]) {
      const ended = await attempt(DELTA, { x: wave([1, 2, 3]) }, ...wrong);
      expect(ended.code).toBe(2);
      expect(ended.err).toMatch(/^error: /);
    }
  });
});
