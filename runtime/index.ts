/**
 * `fwp/runtime`: what a model package and the command line run on. It knows programs, not specs: nothing here depends on
 * the compiler.
 *
 * Problems with what a caller gives (files, options, shapes) are thrown as `DiagnosticError`, whose `diagnostics` have a
 * stable code, a place and a hint each.
 */

// Problems
export { DiagnosticError } from "../diagnostics/diagnostic.ts";
export type { Diagnostic, Place, Range, Related, Severity } from "../diagnostics/diagnostic.ts";
export { runtimeCatalogue } from "./catalogue.ts";

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

// Models
export { DiskModel as Model, type DiskWeights as WeightSource } from "./files/model.ts";
export type { RunResult, RunSizes, Sequences } from "./model.ts";
export { Session } from "./session.ts";
export { drawToken, sample, sampleOptions } from "./sample.ts";
export { fillInputs, Instances, parameterMemory } from "./instances.ts";
export { fromModule, loadJavaScript } from "./device/typescript.ts";
export { loadNative, nativeSupport, NativeUnavailable } from "./device/native/index.ts";
export {
  loadWasm,
  wasmFeatures,
  wasmMissing,
  wasmProgram,
  wasmThreads,
  WasmUnavailable,
  type WasmThreads,
} from "./device/wasm/index.ts";
export { loadPackage } from "./device/package.ts";

// Random numbers
export {
  fillNormal,
  fillUniform,
  normalPair,
  random4,
  streamOf,
  unitInterval,
} from "./format/random.ts";

// Parameters and files
export { initialize, initializeParameter } from "./parameters/initialise.ts";
export { matchParameters } from "./parameters/match.ts";
export { loadWeights, saveWeights } from "./parameters/weights.ts";
export { decodeSafetensors, safetensorsBytes } from "./files/safetensors.ts";
export { readSafetensors, writeSafetensors } from "./files/tensors.ts";
export type { Tensor, TensorFile } from "./files/safetensors.ts";
export { readJsonFile, readTextFile, writeFileAtomic } from "./files/io.ts";

// Tasks
export type { Batch, Split, Task, TaskContext, TextCodec, Tracker } from "./tasks/task.ts";
export { makeTask, tasks } from "./tasks/registry.ts";
export type { TaskEntry, TaskLoading } from "./tasks/registry.ts";
export { textCodec } from "./tasks/codec.ts";

// Training
export { defaultEvalSettings, defaultTrainSettings } from "./format/training.ts";
export type {
  EvalSettings,
  Options,
  OptimizerSettings,
  OptionValue,
  Call,
  ScheduleSettings,
  Settings,
  SettingValue,
  StopSettings,
  TaskSettings,
  TrainSettings,
} from "./format/training.ts";
export {
  learningRate,
  momentsOf,
  optimizerSchemas,
  optimizerSettings,
  scheduleSchemas,
  scheduleSettings,
} from "./optimizers.ts";
export { evalSettings, trainSettings } from "./settings.ts";
export { readOptions } from "./options.ts";
export type { OptionSpec, Schema, ValuesOf } from "./options.ts";
export { evaluate, selectMetrics } from "./evaluate.ts";
export type { EvaluateOptions, Metrics } from "./evaluate.ts";
export { train } from "./train/train.ts";
export type { TrainOptions, TrainResult } from "./train/train.ts";
export { hasCheckpoint, loadCheckpoint } from "./train/checkpoint.ts";
export type { Checkpoint, CheckpointRecord } from "./train/checkpoint.ts";
export { onInterrupt } from "./train/interrupt.ts";
export {
  lineReporter,
  reporterFor,
  showDuration,
  showMetrics,
  showNumber,
  silentReporter,
  terminalReporter,
} from "./train/reporter.ts";
export type { Reporter, RunStart } from "./train/reporter.ts";
