/** Lints: what a step can do to its states that makes models fail, by ranges and the normal form; never by name. */
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { StepProgram } from "../graph/ir.ts";
import { lintDiagnostic } from "./catalogue.ts";
import { lintDivisions } from "./divisions.ts";
import { Ranges, stateRanges } from "./ranges.ts";
import { formOf, labelOf, lintTransition, onlyGrows, placeOf } from "./transitions.ts";

export { applyAllowances, type Commented } from "./allow.ts";
export { lintCatalogue } from "./catalogue.ts";

/** The warnings of one step with numbers for its sizes. */
export function lintStep(step: StepProgram): Diagnostic[] {
  const given = stateRanges(step);
  const found = lintDivisions(new Ranges(step.body, given));
  for (const state of step.states) {
    const form = state.growing ? null : formOf(step, state);
    if (form !== null) found.push(...lintTransition(state, form, given));
  }
  return found;
}

/** The warnings of an experiment that hands states on from segment to segment. */
export function lintCarried(step: StepProgram, experiment: string): Diagnostic[] {
  const given = stateRanges(step);
  return step.states.flatMap((state) => {
    const place = placeOf(state);
    const form = state.growing || place === null ? null : formOf(step, state);
    if (form === null || !onlyGrows(form, given.get(state.node)!)) return [];
    return [lintDiagnostic("fwp4505", place!, { state: labelOf(state), experiment })];
  });
}
