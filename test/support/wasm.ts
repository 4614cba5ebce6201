/** Entries as WebAssembly, loaded. */
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { wasmOf } from "../../compiler/targets/wasm/module.ts";
import type { Instance, Program } from "../../runtime/device/program.ts";
import { loadWasm, team, wasmFeatures } from "../../runtime/device/wasm/index.ts";
import { manifestFor } from "./native.ts";

/** With and without fused products and sums, where this engine has them. */
export const VARIANTS: readonly boolean[] = wasmFeatures().relaxed ? [false, true] : [false];

export function loadWasmEntries(
  entries: readonly CompiledEntry[],
  precision: "f32" | "f64",
  relaxed = false,
  {
    threads = 1,
    worthSpreading,
  }: { readonly threads?: number; readonly worthSpreading?: number } = {},
): Program {
  const share = worthSpreading === undefined ? {} : { worthSpreading };
  const binary = wasmOf(entries, { precision, relaxed, ...share });
  return loadWasm(binary, manifestFor(entries), { FWP_THREADS: String(threads) });
}

/** Runs an instance until its threads have come and it was run by all of them. */
export function runTogether(instance: Instance): void {
  const before = team().runs;
  for (let i = 0; i < 1000 && team().runs === before; i++) {
    instance.run();
    if (team().runs === before) team().wait(8, 20);
  }
  if (team().runs === before) throw new Error(`no threads: ${team().broken ?? "they do not come"}`);
}
