/** Parameters to and from safetensors files. */
import type { Data } from "../device/program.ts";
import { type FileSystem } from "../files/io.ts";
import { readSafetensors, writeSafetensors } from "../files/tensors.ts";
import { matchParameters, tensorsOf, type Manifest } from "./match.ts";

/** Reads the parameters of a program. @throws DiagnosticError as `readSafetensors` and `matchParameters`. */
export function loadWeights(
  manifest: Manifest,
  path: string,
): Map<string, Float32Array | Float64Array> {
  return matchParameters(manifest, readSafetensors(path).tensors, path);
}

/** Writes the parameters of a program, whole or not at all. @throws DiagnosticError as `writeFileAtomic`. */
export function saveWeights(
  manifest: Manifest,
  path: string,
  parameters: ReadonlyMap<string, Data>,
  io?: FileSystem,
): void {
  writeSafetensors(path, tensorsOf(manifest, parameters), new Map(), io);
}
