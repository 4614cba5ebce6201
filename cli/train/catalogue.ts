/** Problems of `train`, `eval`, `sample` and `build` with what they are given. Codes fwp8201 to fwp8299. */
import { diagnosticsOf, entry, type FactsOf } from "../../diagnostics/catalogue.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";

export const trainCatalogue = {
  fwp8201: entry(
    "error",
    "A checkpoint without its spec",
    (f: { path: string; reason: string }) =>
      `the checkpoint in \`${f.path}\` does not say what it was compiled from: ${f.reason}`,
    () => "it was not written by `fwp train`; train again",
    "Evaluating, sampling and building compile the spec that the checkpoint keeps.",
  ),
  fwp8202: entry(
    "error",
    "A model that does not write text",
    (f: { path: string }) => `the checkpoint in \`${f.path}\` was not trained on text`,
    () => "sampling needs an experiment whose task is `text`",
    "Characters are written with the alphabet that the checkpoint keeps; there is none.",
  ),
  fwp8203: entry(
    "error",
    "A folder in the way",
    (f: { path: string }) => `\`${f.path}\` is there and is not a package that fwp built`,
    () => "name another folder; nothing in this one was changed",
    "A package replaces an older package of itself, and never anything else.",
  ),
};

const diagnostic = diagnosticsOf(trainCatalogue);

/** The exception for one problem with a file or folder. */
export function trainProblem<K extends keyof typeof trainCatalogue>(
  code: K,
  file: string,
  facts: FactsOf<(typeof trainCatalogue)[K]>,
): DiagnosticError {
  return new DiagnosticError(diagnostic(code, { file, range: null }, facts));
}
