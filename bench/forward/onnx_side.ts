/** ONNX runtimes, where they are installed: each is a process that reads models from files. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readArray } from "../peers/data.ts";
import { Worker } from "../peers/worker.ts";
import { onnxModel } from "./onnx_model.ts";
import { findPackage } from "./packages.ts";
import type { Entrant, Missing, Work } from "./work.ts";

export const ONNX_PACKAGES = { wasm: "onnxruntime-web", native: "onnxruntime-node" } as const;

const CHUNKS = [16, 32, 64] as const;
/** Milliseconds that one may take in all. */
const LIMIT = 240_000;

export function writeModels({ folder, sizes, tokens, weights }: Work): void {
  writeFileSync(join(folder, "tokens.i32"), tokens);
  for (const chunk of CHUNKS) {
    writeFileSync(join(folder, `model_${chunk}.onnx`), onnxModel(weights, { ...sizes, chunk }));
  }
}

export async function onnxSide(
  kind: keyof typeof ONNX_PACKAGES,
  threads: number,
  work: Work,
): Promise<Entrant | Missing> {
  const name = ONNX_PACKAGES[kind];
  const found = findPackage(name);
  if (found === null) return { name, kind, why: "not installed" };
  const { folder, sizes } = work;
  const script = fileURLToPath(new URL("onnx_worker.js", import.meta.url));
  const shape = `${sizes.batch}x${sizes.time}`;
  const given = [found.path, kind, String(threads), folder, shape, ...CHUNKS.map(String)];
  const command = { program: process.execPath, arguments: [script, ...given], env: process.env };
  const worker = new Worker(command, LIMIT);
  try {
    const { facts = {} } = await worker.answer();
    await worker.ask("check");
    const title = `${name} ${found.version}`;
    work.check(title, readArray(folder, "peer_logits"));
    const side = { run: (way: string, count: number) => worker.run(way, count), stop: () => worker.stop(), notes: [] }; // prettier-ignore
    return { name: title, kind, threads, chunk: Number(facts["chunk"]), side };
  } catch (error) {
    worker.stop();
    return { name, kind, why: error instanceof Error ? error.message : String(error) };
  }
}
