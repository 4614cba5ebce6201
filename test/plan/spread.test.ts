/** Which loops threads share, and where they wait for each other. */
import { expect, test } from "vitest";
import { add, binary, float, int, variable } from "../../compiler/loop/build.ts";
import { FLOAT, type LoopKernel, type Statement } from "../../compiler/loop/ir.ts";
import { expressionText, kernelText } from "../../compiler/loop/text.ts";
import { verifyKernel } from "../../compiler/loop/verify.ts";
import { spreadLoops } from "../../compiler/plan/spread.ts";
import { at, becomes, given, kernelOf, loop, put, read, v } from "./kernels.ts";

/** The statements after spreading, and what each thread needs for itself. */
function spread(kernel: LoopKernel, ...ownable: readonly string[]) {
  const made = spreadLoops(kernel, (name) => ownable.includes(name));
  verifyKernel({ ...kernel, body: made.body });
  const lines = kernelText({ ...kernel, body: made.body }).split("\n");
  return {
    text: lines
      .slice(lines.indexOf("do") + 1)
      .map((l) => l.slice(2))
      .join("\n")
      .trim(),
    privates: [...made.privates],
    work: expressionText(made.work),
  };
}

test("independent iterations are shared, and a loop that reads the result waits", () => {
  const kernel = kernelOf(
    ["batch"],
    loop("i", v("batch"), "independent", put("x", v("i"), read("a", v("i")))),
    loop("j", v("batch"), "independent", put("y", v("j"), read("x", v("j")))),
  );
  expect(spread(kernel)).toEqual({
    text: [
      "for i in 0..batch workgroups",
      "  x[i] = a[i]",
      "barrier",
      "for j in 0..batch workgroups",
      "  y[j] = x[j]",
    ].join("\n"),
    privates: [],
    work: "(batch + batch)",
  });
});

test("a sum is never split: one thread makes it", () => {
  const kernel = kernelOf(
    [],
    given("sum", float(0), true),
    loop("i", int(9), "serial", becomes("sum", add(variable("sum", FLOAT), read("a", v("i"))))),
    put("y", int(0), variable("sum", FLOAT)),
    loop("j", int(9), "independent", put("z", v("j"), read("y", int(0)))),
  );
  expect(spread(kernel).text).toBe(
    [
      "for once in 0..1 workgroups",
      "  var sum: float = 0.0",
      "  for i in 0..9",
      "    sum = (sum + a[i])",
      "  y[0] = sum",
      "barrier",
      "for j in 0..9 workgroups",
      "  z[j] = y[0]",
    ].join("\n"),
  );
});

test("working memory that every iteration fills again becomes a thread's own; other memory forbids sharing", () => {
  const inner = [
    loop("k", int(4), "independent", put("w", v("k"), read("a", at(["i", 4], v("k"))))),
    put("y", v("i"), read("w", int(3))),
  ];
  const kernel = kernelOf([], loop("i", int(8), "independent", ...inner));
  expect(spread(kernel, "w").privates).toEqual(["w"]);
  // Without leave to copy `w`, the loops inside may still be shared; the one around them may not.
  expect(spread(kernel).text).not.toContain("for i in 0..8 workgroups");
});

test("working memory that is filled in one loop and read in another is shared", () => {
  const kernel = kernelOf(
    [],
    loop("p", int(8), "independent", put("panel", v("p"), read("a", v("p")))),
    loop("r", int(8), "independent", put("y", v("r"), read("panel", int(2)))),
  );
  const made = spread(kernel, "panel");
  expect(made.privates).toEqual([]);
  expect(made.text).toContain("barrier");
});

test("what reads elements of other iterations, or adds to a common place, is not shared", () => {
  const neighbour = kernelOf(
    [],
    loop("i", int(8), "independent", put("x", v("i"), float(1)), put("y", v("i"), read("x", int(0)))), // prettier-ignore
  );
  expect(spread(neighbour).text).not.toContain("workgroups");
  const common = kernelOf(
    [],
    loop("i", int(8), "independent", put("y", int(0), read("a", v("i")), true)),
  );
  expect(spread(common, "other").text).not.toContain("workgroups");
});

test("in passes over a sum, each pass is shared and threads meet between passes", () => {
  const pass = [
    given("from", at(["pass", 16])),
    loop("i", int(8), "independent", loop("k", int(16), "serial", put("y", v("i"), read("a", add(v("from"), v("k"))), true))), // prettier-ignore
  ];
  const kernel = kernelOf(["time"], loop("pass", v("time"), "serial", ...pass));
  expect(spread(kernel).text).toBe(
    [
      "for pass in 0..time",
      "  let from: int = (pass * 16)",
      "  for i in 0..8 workgroups",
      "    for k in 0..16",
      "      y[i] += a[(from + k)]",
      "  barrier",
    ].join("\n"),
  );
});

test("a definition that reads what the kernel writes stands between barriers", () => {
  const kernel = kernelOf(
    [],
    loop("i", int(8), "independent", put("x", v("i"), read("a", v("i")))),
    given("first", read("x", int(0))),
    loop("j", int(8), "independent", put("x", v("j"), variable("first", FLOAT))),
  );
  expect(
    spread(kernel)
      .text.split("\n")
      .filter((l) => l === "barrier"),
  ).toHaveLength(2);
});

test("of two ways that sizes choose between each is shared; what a thread finds by itself, one does alone", () => {
  const once = loop("i", v("batch"), "independent", put("x", v("i"), read("a", v("i"))));
  const twice = [
    loop("j", v("batch"), "independent", put("y", v("j"), read("a", v("j")))),
    loop("k", v("batch"), "independent", put("x", v("k"), read("y", int(0)))),
  ];
  const few: Statement = { op: "if", condition: binary("lt", v("batch"), int(4)), body: [once], otherwise: twice }; // prettier-ignore
  const reader = loop("l", v("batch"), "independent", put("z", v("l"), read("x", int(0))));
  const made = spread(kernelOf(["batch"], few, reader));
  expect(made.text).toBe(
    [
      "if (batch < 4)",
      "  for i in 0..batch workgroups",
      "    x[i] = a[i]",
      "else",
      "  for j in 0..batch workgroups",
      "    y[j] = a[j]",
      "  barrier",
      "  for k in 0..batch workgroups",
      "    x[k] = y[0]",
      "barrier",
      "for l in 0..batch workgroups",
      "  z[l] = x[0]",
    ].join("\n"),
  );
  expect(made.work).toBe("(select((batch < 4), batch, (batch + batch)) + batch)");

  const found: Statement = { ...few, condition: binary("lt", read("a", int(0)), float(4)) };
  expect(spread(kernelOf(["batch"], found, reader)).text.split("\n")[0]).toBe(
    "for once in 0..1 workgroups",
  );
});
