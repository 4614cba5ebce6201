/** What `fwp build` has done beside its own work: by a thread of its own where there is a processor for it. */
import { packWasm, type PackedWasm, type Programs } from "../../compiler/package/wasm.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";

export type Weights = ReadonlyMap<string, Float32Array>;

/** First weights. */
interface Draw {
  readonly kind: "draw";
  readonly parameters: ProgramManifest["parameters"];
  readonly seed: number;
}
/** Programs as WebAssembly. */
interface Pack {
  readonly kind: "pack";
  readonly programs: Programs;
}
export type Work = Draw | Pack;

export interface Results {
  readonly draw: Weights;
  readonly pack: PackedWasm;
}

const WORKERS: { readonly [K in Work["kind"]]: (work: Extract<Work, { kind: K }>) => Results[K] } =
  {
    draw: ({ parameters, seed }) => initialize({ parameters }, seed),
    pack: ({ programs }) => packWasm(programs),
  };

export const doWork = <K extends Work["kind"]>(work: Extract<Work, { kind: K }>): Results[K] =>
  WORKERS[work.kind as K](work);
