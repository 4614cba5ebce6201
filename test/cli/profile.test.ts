/** `fwp profile` and the plans of `fwp explain`. */
import { describe, expect, it } from "vitest";
import { fileURLToPath } from "node:url";
import { hasCompiler } from "../support/native.ts";
import { file, fwp, useFolder } from "./support.ts";

useFolder();

const TINY = fileURLToPath(new URL("../train-cli/tiny.fwp", import.meta.url));
const DENSE = `layer Dense(to: int) {
  in x: [width]
  out y: [to] = tanh(linear(x, bias: false))
}
`;

interface Kernel {
  readonly name: string;
  readonly flops: number;
  readonly functions: number;
  readonly bytes: number;
}
interface Plan {
  readonly entry: string;
  readonly device: string;
  readonly sizes: { readonly batch: number; readonly time: number };
  readonly kernels: readonly Kernel[];
  readonly flops: number;
  readonly memory: Readonly<
    Record<"inputs" | "outputs" | "scratch" | "peak" | "parameters", number>
  >;
}
interface Profile {
  readonly plan: Omit<Plan, "kernels">;
  readonly ceilings: { readonly product: number; readonly copy: number };
  readonly whole: number;
  readonly sum: number;
  readonly kernels: readonly (Kernel & { readonly milliseconds: number; readonly share: number })[];
}

const DEVICES = ["typescript", ...(hasCompiler ? ["native"] : [])];

describe.each(DEVICES)("fwp profile on %s", (device) => {
  it("times every kernel of a training step", async () => {
    const ended = await fwp(["profile", TINY, "--device", device, "--json"]);
    expect([ended.code, ended.err]).toEqual([0, ""]);
    const { plan, kernels, ceilings, whole, sum } = JSON.parse(ended.out) as Profile;
    expect([plan.entry, plan.device, plan.sizes.batch]).toEqual(["train", device, 2]);
    const explained = await fwp(["explain", TINY, "--of", "tiny", "--plan", "--device", device, "--json"]); // prettier-ignore
    const [{ plan: planned }] = (JSON.parse(explained.out) as { explained: [{ plan: Plan }] }).explained; // prettier-ignore
    expect(kernels.map((k) => [k.name, k.flops, k.bytes])).toEqual(
      planned.kernels.map((k) => [k.name, k.flops, k.bytes]),
    );
    expect(kernels.reduce((total, k) => total + k.share, 0)).toBeCloseTo(1, 6);
    expect(Math.min(whole, sum, ceilings.product, ceilings.copy)).toBeGreaterThan(0);
  });
});

describe("fwp profile", () => {
  it("shows the slowest kernels, of a layer too", async () => {
    const args = ["profile", file("dense.fwp", DENSE), "--set", "to=3", "--set", "width=4", "--entry", "forward"]; // prettier-ignore
    const ended = await fwp([...args, "--batch", "2", "--time", "5", "--device", "typescript"]);
    expect([ended.code, ended.err]).toEqual([0, ""]);
    expect(ended.out).toMatch(
      /^Dense: forward on typescript, batch 2, 5 steps; fastest of \d+ rounds\n/,
    );
    expect(ended.out).toMatch(/█+ .*y\.weight/);
  });

  it.each([
    [["--device", "oracle"], "the oracle interprets the graph"],
    [["--entry", "backward"], "there is no entry backward; there are: train,"],
    [["--of", "Tiny", "--entry", "train", "--set", "vocab=5"], "--entry train needs an experiment"],
    [["--of", "Tiny", "--experiment", "tiny"], "--of and --experiment exclude each other"],
    [["--time", "9"], "--set task.length=9"],
    [["--batch", "0"], "expected a whole number of at least 1"],
  ])("%j is wrong usage", async (flags, message) => {
    const ended = await fwp(["profile", TINY, ...flags]);
    expect([ended.code, ended.out]).toEqual([2, ""]);
    expect(ended.err).toContain(message);
  });
});

const explain = async (flags: readonly string[]): Promise<Plan> => {
  const args = ["explain", file("dense.fwp", DENSE), "--of", "Dense", "--set", "to=3", "--set", "width=4"]; // prettier-ignore
  const ended = await fwp([...args, "--plan", "--device", "typescript", "--json", ...flags]);
  expect([ended.code, ended.err]).toEqual([0, ""]);
  return (JSON.parse(ended.out) as { explained: [{ plan: Plan }] }).explained[0].plan;
};

describe("fwp explain --plan", () => {
  it("counts operations, bytes and memory of an entry", async () => {
    const { sizes, memory, flops, kernels } = await explain(["--entry", "step"]);
    expect(sizes).toEqual({ batch: 1, time: 1, past: 0 });
    // A product of 3 x 4 and 4, in which partial sums may be added up at the end, and three functions.
    expect(flops).toBeGreaterThanOrEqual(2 * 12 + 3);
    expect(flops).toBeLessThan(1.5 * (2 * 12 + 3));
    expect(kernels.reduce((n, k) => n + k.functions, 0)).toBe(3);
    expect([memory.parameters, memory.inputs, memory.outputs]).toEqual([4 * 12, 4 * 16, 4 * 3]);
    expect(memory.peak).toBe(memory.inputs + memory.outputs + memory.scratch);
  });

  it("plans the gradient unless told otherwise, and says it in words", async () => {
    const plan = await explain([]);
    expect(plan.entry).toBe("gradient");
    expect(plan.flops).toBeGreaterThan(2 * 2.5 * 12 * plan.sizes.batch * plan.sizes.time);
    const text = await fwp(["explain", TINY, "--of", "tiny", "--plan", "--device", "typescript"]);
    expect(text.out).toMatch(/plan of train on typescript \(batch 2, \d+ steps?\): \d+ kernels\n/);
    expect(text.out).toContain("at the peak: inputs ");
  });

  it("--entry alone is wrong usage", async () => {
    const ended = await fwp(["explain", TINY, "--entry", "train"]);
    expect([ended.code, ended.err.split("\n")[0]]).toEqual([2, "error: --entry belongs to --plan"]);
  });
});
