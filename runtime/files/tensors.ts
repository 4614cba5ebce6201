/** Safetensors files on disk. */
import { type FileSystem, readBytes, writeFileAtomic } from "./io.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type Tensor,
  type TensorFile,
} from "./safetensors.ts";

/** Reads a safetensors file. @throws DiagnosticError as `readBytes` and `decodeSafetensors`. */
export function readSafetensors(path: string): TensorFile {
  return decodeSafetensors(readBytes(path), path);
}

/** Writes a safetensors file, whole or not at all. @throws DiagnosticError as `writeFileAtomic`. */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: ReadonlyMap<string, string>,
  io?: FileSystem,
): void {
  writeFileAtomic(path, encodeSafetensors(tensors, metadata), io);
}
