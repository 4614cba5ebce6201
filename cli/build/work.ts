/** What `fwp build` has done beside its own work: by a thread of its own where there is a processor for it. */
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import { packWasm, type PackedWasm } from "../../compiler/package/wasm.ts";
import { compileEntries } from "../../compiler/pipeline.ts";
import { WASM } from "../../compiler/plan/machine.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";

/** First weights. */
interface Draw {
  readonly kind: "draw";
  readonly parameters: ProgramManifest["parameters"];
  readonly seed: number;
}
/** Optimised programs, by the names of their entries, as WebAssembly. */
interface Pack {
  readonly kind: "pack";
  readonly programs: ReadonlyMap<string, SequenceProgram>;
}
export type Work = Draw | Pack;

export interface Results {
  readonly draw: ReadonlyMap<string, Float32Array>;
  readonly pack: PackedWasm;
}

const WORKERS: { readonly [K in Work["kind"]]: (work: Extract<Work, { kind: K }>) => Results[K] } =
  {
    draw: ({ parameters, seed }) => initialize({ parameters }, seed),
    pack: ({ programs }) => packWasm(compileEntries(programs, { machine: WASM })),
  };

export const doWork = <K extends Work["kind"]>(work: Extract<Work, { kind: K }>): Results[K] =>
  WORKERS[work.kind as K](work);
