/** Loads TensorFlow.js from the module files that it ships for bundlers. */
import { createRequire, register } from "node:module";

/** Before anything of it is imported. */
function prepare(): void {
  register("./tfjs_modules.js", import.meta.url);
  // Its platform for Node is written for CommonJS.
  Object.assign(globalThis, { require: createRequire(import.meta.url) });
}

/** The training step, on the backend in JavaScript. */
export async function loadTfjs(): Promise<typeof import("./tfjs_step.ts")> {
  prepare();
  // Both register what they have with the core.
  await import("@tensorflow/tfjs-backend-cpu");
  await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
  return import("./tfjs_step.ts");
}

/** The forward pass, on the backend in WebAssembly. */
export async function loadTfjsWasm(): Promise<typeof import("./forward/tfjs_model.ts")> {
  prepare();
  const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
  const require = createRequire(import.meta.url);
  const [entry] = require
    .resolve("@tensorflow/tfjs-backend-wasm")
    .split(/(?<=tfjs-backend-wasm)[\\/]/u);
  setWasmPaths(`${entry}/wasm-out/`);
  return import("./forward/tfjs_model.ts");
}
