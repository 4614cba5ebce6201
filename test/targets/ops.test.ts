import { describe, test } from "vitest";
import { BATCH, dim, TIME } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import type { UnaryFn } from "../../compiler/graph/ir.ts";
import { compare, programOf } from "./harness.ts";

const SIZES = [
  { batch: 1, time: 1, past: 0 },
  { batch: 3, time: 7, past: 2 },
];

describe("elementwise", () => {
  test("every function of one number", () => {
    const fns: UnaryFn[] = [
      "neg",
      "exp",
      "expm1",
      "sin",
      "cos",
      "tanh",
      "sigmoid",
      "softplus",
      "relu",
    ];
    fns.push("abs", "sign", "floor", "ceil", "round", "erf", "step");
    const b = new GraphBuilder("unary");
    const x = b.input("x", [BATCH, TIME, dim(7)]);
    const three = b.scaleBy(x, 3);
    const positive = b.add(b.mul(x, x), b.fill(0.1, b.shape(x)));
    const out: Record<string, ReturnType<typeof b.unary>> = {};
    for (const fn of fns) out[fn] = b.unary(fn, three);
    for (const fn of ["log", "log1p", "sqrt", "rsqrt", "reciprocal"] as const) {
      out[fn] = b.unary(fn, positive);
    }
    for (const sizes of SIZES) compare(programOf(b, out), sizes);
  });

  test("the largest element equals itself, however it is rounded on the way to memory", () => {
    const b = new GraphBuilder("extremes");
    const shape = [BATCH, dim(3), dim(9)];
    const x = b.input("x", shape);
    const y = b.add(b.scaleBy(b.unary("sin", x), 0.37), b.scaleBy(x, 0.11));
    const out: Record<string, ReturnType<typeof b.unary>> = {};
    for (const axes of [[1], [2], [1, 2]]) {
      for (const fn of ["max", "min"] as const) {
        const kept = [0, 1, 2].filter((axis) => !axes.includes(axis));
        const extreme = b.broadcast(b.reduce(fn, y, axes), kept, shape);
        out[`${fn}${axes.join("")}`] = b.sum(b.binary("eq", y, extreme), axes);
      }
    }
    for (const sizes of SIZES) compare(programOf(b, out), sizes);
  });

  test("every function of two", () => {
    const b = new GraphBuilder("binary");
    const x = b.input("x", [BATCH, dim(9)]);
    const y = b.input("y", [BATCH, dim(9)]);
    const i = b.input("i", [BATCH, dim(9)], "int");
    const j = b.broadcast(b.constant(2, "int"), [], [BATCH, dim(9)]);
    const out = {
      add: b.add(x, y),
      sub: b.sub(x, y),
      mul: b.mul(x, y),
      div: b.div(x, b.add(y, b.fill(3, b.shape(y)))),
      pow: b.binary("pow", b.unary("abs", x), y),
      max: b.binary("max", x, y),
      min: b.binary("min", x, y),
      mod: b.binary("mod", x, b.unary("exp", y)),
      lt: b.binary("lt", x, y),
      le: b.binary("le", x, y),
      eq: b.binary("eq", i, j),
      ne: b.binary("ne", i, j),
      and: b.binary("and", b.binary("lt", x, y), b.binary("lt", y, b.fill(0, b.shape(y)))),
      or: b.binary("or", b.unary("to_float", i), b.unary("step", x)),
      divided: b.binary("div", i, j),
      rest: b.binary("mod", i, j),
      chosen: b.select(b.binary("eq", i, j), x, y),
      whole: b.unary("to_int", b.scaleBy(x, 5)),
    };
    for (const sizes of SIZES) compare(programOf(b, out), sizes);
  });
});

test("views: slices, pads, rolls, reversals, transpositions, reshapes", () => {
  const b = new GraphBuilder("views");
  const x = b.input("x", [BATCH, TIME, dim(6), dim(4)]);
  const y = b.unary("tanh", x);
  const out = {
    slice: b.slice(y, 2, dim(1), dim(3)),
    pad: b.pad(y, 3, dim(2), dim(1)),
    roll: b.roll(y, 2, dim(-2)),
    shift: b.roll(y, 1, dim(1)),
    reverse: b.reverse(y, 1),
    transpose: b.transpose(y, [3, 0, 2, 1]),
    merged: b.reshape(y, [BATCH, TIME, dim(24)]),
    regrouped: b.neg(b.reshape(y, [BATCH, TIME, dim(3), dim(8)])),
    flat: b.scaleBy(b.reshape(b.transpose(y, [0, 1, 3, 2]), [BATCH, TIME, dim(24)]), 2),
    concat: b.concat([y, b.slice(x, 3, dim(0), dim(1))], 3),
    later: b.pad(b.slice(y, 2, dim(2), dim(2)), 2, dim(1), dim(0)),
  };
  for (const sizes of SIZES) compare(programOf(b, out), sizes);
});

