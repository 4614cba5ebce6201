/** The compiler as a library: `fwp/compiler`. */
export { parse } from "../grammar/parser.ts";
export { format, print } from "../grammar/print.ts";
export {
  DiagnosticError,
  InternalError,
  type Diagnostic,
  type Place,
} from "../diagnostics/diagnostic.ts";
export { renderDiagnostic, diagnosticToJson } from "../diagnostics/render.ts";
export {
  loadProject,
  type Host,
  type Module,
  type Project,
  type ReadResult,
} from "./check/project.ts";
export { checkProject } from "./check/check.ts";
export { instantiate, type Instantiated } from "./check/instantiate.ts";
export {
  experimentTask,
  instantiateExperiment,
  type Environment,
  type InstantiatedExperiment,
  type TaskDescription,
} from "./check/experiments.ts";
export { parseExpression, splitSetting, type Setting } from "./check/settings.ts";
export { builtins } from "./check/builtins/index.ts";
export * as graph from "./graph/index.ts";
export { analyse, chunk, stage, type ClassName, type StateSet } from "./derive/index.ts";
export {
  compileStep,
  describe,
  entryProgram,
  fixSizes,
  modelOf,
  type Compiled,
  type EntryName,
  type Form,
  type PipelineOptions,
} from "./pipeline.ts";
