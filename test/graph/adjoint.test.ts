import { describe, expect, test } from "vitest";
import { dim, named } from "../../compiler/dims.ts";
import {
  gradient,
  GraphBuilder,
  interpret,
  scalar,
  tensor,
  type NodeId,
  type Tensor,
} from "../../compiler/graph/index.ts";
import { drawInts, drawNormal, drawUniform } from "../support/draw.ts";
import { checkGraphGradient, NO_SIZES } from "../support/finite.ts";

const positive = (shape: number[], name: string) => drawUniform(shape, name, 0.3, 2);
const ids = new Set(["index", "at"]);

/** Gradients of `build` at the given inputs; those called `index` or `at` are integers. */
function check(
  inputs: Record<string, Tensor>,
  build: (b: GraphBuilder, x: Readonly<Record<string, NodeId>>) => NodeId,
  orders: readonly (1 | 2)[] = [1, 2],
): void {
  const declare = (b: GraphBuilder, name: string) =>
    b.input(name, inputs[name]!.shape.map(dim), ids.has(name) ? "int" : "float");
  for (const order of orders) {
    checkGraphGradient(inputs, build, declare, { order, tolerance: order === 1 ? 1e-8 : 1e-6 });
  }
}

const oneInput = () => ({ x: drawNormal([3, 1, 7], "x") });

const square = (b: GraphBuilder, id: NodeId) => b.mul(id, id);

const twoInputs = () => ({ x: drawNormal([3, 4], "x"), y: drawNormal([4, 5, 3], "y") });

/** The gradient of `build` at x, without comparing it with anything. */
const at = (x: number[], build: (b: GraphBuilder, x: NodeId) => NodeId): number[] => {
  const b = new GraphBuilder("corner");
  const input = b.input("x", [dim(x.length)]);
  b.output("g", gradient(b, build(b, input), [input])[0]!);
  const given = new Map([["x", tensor([x.length], x)]]);
  return [...interpret(b.finish(), given, NO_SIZES).get("g")!.data];
};

describe("elementwise", () => {
  const anywhere = [
    "neg",
    "exp",
    "expm1",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "relu",
    "abs",
    "erf",
    "to_float", // prettier-ignore
  ] as const;
  test.each(anywhere)("%s", (fn) => {
    check({ x: drawNormal([7, 1, 3], fn) }, (b, { x }) => b.unary(fn, b.mul(x!, x!)));
    check({ x: drawNormal([7, 1, 3], fn) }, (b, { x }) => b.unary(fn, b.unary("sin", x!)));
  });
  test.each(["log", "log1p", "sqrt", "rsqrt", "reciprocal"] as const)("%s", (fn) => {
    check({ x: positive([1, 7], fn) }, (b, { x }) => b.unary(fn, b.mul(x!, b.unary("exp", x!))));
  });
  test.each(["add", "sub", "mul", "div", "pow", "max", "min"] as const)("%s", (fn) => {
    const inputs = { x: positive([5, 1], "x"), y: positive([5, 1], "y") };
    check(inputs, (b, { x, y }) => b.binary(fn, b.mul(x!, y!), b.unary("exp", y!)));
    check({ x: positive([3], "x") }, (b, { x }) => b.binary(fn, x!, x!), [1]);
  });
  test("mod", () => {
    const inputs = { x: tensor([3], [5.3, -2.2, 0.4]), y: tensor([3], [2.5, 0.7, 3.5]) };
    check(inputs, (b, { x, y }) => b.binary("mod", b.mul(x!, x!), y!));
  });
  test("power by a number", () => {
    for (const power of [2, 3, -1, 0.5, 0, 1.7]) {
      const inputs = { x: positive([4], "x") };
      check(inputs, (b, { x }) =>
        b.binary("pow", b.mul(x!, b.unary("exp", x!)), b.fill(power, [dim(4)])),
      );
    }
  });
  test("select passes the cotangent to the chosen side", () => {
    const inputs = { x: drawNormal([6], "x"), y: drawNormal([6], "y") };
    check(inputs, (b, { x, y }) => {
      const cond = b.binary("lt", x!, y!);
      return b.select(cond, b.mul(x!, x!), b.mul(x!, y!));
    });
  });
  test("steps, comparisons, stops and random numbers pass nothing", () => {
    const b = new GraphBuilder("flat");
    const x = b.input("x", [dim(3)]);
    const seed = b.input("seed", [], "int");
    const parts = [
      b.unary("floor", x),
      b.unary("sign", x),
      b.unary("step", x),
      b.unary("round", x),
      b.binary("lt", x, b.fill(0, [dim(3)])),
      b.unary("to_float", b.unary("to_int", x)),
      b.stop(x),
      b.random("normal", seed, 0, [dim(3)]),
    ];
    const loss = parts.reduce((p, q) => b.add(p, q));
    b.output("g", gradient(b, loss, [x])[0]!);
    const inputs = new Map([["x", drawNormal([3], "x")]]);
    expect([...interpret(b.finish(), inputs, NO_SIZES).get("g")!.data]).toEqual([0, 0, 0]);
  });
  test("conventions at corners", () => {
    expect(at([0], (b, x) => b.unary("relu", x))).toEqual([0]);
    expect(at([0], (b, x) => b.unary("abs", x))).toEqual([0]);
    // The norm of a state that is still zero: no gradient rather than 0 / 0.
    expect(at([0, 0], (b, x) => b.unary("sqrt", b.sum(b.mul(x, x), [0])))).toEqual([0, 0]);
    expect(at([2, 5, 5, 1], (b, x) => b.reduce("max", x, [0]))).toEqual([0, 0.5, 0.5, 0]);
    expect(at([3], (b, x) => b.binary("max", x, b.neg(b.neg(x))))).toEqual([1]);
  });
});

