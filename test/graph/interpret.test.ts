import { describe, expect, test } from "vitest";
import { BATCH, dim, named, PAST, TIME } from "../../compiler/dims.ts";
import {
  concretize,
  GraphBuilder,
  interpret,
  runProgram,
  tensor,
  unroll,
  verify,
  verifyProgram,
  verifyStep,
  type BinaryFn,
  type NodeId,
  type RunSizes,
  type Tensor,
  type UnaryFn,
} from "../../compiler/graph/index.ts";
import { relativeRms } from "../support/compare.ts";
import { drawNormal } from "../support/draw.ts";
import { NO_SIZES } from "../support/finite.ts";
import { deltaStep, drawInputs, statelessStep } from "../support/steps.ts";

/** The value of a graph of one output. Inputs whose name starts with `i` are integers. */
function run(
  inputs: Record<string, Tensor>,
  build: (b: GraphBuilder, ids: Readonly<Record<string, NodeId>>) => NodeId,
  sizes: RunSizes = NO_SIZES,
): Tensor {
  const b = new GraphBuilder("one");
  const ids = Object.fromEntries(
    Object.entries(inputs).map(([name, t]) => [
      name,
      b.input(name, t.shape.map(dim), name.startsWith("i") ? "int" : "float"),
    ]),
  );
  b.output("out", build(b, ids));
  verify(b.finish());
  return interpret(b.finish(), new Map(Object.entries(inputs)), sizes).get("out")!;
}
const list = (t: Tensor): number[] => [...t.data];
const row = (...data: number[]): Tensor => tensor([data.length], data);

describe("elementwise functions", () => {
  const cases: [UnaryFn, number[], number[]][] = [
    ["neg", [1, -2], [-1, 2]],
    ["exp", [0, 1], [1, Math.E]],
    ["log", [1, Math.E], [0, 1]],
    ["log1p", [0, 1], [0, Math.LN2]],
    ["expm1", [0, Math.LN2], [0, 1]],
    ["sqrt", [9, 2], [3, Math.SQRT2]],
    ["rsqrt", [4, 0.25], [0.5, 2]],
    ["sin", [0, Math.PI / 2], [0, 1]],
    ["cos", [0, Math.PI], [1, -1]],
    ["tanh", [0, Math.log(3)], [0, 0.8]],
    ["sigmoid", [0, Math.log(3), -800, 800], [0.5, 0.75, 0, 1]],
    ["softplus", [0, -800, 800], [Math.LN2, 0, 800]],
    ["relu", [-1, 0, 2], [0, 0, 2]],
    ["abs", [-3, 2], [3, 2]],
    ["sign", [-3, 0, 2], [-1, 0, 1]],
    ["floor", [-1.5, 1.5], [-2, 1]],
    ["ceil", [-1.5, 1.5], [-1, 2]],
    ["round", [0.5, 1.5, 2.5, -0.5, 1.2, -1.7], [0, 2, 2, 0, 1, -2]],
    ["reciprocal", [4, -0.5], [0.25, -2]],
    // Abramowitz and Stegun, table 7.1
    ["erf", [0, 0.5, 1, 2, -1, 7], [0, 0.5204998778, 0.8427007929, 0.995322265, -0.8427007929, 1]],
    ["step", [-1, 0, 1e-300], [0, 0, 1]],
    ["to_int", [1.9, -1.9], [1, -1]],
  ];
  test.each(cases)("%s", (fn, x, expected) => {
    const found = list(run({ x: row(...x) }, (b, { x }) => b.unary(fn, x!)));
    found.forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 9));
  });
  const pairs: [BinaryFn, number[], number[], number[]][] = [
    ["add", [1, 2], [3, -4], [4, -2]],
    ["sub", [1, 2], [3, -4], [-2, 6]],
    ["mul", [1, 2], [3, -4], [3, -8]],
    ["div", [1, 2], [4, -4], [0.25, -0.5]],
    ["pow", [2, 9], [3, 0.5], [8, 3]],
    ["max", [1, 2], [3, -4], [3, 2]],
    ["min", [1, 2], [3, -4], [1, -4]],
    ["mod", [7, -7, 7.5], [3, 3, -2], [1, 2, -0.5]],
    ["lt", [1, 2, 3], [2, 2, 2], [1, 0, 0]],
    ["le", [1, 2, 3], [2, 2, 2], [1, 1, 0]],
    ["eq", [1, 2, 3], [2, 2, 2], [0, 1, 0]],
    ["ne", [1, 2, 3], [2, 2, 2], [1, 0, 1]],
    ["and", [0, 2, 3], [2, 2, 0], [0, 1, 0]],
    ["or", [0, 2, 0], [2, 2, 0], [1, 1, 0]],
  ];
  test.each(pairs)("%s", (fn, x, y, expected) => {
    expect(list(run({ x: row(...x), y: row(...y) }, (b, { x, y }) => b.binary(fn, x!, y!)))).toEqual(expected); // prettier-ignore
  });
  test("integers stay integers", () => {
    const given = { ix: row(7, -7), iy: row(2, 2) };
    expect(list(run(given, (b, { ix, iy }) => b.div(ix!, iy!)))).toEqual([3, -4]);
  });
  test("select", () => {
    const given = { c: row(0, 0.5, -1), x: row(1, 2, 3), y: row(4, 5, 6) };
    expect(list(run(given, (b, { c, x, y }) => b.select(c!, x!, y!)))).toEqual([4, 2, 3]);
  });
});

