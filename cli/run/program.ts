/** A step compiled for a device, as something the runtime can run. */
import type { Instantiated } from "../../compiler/check/instantiate.ts";
import type { FormName } from "../../compiler/choose/index.ts";
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

/** `step` besides the forms of a loop: a call per step, the state handed on. */
export type Form = "auto" | FormName | "step";

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

export interface Wanted {
  readonly device: Device;
  readonly form: Form;
  /** Steps per chunk; undefined: the compiler's choice. */
  readonly chunk: number | undefined;
  /** What it is going to be run at, which is what forms are chosen for. */
  readonly sizes: { readonly batch: number; readonly time: number };
  readonly wide: boolean;
  readonly entries: readonly EntryName[];
}

/** The oracle always computes in float64; the others in float64 when `wide`. */
export function makeProgram({ step, values }: Instantiated, wanted: Wanted): Program {
  const { device, entries, wide, chunk, sizes } = wanted;
  // Estimates say nothing of the oracle, and a call per step has no use for chunks.
  const form =
    wanted.form === "step" || (wanted.form === "auto" && device === "oracle")
      ? "sequential"
      : wanted.form;
  const options: PipelineOptions = {
    entries,
    form,
    sizes,
    ...(chunk === undefined ? {} : { chunk }),
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