describe("shapes", () => {
  test("broadcast", () => {
    check(oneInput(), (b, { x }) => {
      const wide = b.broadcast(square(b, x!), [0, 2, 3], [3, 2, 1, 7, 5].map(dim));
      return b.unary("sin", wide);
    });
  });
  test.each(["sum", "max", "min"] as const)("reduce by %s", (fn) => {
    for (const axes of [[0], [2], [1, 2], [0, 1, 2]]) {
      check(oneInput(), (b, { x }) => b.unary("exp", b.reduce(fn, square(b, x!), axes)));
    }
  });
  test("transpose, reshape, reverse", () => {
    check(oneInput(), (b, { x }) => b.unary("sin", b.transpose(square(b, x!), [2, 0, 1])));
    check(oneInput(), (b, { x }) => b.unary("sin", b.reshape(square(b, x!), [dim(7), dim(3)])));
    check(oneInput(), (b, { x }) => b.unary("sin", b.reverse(square(b, x!), 2)));
  });
  test("slice, pad, roll, concat", () => {
    check(oneInput(), (b, { x }) => b.slice(square(b, x!), 2, dim(2), dim(4)));
    check(oneInput(), (b, { x }) => b.unary("cos", b.pad(square(b, x!), 0, dim(1), dim(2))));
    for (const shift of [1, -3, 9]) {
      check(oneInput(), (b, { x }) => b.unary("sin", b.roll(square(b, x!), 2, dim(shift))));
    }
    check(oneInput(), (b, { x }) => {
      const part = b.slice(x!, 2, dim(1), dim(2));
      return square(b, b.concat([part, x!, part], 2));
    });
  });
  test("cumsum", () => {
    for (const exclusive of [true, false]) {
      for (const reverse of [true, false]) {
        check(oneInput(), (b, { x }) => b.cumsum(square(b, x!), 2, { exclusive, reverse }));
      }
    }
  });
});

const product = (out: number[], xl = [0, 1], yl = [1, 2, 0]) => {
  check(twoInputs(), (b, { x, y }) => b.contract(b.mul(x!, x!), xl, y!, yl, out));
};

