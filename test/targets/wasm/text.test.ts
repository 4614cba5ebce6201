/** What the wasm target prints, to read: a row-wise function in vectors, a choice between lanes, shared kernels. */
import { expect, test } from "vitest";
import { BATCH, dim } from "../../../compiler/dims.ts";
import { GraphBuilder } from "../../../compiler/graph/builder.ts";
import { binary, float, int, intVariable, load, select } from "../../../compiler/loop/build.ts";
import type { Expr, LoopKernel, Statement } from "../../../compiler/loop/ir.ts";
import { kernelText } from "../../../compiler/loop/text.ts";
import { vectorise } from "../../../compiler/loop/vectorise.ts";
import { verifyKernel } from "../../../compiler/loop/verify.ts";
import { compileEntry } from "../../../compiler/plan/entry.ts";
import { WASM } from "../../../compiler/plan/machine.ts";
import { encode } from "../../../compiler/targets/wasm/encode.ts";
import { wasmModule } from "../../../compiler/targets/wasm/module.ts";
import { functionText, moduleText } from "../../../compiler/targets/wasm/text.ts";
import type { BufferSpec } from "../../../runtime/format/program.ts";
import { loadWasmEntries } from "../../support/wasm.ts";
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

/** `for v in 0..time` of one statement. */
const over = (v: string, ...body: Statement[]): Statement => ({ op: "for", variable: v, from: int(0), to: intVariable("time"), step: 1, down: false, spread: "independent", body }); // prettier-ignore
const store = (buffer: string, index: Expr, value: Expr): Statement => ({ op: "store", buffer, index, value, add: false }); // prettier-ignore

const port = (role: "input" | "output", name: string): BufferSpec => ({ role, name, type: "f32", shape: ["time"] }); // prettier-ignore

test("what bounds guarded loads is kept from the beginning of a kernel to its end", () => {
  const i = intVariable("i");
  const chosen = select(binary("lt", i, int(5)), load("x", i, "float"), float(-1));
  const kernel: LoopKernel = {
    name: "late",
    title: "variables that are out of sight when the choice is made",
    buffers: [
      { name: "x", type: "f32", space: "global", access: "read", length: null },
      { name: "y", type: "f32", space: "global", access: "write", length: null },
    ],
    sizes: ["time"],
    body: [
      over("a", over("b", store("y", intVariable("b"), float(0)))),
      over("i", store("y", i, chosen)),
    ],
  };
  verifyKernel(kernel);
  const spec = { name: "late", inputs: [port("input", "x")], outputs: [port("output", "y")], scratch: [], kernels: [] }; // prettier-ignore
  const entry = { spec, kernels: [{ ...kernel, spread: null }], buffers: ["x", "y"] };
  const instance = loadWasmEntries([entry], "f32").instantiate("late", { batch: 1, time: 9, past: 0 }); // prettier-ignore
  instance.input("input", "x").set([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  instance.run();
  expect([...instance.output("output", "y")]).toEqual([1, 2, 3, 4, 5, -1, -1, -1, -1]);
});

test("kernels that differ in names only are one function", () => {
  const again = compileEntry(program(), "step", { machine: WASM });
  const alone = wasmModule([compiled], { precision: "f32" }).functions;
  const both = wasmModule([compiled, again], { precision: "f32" }).functions;
  // The entry itself calls them.
  expect(both).toHaveLength(alone.length + 1);
});
