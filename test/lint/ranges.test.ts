/** What can be proved of the values of small graphs. */
import { expect, test } from "vitest";
import { dim } from "../../compiler/dims.ts";
import { GraphBuilder, type NodeId } from "../../compiler/graph/index.ts";
import { polynomialRange, polynomial, rangeOf } from "../../compiler/lint/products.ts";
import { isPositive, Ranges } from "../../compiler/lint/ranges.ts";

/** The range of what is built from an input x of 4 numbers. */
function of(build: (b: GraphBuilder, x: NodeId) => NodeId) {
  const b = new GraphBuilder("test");
  const node = build(b, b.input("x", [dim(4)]));
  return { node, ranges: new Ranges(b.finish(), new Map()) };
}

test("elu(x) + 1 is above zero and has no upper bound", () => {
  const { node, ranges } = of((b, x) => {
    const zero = b.fill(0, [dim(4)]);
    const low = b.unary("expm1", b.binary("min", x, zero));
    const elu = b.select(b.binary("lt", zero, x), x, low);
    return b.add(elu, b.fill(1, [dim(4)]));
  });
  expect(isPositive(ranges.at(node))).toBe(true);
  expect(ranges.at(node)).toMatchObject({ low: 0, high: Infinity });
});

test("exp(x − max(x, c)) is at most 1", () => {
  const { node, ranges } = of((b, x) => {
    const top = b.binary("max", x, b.fill(3, [dim(4)]));
    return b.unary("exp", b.sub(x, top));
  });
  expect(ranges.at(node)).toEqual({ low: 0, high: 1, open: true });
});

test("(1 − a)(1 − b), multiplied out, lies in [0, 1]; each term alone says less", () => {
  const { node, ranges } = of((b, x) => {
    const [p, q] = [b.unary("sigmoid", x), b.unary("sigmoid", b.unary("neg", x))];
    const one = b.fill(1, [dim(4)]);
    return b.add(b.sub(b.sub(one, p), q), b.mul(p, q));
  });
  expect(ranges.at(node)).toMatchObject({ low: -1, high: 2 });
  expect(rangeOf(ranges, node)).toMatchObject({ low: 0, high: 1 });
  const poly = polynomial(ranges.graph, node)!;
  expect(polynomialRange(ranges, poly.slice(0, 2))).toMatchObject({ low: 0, high: 1 });
});

test("a sum of squares is not negative, and its root neither", () => {
  const { node, ranges } = of((b, x) => b.unary("sqrt", b.sum(b.mul(x, x), [0])));
  expect(ranges.at(node)).toEqual({ low: 0, high: Infinity, open: false });
});
