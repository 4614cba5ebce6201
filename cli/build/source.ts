/** What is built: something of a spec, or the model that a run trained. */
import { dirname } from "node:path";
import type { Project } from "../../compiler/check/project.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { fixSizes } from "../../compiler/pipeline.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { specsFolder } from "../install.ts";
import { chooseDeclaration, instantiateStep, soundProject } from "../project.ts";
import { parseSettings } from "../settings.ts";
import { bundleOf, type Bundle } from "../train/bundle.ts";

export interface Built {
  readonly step: StepProgram;
  readonly doc: string | null;
  readonly bundle: Bundle;
  readonly alphabet: readonly string[] | null;
  readonly warnings: readonly Diagnostic[];
}

export const docOf = (project: Project, name: string): string | null => {
  const { own, imported } = project.main;
  return own.get(name)?.doc ?? imported.get(name)?.decl.doc ?? null;
};

/** What `--of` names in a file. */
export async function fromFile(
  file: string,
  of: string | undefined,
  set: readonly string[],
): Promise<Built> {
  const project = soundProject(file);
  const settings = parseSettings(set);
  const kinds = ["layer", "model", "experiment"] as const;
  const decl = chooseDeclaration(project, kinds, of, "--of NAME");
  const bundle = bundleOf(project, specsFolder());
  if (decl.kind === "experiment") {
    const { fromExperiment } = await import("./trained.ts");
    return fromExperiment(project, decl, settings, dirname(file), bundle);
  }
  const found = instantiateStep(project, decl.name.text, settings);
  const step = fixSizes(found.step, found.values);
  return { step, doc: decl.doc, bundle, alphabet: null, warnings: found.warnings };
}
