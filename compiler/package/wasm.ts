/** The WebAssembly of a package. */
import type { EntrySpec } from "../../runtime/format/program.ts";
import type { CompiledEntry } from "../plan/entry.ts";
import { wasmPair } from "../targets/wasm/module.ts";

export interface PackedWasm {
  readonly entries: readonly EntrySpec[];
  /** Modules without and with fused products and sums. */
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly relaxed: Uint8Array<ArrayBuffer>;
}

export const packWasm = (entries: readonly CompiledEntry[]): PackedWasm => ({
  entries: entries.map((e) => e.spec),
  ...wasmPair(entries, "f32"),
});