describe("products", () => {
  test("over shared labels", () => product([2]));
  test("elementwise and outer at once", () => product([2, 0, 1]));
  test("a label summed within one operand", () => product([1, 0]));
  test("no label shared", () => product([4, 0, 2], [0, 1], [2, 3, 4]));
  test("of a value with itself", () => {
    check({ x: drawNormal([4, 4], "x") }, (b, { x }) => b.contract(x!, [0, 1], x!, [1, 2], [2, 0]));
  });
  test("triangular solve", () => {
    for (const lower of [true, false]) {
      for (const unit of [true, false]) {
        for (const transpose of [true, false]) {
          const m = drawNormal([2, 4, 4], "m", 0.3);
          m.data.forEach((_, i) => {
            if (i % 5 === 0 || i % 16 === 15) m.data[i]! += 2;
          });
          const given = { m, r: drawNormal([2, 4, 3], "r") };
          check(given, (b, { m, r }) => b.solve(m!, b.mul(r!, r!), { lower, unit, transpose }));
        }
      }
    }
  });
});

describe("indices", () => {
  test("gather and scatter", () => {
    const index = drawInts([2, 3], "rows", 4);
    check({ x: drawNormal([4, 5], "x"), index }, (b, { x, index }) => {
      return b.unary("sin", b.gather(b.mul(x!, x!), index!));
    });
    check({ x: drawNormal([2, 3, 5], "x"), index }, (b, { x, index }) => {
      return b.unary("sin", b.scatter(index!, b.mul(x!, x!), dim(4)));
    });
    check({ x: drawNormal([4, 5], "x"), at: scalar(2) }, (b, { x, at }) => {
      return b.unary("sin", b.gather(b.mul(x!, x!), at!));
    });
  });
  test("pick and place", () => {
    const index = drawInts([2, 3], "picked", 7);
    check({ x: drawNormal([2, 3, 7], "x"), index }, (b, { x, index }) => {
      return b.unary("sin", b.pick(b.mul(x!, x!), index!));
    });
    check({ x: drawNormal([2, 3], "x"), index }, (b, { x, index }) => {
      return b.unary("cos", b.place(index!, b.mul(x!, x!), dim(7)));
    });
  });
  test("append", () => {
    const given = { x: drawNormal([4, 3], "x"), row: drawNormal([3], "row"), at: scalar(1) };
    check(given, (b, { x, row, at }) => {
      return b.unary("sin", b.append(b.mul(x!, x!), b.mul(row!, row!), at!));
    });
  });
});

test("a gradient step is itself differentiable: softmax cross-entropy, sizes still symbolic", () => {
  const [n, m] = [named("n"), named("m")];
  const inputs = {
    w: drawNormal([5, 4], "w"),
    x: drawNormal([4], "x"),
    y: drawNormal([5], "y"),
  };
  const shapes: Record<string, (typeof n)[]> = { w: [m, n], x: [n], y: [m] };
  const build = (b: GraphBuilder, { w, x, y }: Readonly<Record<string, NodeId>>): NodeId => {
    const z = b.contract(w!, [0, 1], x!, [1], [0]);
    const total = b.unary("log", b.sum(b.unary("exp", z), [0]));
    const loss = b.sub(b.broadcast(total, [], [m]), b.mul(z, y!));
    return b.sub(w!, b.scaleBy(gradient(b, loss, [w!])[0]!, 0.3));
  };
  const sizes = { ...NO_SIZES, named: new Map([["n", 4], ["m", 5]]) }; // prettier-ignore
  for (const order of [1, 2] as const) {
    const declare = (b: GraphBuilder, name: string) => b.input(name, shapes[name]!);
    checkGraphGradient(inputs, build, declare, { order, sizes, tolerance: 1e-6 });
  }
});

test("the gradient of half a square error is (W k − v) kᵀ", () => {
  const b = new GraphBuilder("delta");
  const [w, k, v] = [
    b.input("w", [dim(2), dim(3)]),
    b.input("k", [dim(3)]),
    b.input("v", [dim(2)]),
  ];
  const error = b.sub(b.contract(w, [0, 1], k, [1], [0]), v);
  const loss = b.scaleBy(b.mul(error, error), 0.5);
  b.output("g", gradient(b, loss, [w])[0]!);
  const inputs = new Map([
    ["w", tensor([2, 3], [1, 0, 2, 0, 1, 0])],
    ["k", tensor([3], [1, 2, 3])],
    ["v", tensor([2], [5, 3])],
  ]);
  // W k = (7, 2), error (2, −1)
  const { data } = interpret(b.finish(), inputs, NO_SIZES).get("g")!;
  expect([...data]).toEqual([2, 4, 6, -1, -2, -3]);
});
