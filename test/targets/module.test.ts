import { expect, test } from "vitest";
import { dim, TIME, BATCH } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import { compileEntry } from "../../compiler/plan/entry.ts";
import { kernelText } from "../../compiler/loop/text.ts";
import { verifyKernel } from "../../compiler/loop/verify.ts";
import { compileTypeScript } from "../../compiler/targets/typescript/index.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import { placeScratch } from "../../runtime/device/arena.ts";
import { programOf } from "./harness.ts";

function softmaxProgram() {
  const b = new GraphBuilder("softmax");
  const x = b.input("x", [BATCH, TIME, dim(6)]);
  b.origin = { label: "e", file: "spec.fwp", start: 0, end: 0 };
  const e = b.unary("exp", x);
  b.origin = { label: "p", file: "spec.fwp", start: 0, end: 0 };
  const p = b.div(e, b.broadcast(b.sum(e, [2]), [0, 1], b.shape(x)));
  return programOf(b, { p });
}

const BASE = {
  format: "fwp-program",
  version: 1,
  name: "softmax",
  inputs: [],
  outputs: [],
  parameters: [],
  states: [],
} as const;

test("a row-wise function is one kernel that keeps its row beside it", () => {
  const entry = compileEntry(softmaxProgram(), "forward");
  expect(entry.kernels.map(kernelText).join("\n")).toMatchSnapshot();
});

test("a module is typed, commented with its equations, and runs", () => {
  const entry = compileEntry(softmaxProgram(), "forward");
  const { source, javascript, manifest } = compileTypeScript("softmax", BASE, [entry]);
  expect(source).toMatchSnapshot();
  const run = loadJavaScript(javascript, manifest).instantiate("forward", {
    batch: 1,
    time: 2,
    past: 0,
  });
  run.input("input", "x").set([0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
  run.run();
  const p = run.output("output", "p");
  expect(p[0]).toBeCloseTo(1 / 6, 6);
  expect(p[11]).toBeCloseTo(0.63369, 4);
});

/** x xᵀ of 6 × k matrices. */
function squareProgram(k: number) {
  const b = new GraphBuilder("product");
  const x = b.input("panels", [BATCH, dim(6), dim(k)]);
  return programOf(b, { y: b.contract(x, [0, 1, 3], x, [0, 2, 3], [0, 1, 2]) });
}

test("all products of a module are packed into one array, as long as the longest needs", () => {
  const entries = [
    compileEntry(squareProgram(64), "forward"),
    compileEntry(squareProgram(100), "step"),
  ];
  const { source, javascript, manifest } = compileTypeScript("product", BASE, entries);
  expect(source.match(/^const .*$/gm)).toEqual([
    `const module_panels_2 = new Float64Array(${9 * 100});`,
  ]);
  const run = loadJavaScript(javascript, manifest).instantiate("step", {
    batch: 1,
    time: 1,
    past: 0,
  });
  run.input("input", "panels").fill(0.5);
  run.run();
  expect([...run.output("output", "y")]).toEqual(Array.from({ length: 36 }, () => 25));
});

const spec = (name: string, length: number, first: number, last: number) => ({
  name,
  type: "f32" as const,
  length,
  first,
  last,
});

test("scratch that lives at different times shares bytes, scratch that meets does not", () => {
  const { places, total } = placeScratch(
    [spec("a", 64, 0, 1), spec("b", 32, 1, 2), spec("c", 64, 2, 3), spec("d", 16, 3, 3)],
    { batch: 1, time: 1, past: 0 },
  );
  const [a, b, c] = places;
  expect(a!.offset).toBe(c!.offset);
  expect(b!.offset).toBeGreaterThanOrEqual(256);
  expect(total).toBe(384);
});

test("the verifier refuses what would not print", () => {
  const [kernel] = compileEntry(softmaxProgram(), "forward").kernels;
  expect(() => verifyKernel({ ...kernel!, sizes: [] })).toThrow("is not known here");
  const readOnly = kernel!.buffers.map((b) => ({ ...b, access: "read" as const }));
  expect(() => verifyKernel({ ...kernel!, buffers: readOnly })).toThrow("is read");
});
