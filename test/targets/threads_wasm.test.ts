/** WebAssembly gives the same bits, however many threads run it. */
import { describe, expect, test } from "vitest";
import { WASM } from "../../compiler/plan/machine.ts";
import type { Data } from "../../runtime/device/program.ts";
import { specCases } from "../specs/cases.ts";
import { nativeEntry } from "../support/native.ts";
import { loadWasmEntries, runTogether, VARIANTS } from "../support/wasm.ts";

const SIZES = { batch: 3, time: 21, past: 0 };
/** One alone, an even and an odd number, more than there are sequences. */
const TEAMS = [1, 2, 3, 5];
const NAMES = ["DeltaNet", "GatedDeltaNet", "RDN", "SRWM", "CharLM"];

describe.each(["gradient", "forward"] as const)("%s", (kind) => {
  test.each(VARIANTS)(
    "the same, bit for bit, with any number of threads, relaxed: %s",
    (relaxed) => {
      const cases = specCases().filter((c) => c.usual && NAMES.includes(c.name));
      const chosen = NAMES.flatMap((name) => cases.filter((c) => c.name === name).slice(0, 1));
      expect(chosen.length).toBeGreaterThan(2);
      const options = { precision: "f32", machine: WASM } as const;
      const entries = chosen.map((c, i) => nativeEntry(c.step, kind, `e${i}`, options).entry);
      const [alone = [], ...others] = TEAMS.map((threads) => {
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
    },
  );
});

function fill(data: Data): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = data instanceof Int32Array ? i % 2 : Math.sin(12.9898 * (i + 1)) / 3;
  }
}

function bits(data: Data): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}
