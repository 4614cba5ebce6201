/** On one machine the same program gives the same bits, however many threads run it. */
import { expect, test } from "vitest";
import { cOf } from "../../compiler/targets/native/module.ts";
import { loadNative } from "../../runtime/device/native/index.ts";
import type { Data } from "../../runtime/device/program.ts";
import { specCases } from "../specs/cases.ts";
import { hasCompiler, manifestFor, nativeEntry, QUICK_ENV } from "../support/native.ts";

const SIZES = { batch: 3, time: 21, past: 0 };
/** One alone, an even and an odd number, more than there are sequences. */
const TEAMS = [1, 2, 3, 5];

test.runIf(hasCompiler)(
  "gradients are the same, bit for bit, with any number of threads",
  () => {
    const names = ["DeltaNet", "GatedDeltaNet", "RDN", "SRWM", "CharLM"];
    const cases = specCases().filter((c) => c.usual && names.includes(c.name));
    const chosen = names.flatMap((name) => cases.filter((c) => c.name === name).slice(0, 1));
    expect(chosen.length).toBeGreaterThan(2);
    const entries = chosen.map(
      (c, i) => nativeEntry(c.step, "gradient", `g${i}`, { precision: "f32" }).entry,
    );
    // Some kernels really are shared.
    expect(entries.flatMap((e) => e.kernels).filter((k) => k.body.some(isShared)).length).toBeGreaterThan(20); // prettier-ignore
    const results = TEAMS.map((threads) => {
      const source = cOf(`${threads} threads`, entries, { precision: "f32", worthSpreading: 1 });
      const env = { ...QUICK_ENV, FWP_THREADS: String(threads) };
      const program = loadNative(source, manifestFor(entries), env);
      return entries.map((entry) => {
        const instance = program.instantiate(entry.spec.name, SIZES, { poison: true });
        for (const { role, name } of entry.spec.inputs) fill(instance.input(role, name));
        instance.run();
        return entry.spec.outputs.map(({ role, name }) => bits(instance.output(role, name)));
      });
    });
    for (const other of results.slice(1)) expect(other).toEqual(results[0]);
  },
  300_000,
);

const isShared = (s: { readonly op: string; readonly spread?: string }): boolean =>
  s.op === "for" && s.spread === "workgroups";

function fill(data: Data): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = data instanceof Int32Array ? i % 2 : Math.sin(12.9898 * (i + 1)) / 3;
  }
}

function bits(data: Data): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}
