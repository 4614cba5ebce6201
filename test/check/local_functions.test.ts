/** A local function means what it means where it is written, whatever the names of its caller's parameters. */
import { expect, test } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { fixSizes } from "../../compiler/pipeline.ts";
import { runProgram, tensor, unroll } from "../../compiler/graph/index.ts";
import { diskHost } from "../support/specs.ts";

test("a parameter of the caller does not hide a signal of the same name", () => {
  const text = `layer A() {
    in x: [2]
    q = 10 * x
    f(a) = a + q
    g(q) = f(q)
    out y: [2] = g(x)
  }`;
  const made = instantiate(loadProject("a.fwp", text, diskHost), "A", []);
  if (!("step" in made)) throw new Error(JSON.stringify(made.diagnostics));
  const program = unroll(fixSizes(made.step, made.values));
  const x = tensor([1, 1, 2], [1, 2]);
  const found = runProgram(program, new Map([["input:x", x]]), { batch: 1, time: 1, past: 0 });
  expect([...found.get("output:y")!.data]).toEqual([11, 22]);
});
