import { expect, test } from "vitest";
import { cosine, logarithm, sine } from "../../runtime/format/functions.ts";
import {
  fillNormal,
  fillUniform,
  normalPair,
  philox,
  random4,
} from "../../runtime/format/random.ts";

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

test("a draw is scaled and moved, and goes on where another ended", () => {
  const [plain, scaled, rest] = [new Float64Array(10), new Float64Array(10), new Float64Array(6)];
  fillNormal(plain, 3, 1);
  fillNormal(scaled, 3, 1, { mean: 5, deviation: 2 });
  expect([...scaled]).toEqual([...plain].map((x) => 5 + 2 * x));
  fillNormal(rest, 3, 1, { first: 4 });
  expect([...rest]).toEqual([...plain.subarray(4)]);
  const words = random4(3, 1, 0);
  expect([...plain.subarray(0, 4)]).toEqual([...normalPair(words[0], words[1]), ...normalPair(words[2], words[3])]); // prettier-ignore
  fillUniform(plain, 3, 1);
  fillUniform(scaled, 3, 1, { low: -1, high: 3 });
  expect([...scaled]).toEqual([...plain].map((x) => -1 + 4 * x));
});

const near = (a: number, b: number) => Math.abs(a - b) <= 5e-16 * Math.abs(b);

test("the functions behind normal numbers are those of the engine, up to rounding", () => {
  expect(logarithm(2 ** 24)).toBe(0);
  // Every seventh number, all small ones, and all about powers of two.
  for (let word = 1; word < 2 ** 24; word += word < 1000 ? 1 : 7) {
    if (!near(logarithm(word), Math.log(word / 2 ** 24))) expect.fail(`the logarithm of ${word}`);
  }
  for (let k = 11; k <= 24; k++) {
    for (let word = 2 ** k - 200; word < Math.min(2 ** k + 200, 2 ** 24); word++) {
      if (!near(logarithm(word), Math.log(word / 2 ** 24))) expect.fail(`the logarithm of ${word}`);
    }
  }
  for (let i = -1000; i <= 1000; i++) {
    const x = (i / 1000) * (Math.PI / 4);
    expect(near(sine(x), Math.sin(x)) && near(cosine(x), Math.cos(x))).toBe(true);
  }
});

test("normal numbers are those of Box and Muller", () => {
  for (let n = 0; n < 2000; n++) {
    const [a, b] = random4(9, 4, n);
    const radius = Math.sqrt(-2 * Math.log(((a >>> 8) + 1) / 2 ** 24));
    const angle = (2 * Math.PI * (b >>> 8)) / 2 ** 24;
    const [x, y] = normalPair(a, b);
    expect(Math.abs(x - radius * Math.cos(angle))).toBeLessThan(1e-14);
    expect(Math.abs(y - radius * Math.sin(angle))).toBeLessThan(1e-14);
  }
});
