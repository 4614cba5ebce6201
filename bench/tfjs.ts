/** Loads TensorFlow.js from the module files that it ships for bundlers. */
import { createRequire, register } from "node:module";

export async function loadTfjs(): Promise<typeof import("./tfjs_step.ts")> {
  register("./tfjs_modules.js", import.meta.url);
  // Its platform for Node is written for CommonJS.
  Object.assign(globalThis, { require: createRequire(import.meta.url) });
  // Both register what they have with the core.
  await import("@tensorflow/tfjs-backend-cpu");
  await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  return import("./tfjs_step.ts");
}

/** The same with the WebAssembly backend. */
export async function loadTfjsWasm(): Promise<typeof import("./tfjs_step.ts")> {
  const made = await loadTfjs();
  const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
  const require = createRequire(import.meta.url);
  const [entry] = require
    .resolve("@tensorflow/tfjs-backend-wasm")
    .split(/(?<=tfjs-backend-wasm)[\\/]/u);
  setWasmPaths(`${entry}/wasm-out/`);
  return made;
}
