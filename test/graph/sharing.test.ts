/** Equal nodes are one, and only those. */
import { expect, test } from "vitest";
import { dim } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";

test("nodes whose fields are equal are shared, wherever they come from", () => {
  const b = new GraphBuilder("test");
  const x = b.input("x", [dim(3), dim(4)]);
  const sum = b.reduce("sum", x, [1]);
  b.origin = { file: "other.fwp", line: 2, column: 3, label: null } as unknown as typeof b.origin;
  expect(b.reduce("sum", x, [1])).toBe(sum);
  expect(b.reduce("sum", x, [0])).not.toBe(sum);
  expect(b.reduce("max", x, [1])).not.toBe(sum);
  expect(b.slice(x, 1, dim(0), dim(2))).toBe(b.slice(x, 1, dim(0), dim(2)));
  expect(b.slice(x, 1, dim(0), dim(2))).not.toBe(b.slice(x, 1, dim(1), dim(2)));
  const product = b.contract(x, [0, 1], x, [2, 1], [0, 2]);
  expect(b.contract(x, [0, 1], x, [2, 1], [0, 2])).toBe(product);
  expect(b.contract(x, [0, 1], x, [2, 1], [2, 0])).not.toBe(product);
});

test("numbers are told apart by their signs, types and fractions", () => {
  const b = new GraphBuilder("test");
  const all = [0, -0, 1, 1 / 3, 1 / 3 + Number.EPSILON, 1e300, -1e300, Infinity, NaN].map((v) => b.constant(v)); // prettier-ignore
  expect(new Set(all).size).toBe(all.length);
  expect(b.constant(NaN)).toBe(all.at(-1));
  expect(b.constant(-0)).toBe(all[1]);
  expect(b.constant(1, "int")).not.toBe(b.constant(1));
});

test("inputs are never shared", () => {
  const b = new GraphBuilder("test");
  expect(b.input("x", [])).not.toBe(b.input("x", []));
});

test("a builder that goes on finds the nodes that were there", () => {
  const b = new GraphBuilder("test");
  const x = b.input("x", [dim(3)]);
  const twice = b.binary("add", x, x);
  b.output("y", twice);
  const more = GraphBuilder.extend(b.finish());
  expect(more.binary("add", x, x)).toBe(twice);
  expect(more.binary("mul", x, x)).not.toBe(twice);
});
