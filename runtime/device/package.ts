/** The program of a model package: its C where this machine compiles it, else its JavaScript. */
import type { ProgramManifest } from "../format/program.ts";
import { readTextFile } from "../files/io.ts";
import { loadNative, NativeUnavailable, type Env } from "./native/index.ts";
import type { KernelModule, Program } from "./program.ts";
import { fromModule } from "./typescript.ts";

/**
 * `kernels` is the package's JavaScript, `source` the path of its C. `$FWP_DEVICE` set to `typescript` leaves the C alone;
 * set to `native` it makes a machine that cannot compile it an error.
 * @throws NativeUnavailable if native code is asked for and does not run here.
 */
export function loadPackage(
  kernels: KernelModule,
  manifest: ProgramManifest,
  source: string,
  env: Env = process.env,
): Program {
  const { native, ...rest } = manifest;
  const device = env["FWP_DEVICE"] ?? "auto";
  if (native === undefined || (device !== "auto" && device !== "native")) {
    return fromModule(kernels, rest);
  }
  try {
    return loadNative(readTextFile(source), { ...rest, entries: native.entries }, env);
  } catch (error) {
    if (device === "native" || !(error instanceof NativeUnavailable)) throw error;
    return fromModule(kernels, rest);
  }
}
