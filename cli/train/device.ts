/** Compiles a step for a device and loads the program. */
import {
  compileStep,
  describe,
  entryProgram,
  fixSizes,
  type EntryName,
  type PipelineOptions,
} from "../../compiler/pipeline.ts";
import type { SizeValues } from "../../compiler/graph/concretize.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import type { Program } from "../../runtime/device/program.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import { cliProblem } from "../catalogue.ts";
import { oracleProgram } from "../oracle.ts";

export const DEVICES = ["auto", "typescript", "oracle"] as const;
export type Device = "typescript" | "oracle";

/** `auto`: the fastest there is. @throws DiagnosticError fwp8021. */
export function deviceOf(name: string): Device {
  switch (name) {
    case "auto":
    case "typescript":
      return "typescript";
    case "oracle":
      return "oracle";
    default:
      throw cliProblem("fwp8021", "--device", { device: name, available: DEVICES.join(", ") });
  }
}

/** A program with these entries, ready to run. `step` may still have named sizes, which `values` knows. */
export function loadStep(
  step: StepProgram,
  values: SizeValues,
  device: Device,
  options: PipelineOptions,
): Program {
  if (device === "typescript") {
    const { javascript, manifest } = compileStep(step, values, options);
    return loadJavaScript(javascript, manifest);
  }
  const fixed = fixSizes(step, values);
  const programs = new Map<EntryName, SequenceProgram>();
  // Estimates say nothing of the oracle.
  const form = options.form === undefined || options.form === "auto" ? "sequential" : options.form;
  for (const name of options.entries) {
    programs.set(name, entryProgram(fixed, name, { ...options, form }));
  }
  return oracleProgram(programs, describe(fixed, device));
}