const one = (b: GraphBuilder) => b.constant(1, "int");

describe("moving elements", () => {
  const x = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  const moved = (build: (b: GraphBuilder, x: NodeId) => NodeId) => {
    const { shape, data } = run({ x }, (b, { x }) => build(b, x!));
    return { shape, data: [...data] };
  };
  test("broadcast, transpose, reshape", () => {
    const wide = moved((b, x) => b.broadcast(x, [0, 2], [dim(2), dim(2), dim(3)]));
    expect(wide).toEqual({ shape: [2, 2, 3], data: [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6] });
    const turned = moved((b, x) => b.transpose(x, [1, 0]));
    expect(turned).toEqual({ shape: [3, 2], data: [1, 4, 2, 5, 3, 6] });
    expect(moved((b, x) => b.reshape(x, [dim(6)])).data).toEqual([1, 2, 3, 4, 5, 6]);
  });
  test("slice, pad, concat", () => {
    expect(moved((b, x) => b.slice(x, 1, dim(1), dim(2))).data).toEqual([2, 3, 5, 6]);
    expect(moved((b, x) => b.pad(x, 0, dim(1), dim(0))).data).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6]);
    const joined = moved((b, x) => b.concat([x, b.slice(x, 1, dim(0), dim(1))], 1));
    expect(joined).toEqual({ shape: [2, 4], data: [1, 2, 3, 1, 4, 5, 6, 4] });
  });
  test("roll, reverse", () => {
    expect(moved((b, x) => b.roll(x, 1, dim(1))).data).toEqual([3, 1, 2, 6, 4, 5]);
    expect(moved((b, x) => b.roll(x, 1, dim(-4))).data).toEqual([2, 3, 1, 5, 6, 4]);
    expect(moved((b, x) => b.reverse(x, 0)).data).toEqual([4, 5, 6, 1, 2, 3]);
  });
  test("sums", () => {
    expect(moved((b, x) => b.sum(x, [0]))).toEqual({ shape: [3], data: [5, 7, 9] });
    expect(moved((b, x) => b.reduce("max", x, [0, 1]))).toEqual({ shape: [], data: [6] });
    expect(moved((b, x) => b.reduce("min", x, [1])).data).toEqual([1, 4]);
    const running = (exclusive: boolean, reverse: boolean) =>
      moved((b, x) => b.cumsum(x, 1, { exclusive, reverse })).data;
    expect(running(false, false)).toEqual([1, 3, 6, 4, 9, 15]);
    expect(running(true, false)).toEqual([0, 1, 3, 0, 4, 9]);
    expect(running(false, true)).toEqual([6, 5, 3, 15, 11, 6]);
    expect(running(true, true)).toEqual([5, 3, 0, 11, 6, 0]);
  });
  test("rows and elements by index", () => {
    const given = { x, i: row(1, 1, 0), ipair: row(2, 0), v: row(7, 8), at: row() };
    const with2 = (build: (b: GraphBuilder, n: Readonly<Record<string, NodeId>>) => NodeId) =>
      list(run(given, build));
    expect(with2((b, n) => b.gather(n.x!, n.i!))).toEqual([4, 5, 6, 4, 5, 6, 1, 2, 3]);
    expect(with2((b, n) => b.scatter(n.ipair!, n.x!, dim(3)))).toEqual([4, 5, 6, 0, 0, 0, 1, 2, 3]);
    expect(with2((b, n) => b.pick(n.x!, n.ipair!))).toEqual([3, 4]);
    expect(with2((b, n) => b.place(n.ipair!, n.v!, dim(3)))).toEqual([0, 0, 7, 8, 0, 0]);
    expect(
      with2((b, n) =>
        b.append(n.x!, b.slice(b.reshape(n.x!, [dim(6)]), 0, dim(0), dim(3)), one(b)),
      ),
    ).toEqual([1, 2, 3, 1, 2, 3]);
    expect(with2((b, n) => b.scatter(n.i!, b.fill(1, [dim(3)]), dim(2)))).toEqual([1, 2]);
    expect(() => with2((b, n) => b.gather(n.x!, b.unary("neg", n.i!)))).toThrow("index -1");
  });
  test("iota, sizes, random numbers", () => {
    const sizes = { batch: 2, time: 5, past: 4 };
    expect(list(run({}, (b) => b.iota(TIME), sizes))).toEqual([0, 1, 2, 3, 4]);
    expect(list(run({}, (b) => b.size(PAST), sizes))).toEqual([4]);
    const draw = (seed: number) =>
      list(run({ i: tensor([], [seed]) }, (b, { i }) => b.random("uniform", i!, 3, [BATCH, dim(2)]), sizes)); // prettier-ignore
    expect(draw(1)).toHaveLength(4);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });
});

