/** Entries as WebAssembly, loaded. */
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { wasmOf } from "../../compiler/targets/wasm/module.ts";
import type { Program } from "../../runtime/device/program.ts";
import { loadWasm, wasmFeatures } from "../../runtime/device/wasm/index.ts";
import { manifestFor } from "./native.ts";

/** With and without fused products and sums, where this engine has them. */
export const VARIANTS: readonly boolean[] = wasmFeatures().relaxed ? [false, true] : [false];

export function loadWasmEntries(
  entries: readonly CompiledEntry[],
  precision: "f32" | "f64",
  relaxed = false,
): Program {
  return loadWasm(wasmOf(entries, { precision, relaxed }), manifestFor(entries));
}
