import { expect, test } from "vitest";
import { fillNormal, fillUniform, philox, random4 } from "../../runtime/format/random.ts";

const hex = (words: readonly number[]) =>
  words.map((w) => w.toString(16).padStart(8, "0")).join(" ");

// Known answers published with the Random123 library for philox4x32-10.
test("philox gives the published words", () => {
  expect(hex(philox([0, 0, 0, 0], 0, 0))).toBe("6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  const ones = 0xffffffff;
  expect(hex(philox([ones, ones, ones, ones], ones, ones))).toBe(
    "408f276d 41c83b0e a20bc7c6 6d5451fd",
  );
  expect(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], 0xa4093822, 0x299f31d0)),
  ).toBe("d16cfe09 94fdcceb 5001e420 24126ea1");
});

test("a block depends on seed, stream and counter", () => {
  const blocks = [random4(1, 0, 0), random4(0, 1, 0), random4(0, 0, 1), random4(0, 0, 2 ** 32)];
  expect(new Set(blocks.map(hex)).size).toBe(4);
});

test("a short draw is the beginning of a long one", () => {
  const [long, short] = [new Float64Array(13), new Float64Array(6)];
  for (const fill of [fillUniform, fillNormal]) {
    fill(long, 7, 3);
    fill(short, 7, 3);
    expect([...short]).toEqual([...long.subarray(0, 6)]);
  }
});

test("moments are those of the distributions", () => {
  const n = 20000;
  const moments = (x: Float64Array) => {
    const mean = x.reduce((a, b) => a + b, 0) / n;
    return { mean, variance: x.reduce((a, b) => a + (b - mean) ** 2, 0) / n };
  };
  const x = new Float64Array(n);
  fillUniform(x, 11, 5);
  expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...x)).toBeLessThan(1);
  expect(moments(x).mean).toBeCloseTo(1 / 2, 1);
  expect(moments(x).variance).toBeCloseTo(1 / 12, 2);
  fillNormal(x, 11, 5);
  expect(Math.abs(moments(x).mean)).toBeLessThan(0.03);
  expect(Math.abs(moments(x).variance - 1)).toBeLessThan(0.05);
});
