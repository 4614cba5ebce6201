/** A step compiled for a device, as something the runtime can run. */
import type { Instantiated } from "../../compiler/check/instantiate.ts";
import type { EntryName, PipelineOptions } from "../../compiler/pipeline.ts";
import type { Program } from "../../runtime/device/program.ts";
import { cliProblem } from "../catalogue.ts";
import { loadStep, type DeviceChoice } from "../devices.ts";
import { UsageError } from "../exit.ts";

/**
 * How time is run. `auto`: all that can be at once outside the loops over time. `sequential`: one loop over time, as the
 * spec reads. `step`: a call per step, the state handed on. `chunk`: loops over chunks of time for the recurrences that have
 * such a form, the others as `auto`.
 */
export const forms = ["auto", "sequential", "step", "chunk"] as const;
export type Form = (typeof forms)[number];
const plannedForms = ["scan", "parallel"];

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
  readonly device: DeviceChoice;
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
  return loadStep(step, values, device, { ...options, precision: wide ? "f64" : "f32" });
}
