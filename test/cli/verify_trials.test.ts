/** Which numbers `fwp verify` draws: such that the results mean something. */
import { describe, expect, it } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { concretize } from "../../compiler/graph/index.ts";
import { openProject } from "../../cli/project.ts";
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
