/** The pieces of `fwp build` that need nothing of each other: by a thread of its own where there is a processor for it. */
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import {
  packC,
  packTypeScript,
  packWasm,
  type PackedC,
  type PackedTypeScript,
  type PackedWasm,
} from "../../compiler/package/packed.ts";
import { compileEntries } from "../../compiler/pipeline.ts";
import { PORTABLE, SCALAR, WASM } from "../../compiler/plan/machine.ts";
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";

/** First weights. */
interface Draw {
  readonly kind: "draw";
  readonly parameters: ProgramManifest["parameters"];
  readonly seed: number;
}
/** The layer or model `name`, its optimised programs by the names of their entries, for a target. */
interface Pack {
  readonly kind: "typescript" | "native" | "wasm";
  readonly name: string;
  readonly programs: ReadonlyMap<string, SequenceProgram>;
}
export type Work = Draw | Pack;
export type Kind = Work["kind"];

export interface Results {
  readonly draw: ReadonlyMap<string, Float32Array>;
  readonly typescript: PackedTypeScript;
  readonly native: PackedC;
  readonly wasm: PackedWasm;
}

/** Work of a kind. */
export type WorkOf<K extends Kind> = Work & { readonly kind: K };
export type Result = Results[Kind];

export function doWork<K extends Kind>(work: WorkOf<K>): Results[K];
export function doWork(work: Work): Result {
  switch (work.kind) {
    case "draw":
      return initialize(work, work.seed);
    case "typescript":
      return packTypeScript(work.name, compileEntries(work.programs, { machine: SCALAR }));
    case "native":
      return packC(work.name, compileEntries(work.programs, { machine: PORTABLE }));
    case "wasm":
      return packWasm(compileEntries(work.programs, { machine: WASM }));
    default:
      return unreachable(work);
  }
}
