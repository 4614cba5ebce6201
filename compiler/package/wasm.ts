/** The WebAssembly of a package. */
import type { EntrySpec } from "../../runtime/format/program.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { compileEntry } from "../plan/entry.ts";
import { WASM } from "../plan/machine.ts";
import { wasmPair } from "../targets/wasm/module.ts";

/** Optimised programs by the names of their entries. */
export type Programs = ReadonlyMap<string, SequenceProgram>;

export interface PackedWasm {
  readonly entries: readonly EntrySpec[];
  /** Modules without and with fused products and sums. */
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly relaxed: Uint8Array<ArrayBuffer>;
}

export function packWasm(programs: Programs): PackedWasm {
  const entries = [...programs].map(([name, program]) =>
    compileEntry(program, name, { precision: "f32", machine: WASM }),
  );
  return { entries: entries.map((e) => e.spec), ...wasmPair(entries, "f32") };
}
