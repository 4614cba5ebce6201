/** A step compiled for a device, as something the runtime can run. */
import type { Instantiated } from "../../compiler/check/instantiate.ts";
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import type { EntryName, PipelineOptions } from "../../compiler/pipeline.ts";
import { compileStep, describe, entryProgram, fixSizes } from "../../compiler/pipeline.ts";
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { Program } from "../../runtime/device/program.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import { cliProblem } from "../catalogue.ts";
import { UsageError } from "../exit.ts";
import { oracleProgram } from "../oracle.ts";

/** What can run a program here, best first. */
export const devices = ["typescript", "oracle"] as const;
export type Device = (typeof devices)[number];
const plannedDevices = ["wasm", "native", "webgpu", "cuda", "tfjs", "onnx"];

/**
 * How time is run. `auto`: all that can be at once outside the loops over time. `sequential`: one loop over time, as the
 * spec reads. `step`: a call per step, the state handed on. `chunk`: loops over chunks of time for the recurrences that have
 * such a form, the others as `auto`.
 */
export const forms = ["auto", "sequential", "step", "chunk"] as const;
export type Form = (typeof forms)[number];
const plannedForms = ["scan", "parallel"];

/** @throws DiagnosticError fwp8021 for a device of a later version, UsageError for none at all. */
export function deviceOf(name: string): Device {
  if (name === "auto") return devices[0];
  const found = devices.find((d) => d === name);
  if (found !== undefined) return found;
  const available = `auto, ${devices.join(", ")}`;
  if (plannedDevices.includes(name)) {
    throw cliProblem("fwp8021", "--device", { device: name, available });
  }
  throw new UsageError(`there is no device ${name}; available: ${available}`);
}

/** @throws DiagnosticError fwp8020 for a form of a later version, UsageError for none at all. */
export function formOf(name: string): Form {
  const found = forms.find((f) => f === name);
  if (found !== undefined) return found;
  const available = forms.join(", ");
  if (plannedForms.includes(name)) {
    throw cliProblem("fwp8020", "--form", { form: name, available });
  }
  throw new UsageError(`there is no form ${name}; available: ${available}`);
}

export interface Choice {
  readonly device: Device;
  readonly form: Form;
  /** Steps per chunk of the form `chunk`; null: the compiler's choice. */
  readonly chunk: number | null;
  readonly wide: boolean;
  readonly entries: readonly EntryName[];
}

/** The oracle always computes in float64; the others in float64 when `wide`. */
export function makeProgram({ step, values }: Instantiated, choice: Choice): Program {
  const { device, entries, wide } = choice;
  const form = choice.form === "sequential" || choice.form === "chunk" ? choice.form : "staged";
  const options: PipelineOptions = {
    entries,
    form,
    ...(choice.chunk === null ? {} : { chunk: choice.chunk }),
  };
  switch (device) {
    case "typescript": {
      const compiled = compileStep(step, values, {
        ...options,
        precision: wide ? "f64" : "f32",
      });
      return loadJavaScript(compiled.javascript, compiled.manifest);
    }
    case "oracle": {
      const fixed = fixSizes(step, values);
      const programs = new Map<EntryName, SequenceProgram>(
        entries.map((entry) => [entry, entryProgram(fixed, entry, options)]),
      );
      return oracleProgram(programs, describe(fixed, device));
    }
    default:
      return unreachable(device);
  }
}
