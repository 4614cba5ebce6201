/** The entries of a package in the languages of its targets: each apart from the others, by whoever has time. */
import type { EntrySpec } from "../../runtime/format/program.ts";
import type { CompiledEntry } from "../plan/entry.ts";
import { cOf } from "../targets/native/module.ts";
import type { EmittedModule } from "../targets/typescript/emit.ts";
import { typescriptOf } from "../targets/typescript/index.ts";
import { wasmPair } from "../targets/wasm/module.ts";

interface Packed {
  /** What the target has: buffers and scratch memory differ from target to target. */
  readonly entries: readonly EntrySpec[];
}
export interface PackedTypeScript extends Packed {
  readonly module: EmittedModule;
}
export interface PackedC extends Packed {
  readonly c: string;
}
export interface PackedWasm extends Packed {
  /** Modules without and with fused products and sums. */
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly relaxed: Uint8Array<ArrayBuffer>;
}

const specs = (entries: readonly CompiledEntry[]): EntrySpec[] => entries.map((e) => e.spec);

export const packTypeScript = (
  name: string,
  entries: readonly CompiledEntry[],
): PackedTypeScript => ({ entries: specs(entries), module: typescriptOf(name, entries) });

export const packC = (name: string, entries: readonly CompiledEntry[]): PackedC => ({
  entries: specs(entries),
  c: cOf(name, entries, { precision: "f32" }),
});

export const packWasm = (entries: readonly CompiledEntry[]): PackedWasm => ({
  entries: specs(entries),
  ...wasmPair(entries, "f32"),
});
