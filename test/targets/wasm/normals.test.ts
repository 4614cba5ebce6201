import { expect, test } from "vitest";
import { drawNormal } from "../../../cli/build/normals.ts";
import { fillNormal } from "../../../runtime/format/random.ts";

const bits = (draw: typeof drawNormal, length: number, seed: number, stream: number) => {
  const out = new Float32Array(length).fill(NaN);
  draw(out, seed, stream, { mean: 0.25, deviation: 0.02 });
  return new Uint32Array(out.buffer);
};

test("long draws in WebAssembly are those of the runtime, bit for bit", () => {
  const keys = [
    [1, 0],
    [7, 0xdeadbeef],
    [0xffffffff, 0x80000000],
  ] as const;
  // Whole calls, calls cut short within and between blocks, and what is too short for it.
  for (const length of [1, 63, 65_535, 65_536, 65_537, 69_631, 70_001, 200_003]) {
    for (const [seed, stream] of keys) {
      const [ours, theirs] = [drawNormal, fillNormal].map((d) => bits(d, length, seed, stream));
      expect(ours!.findIndex((x, i) => x !== theirs![i])).toBe(-1);
    }
  }
});

test("so are four million of one draw, rare ones among them", () => {
  const [ours, theirs] = [drawNormal, fillNormal].map((d) => bits(d, 4_000_000, 3, 5));
  expect(ours!.findIndex((x, i) => x !== theirs![i])).toBe(-1);
});
