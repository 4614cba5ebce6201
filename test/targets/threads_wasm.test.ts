/** WebAssembly gives the same bits, however many threads run it, and the numbers of the oracle. */
import { expect, test } from "vitest";
import { runProgram, unroll, withGradients } from "../../compiler/graph/index.ts";
import { WASM } from "../../compiler/plan/machine.ts";
import type { Data } from "../../runtime/device/program.ts";
import type { BufferRole } from "../../runtime/format/program.ts";
import { specCases } from "../specs/cases.ts";
import { relativeRms } from "../support/compare.ts";
import { nativeEntry } from "../support/native.ts";
import { drawInputs, portKey } from "../support/steps.ts";
import { loadWasmEntries, runTogether, VARIANTS } from "../support/wasm.ts";

const SIZES = { batch: 3, time: 21, past: 0 };
/** One alone, an even and an odd number, more than there are sequences. */
const TEAMS = [1, 2, 3, 5];
const NAMES = ["DeltaNet", "GatedDeltaNet", "RDN", "SRWM", "CharLM"];

const usual = specCases().filter((c) => c.usual);
const chosen = NAMES.flatMap((name) => usual.filter((c) => c.name === name).slice(0, 1));

const entriesOf = (kind: "gradient" | "forward", precision: "f32" | "f64") =>
  chosen.map((c, i) => nativeEntry(c.step, kind, `e${i}`, { precision, machine: WASM }).entry);

test.each(
  (["gradient", "forward"] as const).flatMap((kind) => VARIANTS.map((r) => [kind, r] as const)),
)("%s: the same bits in any number of threads, fused products and sums: %s", (kind, relaxed) => {
  expect(chosen.length).toBeGreaterThan(2);
  const entries = entriesOf(kind, "f32");
  const [alone, ...others] = TEAMS.map((threads) => {
    const program = loadWasmEntries(entries, "f32", relaxed, { threads, worthSpreading: 1 });
    return entries.map(({ spec }) => {
      const instance = program.instantiate(spec.name, SIZES, { poison: true });
      for (const { role, name } of spec.inputs) fill(instance.input(role, name));
      if (threads === 1) instance.run();
      else runTogether(instance);
      return spec.outputs.map(({ role, name }) => bits(instance.output(role, name)));
    });
  });
  for (const other of others) expect(other).toEqual(alone);
});

test("three threads give the gradients of the oracle", () => {
  const entries = entriesOf("gradient", "f64");
  const program = loadWasmEntries(entries, "f64", false, { threads: 3, worthSpreading: 1 });
  chosen.forEach(({ step, label }, i) => {
    const oracle = withGradients(unroll(step));
    const inputs = drawInputs(oracle, SIZES);
    const want = runProgram(oracle, inputs, SIZES);
    const instance = program.instantiate(`e${i}`, SIZES, { poison: true });
    for (const { role, name } of entries[i]!.spec.inputs) {
      instance.input(role, name).set(inputs.get(portKey({ role, name }))!.data);
    }
    runTogether(instance);
    for (const port of oracle.outputs) {
      const found = instance.output(port.role as BufferRole, port.name);
      const error = relativeRms(found, want.get(portKey(port))!.data);
      expect(error, `${label} ${portKey(port)}`).toBeLessThan(1e-9);
    }
  });
});

function fill(data: Data): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = data instanceof Int32Array ? i % 2 : Math.sin(12.9898 * (i + 1)) / 3;
  }
}

function bits(data: Data): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}
