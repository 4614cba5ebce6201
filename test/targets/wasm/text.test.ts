/** What the wasm target prints, to read: a row-wise function in vectors, a choice between lanes, shared kernels. */
import { expect, test } from "vitest";
import { BATCH, dim } from "../../../compiler/dims.ts";
import { GraphBuilder } from "../../../compiler/graph/builder.ts";
import { kernelText } from "../../../compiler/loop/text.ts";
import { vectorise } from "../../../compiler/loop/vectorise.ts";
import { verifyKernel } from "../../../compiler/loop/verify.ts";
import { compileEntry } from "../../../compiler/plan/entry.ts";
import { WASM } from "../../../compiler/plan/machine.ts";
import { encode } from "../../../compiler/targets/wasm/encode.ts";
import { wasmModule } from "../../../compiler/targets/wasm/module.ts";
import { functionText, moduleText } from "../../../compiler/targets/wasm/text.ts";
import { compare, programOf } from "../harness.ts";

/** softmax of rows of ten, and their positive part. */
function program() {
  const b = new GraphBuilder("rows");
  const x = b.input("x", [BATCH, dim(10)]);
  const e = b.unary("exp", x);
  return programOf(b, {
    p: b.div(e, b.broadcast(b.sum(e, [1]), [0], b.shape(x))),
    positive: b.unary("relu", x),
  });
}
const compiled = compileEntry(program(), "forward", { machine: WASM });

test("plain loops become loops over vectors and what is left over", () => {
  const vectors = compiled.kernels.map((kernel) => vectorise(kernel, 4));
  vectors.forEach(verifyKernel);
  expect(vectors.map(kernelText).join("\n")).toMatchSnapshot();
});

test("the module is text that reads, and bytes that engines take", () => {
  const module = wasmModule([compiled], { precision: "f32" });
  const kernels = module.functions.filter((f) => f.name.startsWith("forward"));
  expect(kernels.map(functionText).join("\n")).toMatchSnapshot();
  expect(moduleText(module)).toContain('(export "fwp_forward")');
  const { WebAssembly: engine } = globalThis as unknown as {
    readonly WebAssembly: { validate(bytes: Uint8Array): boolean };
  };
  expect(engine.validate(encode(module))).toBe(true);
});

test("what bounds guarded loads is kept from the beginning of a kernel to its end", () => {
  const b = new GraphBuilder("late");
  const x = b.input("x", [BATCH, dim(7)]);
  const sums = b.sum(b.mul(x, x), [1]);
  const wide = b.broadcast(b.unary("tanh", sums), [0], b.shape(x));
  // Vectors that choose come after variables that are out of sight by then.
  const moved = b.pad(b.slice(b.mul(x, wide), 1, dim(2), dim(4)), 1, dim(3), dim(1));
  const sum = b.add(moved, b.pad(b.slice(x, 1, dim(0), dim(5)), 1, dim(1), dim(2)));
  for (const batch of [1, 3, 50]) compare(programOf(b, { sums, sum }), { batch, time: 1, past: 0 });
});

test("kernels that differ in names only are one function", () => {
  const again = compileEntry(program(), "step", { machine: WASM });
  const alone = wasmModule([compiled], { precision: "f32" }).functions;
  const both = wasmModule([compiled, again], { precision: "f32" }).functions;
  // The entry itself calls them.
  expect(both).toHaveLength(alone.length + 1);
});
