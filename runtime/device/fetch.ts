/** The program of a model package beside a module that a browser has loaded. */
import { problem } from "../catalogue.ts";
import { decodeSafetensors, type Tensor } from "../files/safetensors.ts";
import type { ProgramManifest } from "../format/program.ts";
import { manifestFor, runsWasm, wasmFile } from "./choice.ts";
import type { KernelModule, Program } from "./program.ts";
import { fromModule } from "./typescript.ts";
import type { Bytes } from "./wasm/engine.ts";
import { compileWasm } from "./wasm/index.ts";

async function fetched(url: URL): Promise<Bytes> {
  const refuse = (reason: string) => problem("fwp6011", url.href, { path: url.href, reason });
  try {
    const answer = await fetch(url);
    if (!answer.ok) throw refuse(`the server answers ${answer.status} ${answer.statusText}`.trim());
    return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    if (error instanceof TypeError) throw refuse(error.message);
    throw error;
  }
}

export interface Fetched {
  readonly program: Program;
  readonly weights: ReadonlyMap<string, Tensor>;
}

/**
 * Fetches a package's program, code and weights from the folder `at`. Code is WebAssembly where the engine has it (and the
 * page allows it), else `kernels`, the package's JavaScript.
 * @throws DiagnosticError fwp6011 for a file that does not come, and those of reading weights.
 */
export async function fetchPackage(kernels: KernelModule, at: string): Promise<Fetched> {
  const file = (name: string): Promise<Bytes> => fetched(new URL(name, at));
  const [text, weights] = await Promise.all([file("program.json"), file("weights.safetensors")]);
  const manifest = JSON.parse(new TextDecoder().decode(text)) as ProgramManifest;
  const { tensors } = decodeSafetensors(weights, "weights.safetensors");
  return { program: await programOf(kernels, manifest, file), weights: tensors };
}

async function programOf(
  kernels: KernelModule,
  manifest: ProgramManifest,
  file: (name: string) => Promise<Bytes>,
): Promise<Program> {
  const plain = (): Program => fromModule(kernels, manifestFor(manifest, "typescript"));
  if (!runsWasm(manifest)) return plain();
  const binary = await file(wasmFile());
  try {
    return await compileWasm(binary, manifestFor(manifest, "wasm"));
  } catch (error) {
    // A page may forbid to compile code; what is no module at all is a mistake.
    if (error instanceof Error && error.name === "CompileError" && /polic|unsafe|CSP/iu.test(error.message)) return plain(); // prettier-ignore
    throw error;
  }
}