describe("products", () => {
  test("contract is the sum over the labels that the result lacks", () => {
    const [x, y] = [drawNormal([3, 4], "x"), drawNormal([5, 4, 2], "y")];
    // out[c, a] = Σ_b Σ_d x[a, b] y[c, b, d]
    const found = run({ x, y }, (b, { x, y }) => b.contract(x!, [0, 1], y!, [2, 1, 3], [2, 0]));
    expect(found.shape).toEqual([5, 3]);
    for (let c = 0; c < 5; c++) {
      for (let a = 0; a < 3; a++) {
        let total = 0;
        for (let k = 0; k < 4; k++) {
          for (let d = 0; d < 2; d++) total += x.data[a * 4 + k]! * y.data[(c * 4 + k) * 2 + d]!;
        }
        expect(found.data[c * 3 + a]).toBeCloseTo(total, 12);
      }
    }
  });
  test("solve undoes the multiplication by the triangle", () => {
    const m = drawNormal([2, 3, 3], "m");
    const r = drawNormal([2, 3, 4], "r");
    for (const lower of [true, false]) {
      for (const unit of [true, false]) {
        for (const transpose of [true, false]) {
          const x = run({ m, r }, (b, { m, r }) => b.solve(m!, r!, { lower, unit, transpose }));
          for (let s = 0; s < 2; s++) {
            const entry = (i: number, j: number): number => {
              if (i === j && unit) return 1;
              return i === j || i > j === lower ? m.data[(s * 3 + i) * 3 + j]! : 0;
            };
            for (let i = 0; i < 3; i++) {
              for (let c = 0; c < 4; c++) {
                let total = 0;
                for (let j = 0; j < 3; j++) {
                  const factor = transpose ? entry(j, i) : entry(i, j);
                  total += factor * x.data[(s * 3 + j) * 4 + c]!;
                }
                expect(total).toBeCloseTo(r.data[(s * 3 + i) * 4 + c]!, 9);
              }
            }
          }
        }
      }
    }
  });
});

