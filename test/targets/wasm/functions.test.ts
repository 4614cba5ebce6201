/** The functions of the wasm target against those of the engine, over all of float32. */
import { expect, test } from "vitest";
import { intVariable, load, unary, vectorLoad } from "../../../compiler/loop/build.ts";
import type { LoopKernel, UnaryOp } from "../../../compiler/loop/ir.ts";
import { verifyKernel } from "../../../compiler/loop/verify.ts";
import type { CompiledEntry } from "../../../compiler/plan/entry.ts";
import { hostMath } from "../../../runtime/device/wasm/math.ts";
import type { BufferSpec } from "../../../runtime/format/program.ts";
import { loadWasmEntries } from "../../support/wasm.ts";

const port = (role: "input" | "output", n: string): BufferSpec => ({
  role,
  name: n,
  type: "f32",
  shape: ["time"],
});

/** y = fn(x), one number or four at a time. */
function kernel(fn: UnaryOp, lanes: 1 | 4): CompiledEntry {
  const name = `${fn}_${lanes}`;
  const i = intVariable("i");
  const x = lanes === 1 ? load("x", i, "float") : vectorLoad("x", i, lanes);
  const made: LoopKernel = {
    name,
    title: `${fn} of ${lanes}`,
    buffers: [
      { name: "x", type: "f32", space: "global", access: "read", length: null },
      { name: "y", type: "f32", space: "global", access: "write", length: null },
    ],
    sizes: ["time"],
    body: [
      {
        op: "for",
        variable: "i",
        from: { op: "number", type: { kind: "int", lanes: 1 }, value: 0 },
        to: intVariable("time"),
        step: lanes,
        down: false,
        spread: "independent",
        body: [{ op: "store", buffer: "y", index: i, value: unary(fn, x), add: false }],
      },
    ],
  };
  verifyKernel(made);
  const spec = { name, inputs: [port("input", "x")], outputs: [port("output", "y")], scratch: [], kernels: [] }; // prettier-ignore
  return { spec, kernels: [{ ...made, spread: null }], buffers: ["x", "y"] };
}

/** Every exponent and both signs, and the borders of everything. */
function everything(): Float32Array {
  const bits = new Uint32Array(2 ** 19);
  // An odd step goes through all last digits of the significand.
  for (let i = 0; i < bits.length; i++) bits[i] = (i * 8191) >>> 0;
  const values = new Float32Array(bits.buffer);
  const border = [0, -0, 1, -1, 0.5, 0.625, 1e-45, -1e-45, 2 ** -126, 88.72, 88.73, -103.9, -104, 3.4e38, Infinity, -Infinity, NaN, 2 ** 20, 1048575.9, 1e22, Math.PI, Math.PI / 2, 355, 11, 2 ** -25, 1 - 2 ** -24, 1 + 2 ** -23]; // prettier-ignore
  values.set(border);
  // Where most arguments are.
  for (let i = 64; i < bits.length / 2; i++) values[i] = (i / bits.length - 0.25) * 80;
  return values;
}

/** Distance in units of the last place of the wanted float32. */
function units(found: number, wanted: number): number {
  const near = Math.fround(wanted);
  if (Object.is(found, near) || found === near) return 0;
  if (Number.isNaN(near) || Number.isNaN(found) || !Number.isFinite(near)) return Infinity;
  if (!Number.isFinite(found)) return Infinity;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(wanted) || 2 ** -149)));
  return Math.abs(found - wanted) / 2 ** (exponent - 23);
}

test.each([
  ["exp", 1.5],
  ["expm1", 2],
  ["log", 1.5],
  ["log1p", 2],
  ["tanh", 2.5],
  ["erf", 2.5],
  ["sin", 1],
  ["cos", 1],
] as const)("%s is right to %f units in the last place, in vectors as alone", (fn, bound) => {
  const x = everything();
  const program = loadWasmEntries([kernel(fn, 1), kernel(fn, 4)], "f32");
  const results = [1, 4].map((lanes) => {
    const instance = program.instantiate(`${fn}_${lanes}`, { batch: 1, time: x.length, past: 0 });
    instance.input("input", "x").set(x);
    instance.run();
    return instance.output("output", "y");
  });
  const [alone, together] = results as [Float32Array, Float32Array];
  expect(alone.findIndex((v, i) => !Object.is(v, together[i]))).toBe(-1);
  let [worst, at] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const off = units(alone[i]!, hostMath[fn](x[i]!));
    if (!(off <= worst)) [worst, at] = [off, x[i]!];
  }
  expect(worst, `of ${at}: ${Math.fround(hostMath[fn](at))}`).toBeLessThanOrEqual(bound);
});
