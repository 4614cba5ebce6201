/** Sums down columns are taken a block of columns at a time. */
import { expect, test } from "vitest";
import { add, binary, float, int, mul, variable } from "../../compiler/loop/build.ts";
import { FLOAT, type Expr, type LoopKernel, type Statement } from "../../compiler/loop/ir.ts";
import { kernelText } from "../../compiler/loop/text.ts";
import { interchange } from "../../compiler/plan/interchange.ts";
import { at, becomes, given, kernelOf, loop, put, read, v } from "./kernels.ts";

const sum: Expr = variable("sum", FLOAT);

function changed(kernel: LoopKernel): string {
  const body = interchange(kernel.body, {
    fresh: (wish) => wish,
    array: (wish) => `${wish}_columns`,
  });
  const lines = kernelText({ ...kernel, body }).split("\n");
  return lines
    .slice(lines.indexOf("do") + 1)
    .map((l) => l.slice(2))
    .join("\n")
    .trim();
}

const columnSums = (width: Expr, term: Expr, ...after: readonly Statement[]) =>
  loop(
    "i",
    width,
    "independent",
    given("sum", float(0), true),
    loop("t", v("time"), "serial", becomes("sum", add(sum, term))),
    ...after,
  );

test("a sum down columns reads rows", () => {
  const kernel = kernelOf(
    ["time"],
    columnSums(int(256), read("x", at(["t", 256], v("i"))), put("y", v("i"), sum)),
  );
  expect(changed(kernel)).toBe(
    [
      "for i_block in 0..256 by 64 independent",
      "  let i_end: int = min((i_block + 64), 256)",
      "  for i in i_block..i_end independent",
      "    sum_columns[(i - i_block)] = 0.0",
      "  for t in 0..time",
      "    for i in i_block..i_end independent",
      "      sum_columns[(i - i_block)] += x[((t * 256) + i)]",
      "  for i in i_block..i_end independent",
      "    y[i] = sum_columns[(i - i_block)]",
    ].join("\n"),
  );
});

test("a few columns are one block", () => {
  const kernel = kernelOf(
    ["time"],
    columnSums(int(7), read("x", at(["t", 7], v("i"))), put("y", v("i"), sum)),
  );
  expect(changed(kernel)).toContain("for i_block in 0..1 independent");
  expect(changed(kernel)).toContain("for i in 0..7 independent");
});

test("a sum along rows stays as it is", () => {
  const kernel = kernelOf(
    ["time"],
    columnSums(int(8), read("x", add(mul(v("i"), v("time")), v("t"))), put("y", v("i"), sum)),
  );
  expect(changed(kernel)).not.toContain("i_block");
});

test("working memory that each iteration fills again forbids taking columns together", () => {
  const kernel = kernelOf(
    ["time"],
    columnSums(
      int(64),
      read("x", at(["t", 64], v("i"))),
      put("w", int(0), sum),
      put("y", v("i"), read("w", int(0))),
    ),
  );
  expect(changed(kernel)).not.toContain("i_block");
});

test("what differs from column to column is computed again where it is used", () => {
  const kernel = kernelOf(
    ["time"],
    loop(
      "i",
      int(64),
      "independent",
      given("place", at(v("i"), int(100))),
      given("sum", float(0), true),
      loop(
        "t",
        v("time"),
        "serial",
        given("row", at(["t", 64])),
        becomes("sum", add(sum, binary("mul", read("x", at(v("row"), v("i"))), float(2)))),
      ),
      put("y", v("place"), sum),
    ),
  );
  const text = changed(kernel);
  expect(text).toContain("  let row: int = (t * 64)\n    for i in");
  expect(text).toContain("    let place: int = (i + 100)\n    y[place] = sum_columns");
});
