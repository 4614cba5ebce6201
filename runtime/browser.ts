/**
 * `fwp/runtime` in a browser: what a model package needs there, without files. Weights come as bytes or tensors, and a
 * package fetches its own.
 */

// Problems
export { DiagnosticError } from "../diagnostics/diagnostic.ts";
export type { Diagnostic, Place, Range, Related, Severity } from "../diagnostics/diagnostic.ts";

// Programs
export type {
  BufferKey,
  Data,
  Instance,
  InstanceOptions,
  KernelModule,
  Program,
} from "./device/program.ts";
export type {
  BufferRole,
  BufferSpec,
  EntrySpec,
  InitSpec,
  ParameterSpec,
  ProgramManifest,
  FieldSpec,
  SignalSpec,
  SizeExpr,
  Sizes,
  StateSpec,
} from "./format/program.ts";
export { fromModule, loadJavaScript } from "./device/typescript.ts";
export {
  loadWasm,
  wasmFeatures,
  wasmMissing,
  wasmProgram,
  wasmThreads,
  WasmUnavailable,
  type WasmThreads,
} from "./device/wasm/index.ts";
export { fetchPackage, type Fetched } from "./device/fetch.ts";

// Models
export { Model } from "./model.ts";
export type { RunResult, RunSizes, Sequences, WeightSource } from "./model.ts";
export { Session } from "./session.ts";
export { drawToken, sample, sampleOptions } from "./sample.ts";
export { fillInputs, Instances, parameterMemory } from "./instances.ts";
export { textCodec } from "./tasks/codec.ts";
export type { TextCodec } from "./tasks/task.ts";

// Parameters
export { initialize, initializeParameter } from "./parameters/initialise.ts";
export { matchParameters } from "./parameters/match.ts";
export { decodeSafetensors, safetensorsBytes } from "./files/safetensors.ts";
export type { Tensor, TensorFile } from "./files/safetensors.ts";
