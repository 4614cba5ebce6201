/** WebAssembly: a module printed by the compiler, which needs nothing but the engine. */
export { loadWasm, wasmProgram } from "./load.ts";
export { wasmFeatures, wasmMissing, WasmUnavailable, type WasmFeatures } from "./features.ts";
