/**
 * A hook for Node's module loader. TensorFlow.js ships its gradients only as modules for bundlers (no file extensions,
 * no `"type": "module"`); this lets Node read those files as they are, so that nothing else has to be installed.
 */
import { existsSync } from "node:fs";
import type { LoadHook, ResolveHook } from "node:module";
import { fileURLToPath } from "node:url";

const inside = (url: string | undefined): boolean => url?.includes("/@tensorflow/") === true;
/** What Emscripten made is written for CommonJS. */
const isCommon = (url: string): boolean => url.includes("/wasm-out/");

export const resolve: ResolveHook = async (specifier, context, next) => {
  if (/^@tensorflow\/[^/]+$/.test(specifier)) return next(`${specifier}/dist/index.js`, context);
  // A file of another of its packages, without its ending.
  if (/^@tensorflow\/[^/]+\/dist\/\w+$/.test(specifier)) return next(`${specifier}.js`, context);
  if (inside(context.parentURL) && /^\.\.?\//.test(specifier)) {
    for (const ending of ["", ".js", "/index.js"]) {
      const url = new URL(specifier + ending, context.parentURL);
      if (url.href.endsWith(".js") && existsSync(fileURLToPath(url)))
        return next(url.href, context);
    }
  }
  return next(specifier, context);
};

export const load: LoadHook = async (url, context, next) =>
  next(url, inside(url) && !isCommon(url) ? { ...context, format: "module" } : context);
