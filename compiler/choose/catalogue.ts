/** What can be wrong with a form that is asked for. Codes fwp4601 to fwp4699. */
import { diagnosticsOf, entry } from "../../diagnostics/catalogue.ts";

export const chooseCatalogue = {
  fwp4601: entry(
    "error",
    "a form that the states do not have",
    (f: { states: string; form: string; reason: string; available: string }) =>
      `${f.states} has no form \`${f.form}\`: ${f.reason}`,
    (f) => `it can be run as ${f.available}; \`auto\` chooses among these`,
    "Every state can be run step after step (`sequential`). `chunk` needs a new state that is affine in the old one, with a transition that has a form over chunks; `scan` needs a state in which every element goes its own way. `fwp explain` names the class of every recurrence and the reason why one has no other form. A form is asked for by `schedule { … }` in a layer, or by `--form`.",
  ),
  fwp4602: entry(
    "error",
    "two schedules for one loop",
    (f: { first: string; second: string }) =>
      `${f.first} and ${f.second} depend on each other and share one loop over time, which is scheduled in two ways`,
    () => "schedule one of them",
    "States that depend on each other within a step are run in one loop over time. What one of them is scheduled for goes for all.",
  ),
};

export type ChooseCode = keyof typeof chooseCatalogue & string;
export const chooseDiagnostic = diagnosticsOf(chooseCatalogue);
