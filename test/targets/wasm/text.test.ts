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
import { programOf } from "../harness.ts";

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

test("kernels that differ in names only are one function", () => {
  const again = compileEntry(program(), "step", { machine: WASM });
  const alone = wasmModule([compiled], { precision: "f32" }).functions;
  const both = wasmModule([compiled, again], { precision: "f32" }).functions;
  // The entry itself calls them.
  expect(both).toHaveLength(alone.length + 1);
});
