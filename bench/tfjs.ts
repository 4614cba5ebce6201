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
