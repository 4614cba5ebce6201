/** Which numbers `fwp verify` draws: such that the results mean something. */
import { describe, expect, it } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { concretize } from "../../compiler/graph/index.ts";
import { openProject } from "../../cli/project.ts";
import { randomRounding } from "../../cli/verify/rounding.ts";
import { trials } from "../../cli/verify/trials.ts";
import { file, useFolder } from "./support.ts";

useFolder();

function stepOf(body: string) {
  const source = `layer Layer() {\n in x: [3]\n in z: [3]\n ${body}\n}\n`;
  const found = instantiate(openProject(file("layer.fwp", source)), "Layer", []);
  if (!("step" in found)) throw new Error(found.diagnostics.map((d) => d.message).join("\n"));
  return concretize(found.step, found.values);
}

const SEEDS = Array.from({ length: 12 }, (_, i) => i);

describe("trials", () => {
  it("are drawn again where a difference nearly cancels, and only there", () => {
    const cancels = stepOf("out y = 1 / (x - z)");
    const all = SEEDS.flatMap((seed) => trials(cancels, [7], seed));
    expect(all.map((t) => t.expectation.undetermined)).toEqual(SEEDS.map(() => 0));
    expect(all.filter((t) => t.redrawn > 0).length).toBeGreaterThan(0);
    expect(all.filter((t) => t.redrawn === 0).length).toBeGreaterThan(0);
    const tame = stepOf("out y = x * tanh(z)");
    expect(SEEDS.flatMap((seed) => trials(tame, [7], seed)).some((t) => t.redrawn > 0)).toBe(false);
  });

  it("are given up on where every draw is chaotic", () => {
    const chaos = stepOf("w = sigmoid(x + z)\n repeat 40 { w = 3.99 * w * (1 - w) }\n out y = w");
    const [only] = trials(chaos, [2], 1);
    expect(only!.redrawn).toBe(5);
    expect(only!.expectation.undetermined).toBeGreaterThan(0);
  });
});

const many = (x: number, seed = 1): number[] => {
  const round = randomRounding(seed);
  return Array.from({ length: 4000 }, () => round(x));
};

describe("rounding at random", () => {
  it.each([0.1, -0.1, 1 + 2 ** -25, 1e-46, 3e38, -1e-39])(
    "takes %s up or down, on average nowhere",
    (x) => {
      const rounded = many(x);
      const [low, high] = [Math.min(...rounded), Math.max(...rounded)];
      expect(low < x && x < high).toBe(true);
      expect(rounded.every((y) => Math.fround(y) === y && (y === low || y === high))).toBe(true);
      const mean = rounded.reduce((sum, y) => sum + (y - x) / (high - low), 0) / rounded.length;
      expect(Math.abs(mean)).toBeLessThan(0.04);
    },
  );

  it.each([0, 1, -0.75, 2 ** -149, Infinity, -Infinity, NaN])("leaves %s alone", (x) => {
    expect(new Set(many(x))).toEqual(new Set([x]));
  });

  it("is a function of its seed", () => {
    expect(many(0.1, 7)).toEqual(many(0.1, 7));
    expect(many(0.1, 7)).not.toEqual(many(0.1, 8));
  });
});
