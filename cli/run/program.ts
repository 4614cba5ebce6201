/** A step compiled for a device, as something the runtime can run. */
import type { Instantiated } from "../../compiler/check/instantiate.ts";
import type { FormName } from "../../compiler/choose/index.ts";
import type { EntryName, PipelineOptions } from "../../compiler/pipeline.ts";
import type { Program } from "../../runtime/device/program.ts";
import { loadStep, type DeviceChoice } from "../devices.ts";

/** `step` besides the forms of a loop: a call per step, the state handed on. */
export type Form = "auto" | FormName | "step";

export interface Wanted {
  readonly device: DeviceChoice;
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
  // A call per step has no use for chunks.
  const form = wanted.form === "step" ? "sequential" : wanted.form;
  const options: PipelineOptions = {
    entries,
    form,
    sizes,
    ...(chunk === undefined ? {} : { chunk }),
  };
  return loadStep(step, values, device, { ...options, precision: wide ? "f64" : "f32" });
}
