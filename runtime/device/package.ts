/** The program of a model package on disk: its C where this machine compiles it, else its WebAssembly, else its JavaScript. */
import type { ProgramManifest } from "../format/program.ts";
import { readBytes, readTextFile } from "../files/io.ts";
import { manifestFor, ownBytes, runsWasm, wasmFile } from "./choice.ts";
import { loadNative, NativeUnavailable, type Env } from "./native/index.ts";
import type { KernelModule, Program } from "./program.ts";
import { fromModule } from "./typescript.ts";
import { loadWasm, wasmMissing, WasmUnavailable } from "./wasm/index.ts";

/**
 * `kernels` is the package's JavaScript, `pathOf` gives the path of another of its files. `$FWP_DEVICE` set to `wasm` or
 * `typescript` leaves what is faster alone; set to `native` or `wasm` it makes a machine that does not run it an error.
 * @throws NativeUnavailable, WasmUnavailable if that is asked for and does not run here.
 */
export function loadPackage(
  kernels: KernelModule,
  manifest: ProgramManifest,
  pathOf: (file: string) => string,
  env: Env = process.env,
): Program {
  const device = env["FWP_DEVICE"] ?? "auto";
  if (manifest.native !== undefined && (device === "auto" || device === "native")) {
    try {
      const source = readTextFile(pathOf("./kernels.c"));
      return loadNative(source, manifestFor(manifest, "native"), env);
    } catch (error) {
      if (device === "native" || !(error instanceof NativeUnavailable)) throw error;
    }
  }
  if (device === "wasm" && wasmMissing() !== null) throw new WasmUnavailable(wasmMissing()!);
  if (runsWasm(manifest) && (device === "auto" || device === "wasm")) {
    const binary = ownBytes(readBytes(pathOf(`./${wasmFile()}`)));
    return loadWasm(binary, manifestFor(manifest, "wasm"), env);
  }
  return fromModule(kernels, manifestFor(manifest, "typescript"));
}