test("rolls along any axis, of what is computed on the way, by any shift", () => {
  const b = new GraphBuilder("rolls");
  const x = b.input("x", [BATCH, TIME, dim(3), dim(9)]);
  const one = b.input("one", [BATCH, TIME, dim(1)]);
  const both = b.concat([b.unary("relu", x), b.unary("relu", b.neg(x))], 3);
  const shifts = [-19, -9, -1, 0, 1, 8, 9, 17, 18, 40];
  const features = shifts.map((s) => b.mul(both, b.roll(both, 3, dim(s))));
  const twice = b.roll(b.unary("exp", b.roll(both, 3, dim(2))), 3, dim(-5));
  const out = {
    ...Object.fromEntries(shifts.map((s, i) => [`by ${s}`, features[i]!])),
    twice,
    across: b.roll(b.roll(b.neg(x), 2, dim(1)), 3, dim(4)),
    summed: b.sum(b.mul(both, b.roll(both, 3, dim(1))), [3]),
    product: b.contract(b.roll(b.neg(both), 3, dim(7)), [0, 1, 2, 3], twice, [0, 1, 4, 3], [0, 1, 2, 4]), // prettier-ignore
    alone: b.roll(b.neg(one), 2, dim(3)),
  };
  for (const sizes of SIZES) compare(programOf(b, out), sizes);
});

test("reductions, running sums, rows in one pass", () => {
  const b = new GraphBuilder("rows");
  const x = b.input("x", [BATCH, TIME, dim(63)]);
  const shape = b.shape(x);
  const spread = (v: typeof x) => b.broadcast(v, [0, 1], shape);
  const e = b.unary("exp", b.sub(x, spread(b.reduce("max", x, [2]))));
  const softmax = b.div(e, spread(b.sum(e, [2])));
  const mean = b.scaleBy(b.sum(x, [2]), 1 / 63);
  const centred = b.sub(x, spread(mean));
  const variance = b.scaleBy(b.sum(b.mul(centred, centred), [2]), 1 / 63);
  const out = {
    softmax,
    normalised: b.mul(
      centred,
      spread(b.unary("rsqrt", b.add(variance, b.fill(1e-5, [BATCH, TIME])))),
    ),
    least: b.reduce("min", x, [0, 2]),
    total: b.sum(x, [0, 1, 2]),
    columns: b.sum(x, [0, 1]),
    running: b.cumsum(x, 1),
    before: b.cumsum(x, 2, { exclusive: true, reverse: true }),
  };
  for (const sizes of SIZES) compare(programOf(b, out), sizes);
});

test("tables: gather, scatter, pick, place, append", () => {
  const b = new GraphBuilder("tables");
  const table = b.input("table", [dim(5), dim(3)]);
  const i = b.input("i", [BATCH, TIME], "int");
  const rows = b.gather(table, i);
  const x = b.input("x", [BATCH, TIME, dim(5)]);
  const at = b.input("at", [], "int");
  const e = b.unary("exp", x);
  const logs = b.unary("log", b.sum(e, [2]));
  const out = {
    rows: b.unary("exp", rows),
    back: b.scatter(i, b.mul(rows, rows), dim(5)),
    chosen: b.pick(b.sub(x, b.broadcast(logs, [0, 1], b.shape(x))), i),
    placed: b.add(b.place(i, logs, dim(5)), x),
    appended: b.append(table, b.slice(b.reshape(table, [dim(15)]), 0, dim(2), dim(3)), at),
  };
  for (const sizes of SIZES) compare(programOf(b, out), sizes, { tokens: 5 });
});

test.each([
  [7, 1],
  [7, 3],
  [7, 4],
  [7, 10],
  [7, 40],
  [7, 83],
  [4, 16],
  [11, 48],
  [16, 32],
  [31, 16],
])("triangular systems of %i rows with %i right sides", (rows, columns) => {
  const b = new GraphBuilder("solve");
  const m0 = b.input("m", [BATCH, dim(rows), dim(rows)]);
  const m = b.scaleBy(m0, 0.3);
  const eye = b.fill(2, b.shape(m));
  const matrix = b.add(m, eye);
  const right = b.input("r", [BATCH, dim(rows), dim(columns)]);
  const out: Record<string, typeof m> = {};
  for (const lower of [true, false])
    for (const unit of [true, false])
      for (const transpose of [true, false])
        out[`x${+lower}${+unit}${+transpose}`] = b.solve(matrix, right, { lower, unit, transpose });
  for (const sizes of SIZES) compare(programOf(b, out), sizes);
});

test("random numbers are those of the generator", () => {
  const b = new GraphBuilder("random");
  const seed = b.input("seed", [], "int");
  const out = {
    u: b.random("uniform", seed, 7, [BATCH, TIME, dim(3)]),
    n: b.scaleBy(b.random("normal", seed, 0x9badf00d, [BATCH, dim(5)]), 2),
  };
  for (const sizes of SIZES) compare(programOf(b, out), sizes, { tokens: 1000 });
});
