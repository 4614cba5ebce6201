/** WebAssembly: a module printed by the compiler, which needs nothing but the engine. */
export { compileWasm, loadWasm, wasmProgram } from "./load.ts";
export { possibleWasmThreads, team, wasmThreads, type WasmThreads } from "./team.ts";
export { wasmFeatures, wasmMissing, WasmUnavailable, type WasmFeatures } from "./features.ts";
