/** What a step of a loop over time asks for ahead, and where. */
import { expect, test } from "vitest";
import { askedAhead } from "../../compiler/loop/ahead.ts";
import { add, int, mul, sub } from "../../compiler/loop/build.ts";
import type { Statement } from "../../compiler/loop/ir.ts";
import { Names } from "../../compiler/loop/split.ts";
import { kernelText } from "../../compiler/loop/text.ts";
import { verifyKernel } from "../../compiler/loop/verify.ts";
import { at, given, kernelOf, loop, put, read, v } from "./kernels.ts";

/** The statements of a kernel in which `near` is the only buffer at hand. */
function asked(...body: readonly Statement[]): string {
  const kernel = kernelOf(["time"], ...body);
  const made = askedAhead(kernel.body, (name) => name !== "near", new Names(kernel));
  verifyKernel({ ...kernel, body: made });
  const lines = kernelText({ ...kernel, body: made }).split("\n");
  return lines
    .slice(lines.indexOf("do") + 1)
    .map((l) => l.slice(2))
    .join("\n")
    .trim();
}

const rows = (buffer: string, to: string) =>
  loop("i", int(2), "independent", loop("j", int(32), "independent", put(to, at(["i", 32], ["j", 1]), read(buffer, at(["t", 1024], ["i", 128], ["j", 1]))))); // prettier-ignore

test("rows of the next step, by the lines of the cache, between the loops of this one", () => {
  const sums = loop("k", int(64), "independent", put("y", at(["t", 64], ["k", 1]), read("near", v("k")))); // prettier-ignore
  expect(asked(loop("t", v("time"), "serial", rows("x", "near"), sums))).toBe(
    [
      "for t in 0..time",
      "  prefetch x[((t + 1) * 1024)]",
      "  prefetch x[(((t + 1) * 1024) + 16)]",
      "  for i in 0..2 independent",
      "    for j in 0..32 independent",
      "      near[((i * 32) + j)] = x[(((t * 1024) + (i * 128)) + j)]",
      "  prefetch x[(((t + 1) * 1024) + 128)]",
      "  prefetch x[((((t + 1) * 1024) + 128) + 16)]",
      "  for k in 0..64 independent",
      "    y[((t * 64) + k)] = near[k]",
    ].join("\n"),
  );
});

test("backwards it is the step before; places named in a step are followed", () => {
  const t: Statement = {
    ...(loop("t", v("time"), "serial", given("first", mul(v("t"), int(1024))), loop("i", int(2), "independent", given("row", add(v("first"), mul(v("i"), int(128)))), loop("j", int(16), "independent", put("near", v("j"), read("x", add(v("row"), v("j"))))))) as Extract<Statement, { op: "for" }>), // prettier-ignore
    down: true,
  };
  const text = asked(t);
  expect(text).toContain("for next in 0..2");
  expect(text).toContain("prefetch x[(((t + -1) * 1024) + (next * 128))]");
});

const asksNothing = (...body: readonly Statement[]) =>
  expect(asked(...body)).not.toContain("prefetch");
const readsAt = (index: ReturnType<typeof at>) =>
  loop("t", v("time"), "serial", loop("i", int(2), "independent", loop("j", int(32), "independent", put("near", v("j"), read("x", index))))); // prettier-ignore

test("nothing where it is not known, not far, not rows, or not over time", () => {
  asksNothing(loop("t", int(9), "serial", rows("x", "near")));
  asksNothing(loop("t", v("time"), "independent", rows("x", "near")));
  asksNothing(loop("t", v("time"), "serial", rows("near", "near")));
  // One number of each row; a place that depends on the step in no simple way; the same at every step.
  asksNothing(readsAt(at(["t", 1024], ["j", 128])));
  asksNothing(readsAt(add(mul(v("t"), v("t")), v("j"))));
  asksNothing(readsAt(sub(v("j"), v("i"))));
});