test("a reverse recurrence with every kind of output", () => {
  // c ← c + x, from the last step; x is 1, 2, 3 and 10, 20, 30.
  const body = new GraphBuilder("sum");
  const [c, x, t] = [body.input("c", []), body.input("x", []), body.input("t", [], "int")];
  const next = body.add(c, x);
  const outer = new GraphBuilder("outer");
  const sizes = { batch: 2, time: 3, past: 0 };
  const value = outer.input("x", [BATCH, TIME]);
  const init = outer.input("init", [BATCH]);
  for (const reverse of [false, true]) {
    const results = outer.recurrence({
      body: body.finish(),
      reverse,
      batch: BATCH,
      time: TIME,
      carries: [{ name: "c", init, input: c, next }],
      bindings: [
        { kind: "sequence", input: x, value },
        { kind: "position", input: t },
      ],
      outputs: [
        { kind: "stack", node: next },
        { kind: "stack", node: t },
        { kind: "sum", node: x },
        { kind: "batch-sum", node: x },
        { kind: "final", carry: 0 },
        ...(reverse ? [] : [{ kind: "border" as const, carry: 0, every: dim(2) }]),
      ],
      replay: null,
    });
    results.forEach((id, i) => outer.output(`${reverse ? "back" : "on"}${i}`, id));
  }
  const inputs = new Map([
    ["x", tensor([2, 3], [1, 2, 3, 10, 20, 30])],
    ["init", tensor([2], [0, 100])],
  ]);
  verify(outer.finish());
  const found = interpret(outer.finish(), inputs, sizes);
  const shown = Object.fromEntries([...found].map(([k, v]) => [k, [...v.data]]));
  expect(shown).toEqual({
    on0: [1, 3, 6, 110, 130, 160],
    on1: [0, 1, 2, 0, 1, 2],
    on2: [66],
    on3: [6, 60],
    on4: [6, 160],
    on5: [0, 3, 100, 130],
    back0: [6, 5, 3, 160, 150, 130],
    back1: [0, 1, 2, 0, 1, 2],
    back2: [66],
    back3: [6, 60],
    back4: [6, 160],
  });
});

test("in a coarser arithmetic every float on the way is rounded, in loops over time too", () => {
  const program = unroll(deltaStep());
  const sizes = { batch: 2, time: 9, past: 0 };
  const inputs = drawInputs(program, sizes);
  const [exact, rounded] = [null, Math.fround].map((r) => runProgram(program, inputs, sizes, r));
  for (const [name, { data }] of exact!) {
    const other = rounded!.get(name)!.data;
    expect(other).toEqual(other.map(Math.fround));
    const error = relativeRms(other, data);
    expect(error, name).toBeGreaterThan(1e-9);
    expect(error, name).toBeLessThan(1e-5);
  }
});

const values = (atom: { name: string }) => ({ n: 3, m: 4, width: 5 })[atom.name];

test("sizes become numbers, run-time ones stay", () => {
  const step = concretize(deltaStep(named("n"), named("m")), values);
  verifyStep(step);
  expect(step).toEqual(deltaStep(dim(3), dim(4)));
  const program = concretize(unroll(statelessStep()), values);
  verifyProgram(program);
  expect(program).toEqual(unroll(concretize(statelessStep(), values)));
  expect(program.inputs[0]!.shape).toEqual([BATCH, TIME, dim(5)]);
});
