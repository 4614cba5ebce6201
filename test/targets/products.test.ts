import { describe, test } from "vitest";
import { BATCH, dim, multiply, TIME } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import { compare, programOf } from "./harness.ts";

const SIZES = [
  { batch: 1, time: 1, past: 0 },
  { batch: 2, time: 7, past: 0 },
];

describe("products", () => {
  for (const [n, k] of [
    [1, 7],
    [7, 63],
    [63, 100],
    [100, 8],
  ] as const) {
    test(`layers of ${k} to ${n}: forward, backward to the input, backward to the weights`, () => {
      const b = new GraphBuilder("layer");
      const x = b.input("x", [BATCH, TIME, dim(k)]);
      const w = b.input("w", [dim(n), dim(k)]);
      const bias = b.input("bias", [dim(n)]);
      const y = b.contract(x, [0, 1, 2], w, [3, 2], [0, 1, 3]);
      const z = b.unary("tanh", b.add(y, b.broadcast(bias, [2], b.shape(y))));
      const out = {
        z,
        dx: b.contract(z, [0, 1, 3], w, [3, 2], [0, 1, 2]),
        dw: b.contract(z, [0, 1, 3], x, [0, 1, 2], [3, 2]),
        dwt: b.contract(b.mul(z, z), [0, 1, 3], x, [0, 1, 2], [2, 3]),
        outer: b.contract(z, [0, 1, 3], x, [0, 1, 2], [0, 3, 1, 2]),
        dot: b.contract(z, [0, 1, 2], z, [0, 1, 2], []),
        alone: b.contract(z, [0, 1, 2], bias, [2], [0]),
      };
      for (const sizes of SIZES) compare(programOf(b, out), sizes);
    });
  }

  test.each([3, 1])(
    "few rows: whatever the operands are made of, wherever neighbours lie, %i heads",
    (heads) => {
      const b = new GraphBuilder("few");
      const [h, n, out] = [dim(heads), dim(5), dim(7)];
      const x = b.input("x", [BATCH, TIME, h, n]);
      const u = b.input("u", [BATCH, TIME, h, n]);
      const w = b.input("w", [out, dim(2), h, n]);
      const v = b.input("v", [h, n, out]);
      const scale = b.input("scale", [n]);
      const turned = b.transpose(x, [0, 1, 3, 2]);
      const scaled = b.mul(x, b.broadcast(scale, [3], b.shape(x)));
      const values = {
        stored: b.contract(x, [0, 1, 2, 3], w, [4, 5, 2, 3], [0, 1, 4, 5]),
        // Two summed axes that lie the other way round in what is made first.
        turned: b.contract(b.unary("exp", turned), [0, 1, 3, 2], w, [4, 5, 2, 3], [0, 1, 5, 4]),
        scaled: b.contract(scaled, [0, 1, 2, 3], w, [4, 5, 2, 3], [4, 0, 1, 5]),
        columns: b.contract(x, [0, 1, 2, 3], v, [2, 3, 4], [0, 1, 4]),
        heads: b.contract(b.mul(u, u), [0, 1, 2, 3], v, [2, 3, 4], [0, 1, 2, 4]),
        back: b.contract(u, [0, 1, 2, 3], b.mul(w, w), [4, 5, 2, 3], [4, 5, 0, 1]),
      };
      const outputs = { ...values, after: b.unary("tanh", b.add(values.columns, values.columns)) };
      for (const [batch, time] of [
        [1, 1],
        [1, 2],
        [3, 1],
        [1, 4],
        [11, 1],
        [2, 7],
      ] as const)
        compare(programOf(b, outputs), { batch, time, past: 0 });
    },
  );

  test("per head, with a causal mask and a softmax: attention", () => {
    const b = new GraphBuilder("attention");
    const heads = (name: string) => {
      const x = b.input(name, [BATCH, TIME, dim(21)]);
      return b.reshape(x, [BATCH, TIME, dim(3), dim(7)]);
    };
    const [q, k, v] = [heads("q"), heads("k"), heads("v")];
    const scores = b.contract(q, [0, 1, 2, 3], k, [0, 4, 2, 3], [0, 2, 1, 4]);
    const shape = b.shape(scores);
    const i = b.iota(TIME);
    const later = b.binary("lt", b.broadcast(i, [2], shape), b.broadcast(i, [3], shape));
    const masked = b.select(later, b.fill(-1e30, shape), scores);
    const e = b.unary(
      "exp",
      b.sub(masked, b.broadcast(b.reduce("max", masked, [3]), [0, 1, 2], shape)),
    );
    const p = b.div(e, b.broadcast(b.sum(e, [3]), [0, 1, 2], shape));
    const y = b.contract(p, [0, 2, 1, 4], v, [0, 4, 2, 3], [0, 1, 2, 3]);
    const out = { y: b.reshape(y, [BATCH, TIME, dim(21)]), p };
    for (const sizes of [...SIZES, { batch: 2, time: 63, past: 0 }])
      compare(programOf(b, out), sizes);
  });

  test("a sum longer than the cache, over one axis and over two", () => {
    const b = new GraphBuilder("long");
    const x = b.input("x", [BATCH, TIME, dim(9)]);
    const y = b.input("y", [BATCH, TIME, dim(6)]);
    const long = b.input("long", [dim(5), dim(1500)]);
    const out = {
      both: b.contract(x, [0, 1, 2], y, [0, 1, 3], [2, 3]),
      flat: b.contract(
        b.reshape(x, [multiply(BATCH, TIME), dim(9)]),
        [0, 1],
        b.reshape(y, [multiply(BATCH, TIME), dim(6)]),
        [0, 2],
        [1, 2],
      ),
      fixed: b.contract(long, [0, 1], long, [2, 1], [0, 2]),
    };
    for (const sizes of [
      { batch: 2, time: 700, past: 0 },
      { batch: 700, time: 2, past: 0 },
      { batch: 3, time: 1, past: 0 },
    ]) {
      compare(programOf(b, out), sizes);
    }
  });

  test("two products added and multiplied, finished in one loop", () => {
    const b = new GraphBuilder("pair");
    const x = b.input("x", [BATCH, dim(10)]);
    const v = b.input("v", [dim(10), dim(11)]);
    const w = b.input("w", [dim(10), dim(11)]);
    const p = b.contract(x, [0, 1], v, [1, 2], [0, 2]);
    const q = b.contract(x, [0, 1], w, [1, 2], [0, 2]);
    const out = { gated: b.mul(p, b.unary("sigmoid", q)), twice: b.sum(b.add(p, p), [0]) };
    for (const sizes of [{ batch: 7, time: 1, past: 0 }]) compare(programOf(b, out), sizes);
  });
});
