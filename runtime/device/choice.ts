/** The program of a model package by what its files are for. */
import type { ProgramManifest } from "../format/program.ts";
import type { Bytes } from "./wasm/engine.ts";
import { wasmFeatures, wasmMissing } from "./wasm/index.ts";

/** The module that this engine runs best. */
export const wasmFile = (): string =>
  wasmFeatures().relaxed ? "kernels.relaxed.wasm" : "kernels.wasm";

/** What a manifest says of one target: its entries, and nothing of the others. */
export function manifestFor(
  { native, wasm, ...rest }: ProgramManifest,
  target: "typescript" | "native" | "wasm",
): ProgramManifest {
  const own = target === "native" ? native : target === "wasm" ? wasm : rest;
  return own === undefined ? rest : { ...rest, entries: own.entries };
}

/** Whether a package has a module for this engine. */
export const runsWasm = ({ wasm }: ProgramManifest): boolean =>
  wasm !== undefined && wasmMissing() === null;

/** Memory of their own for bytes that may lie in a larger buffer. */
export const ownBytes = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);
