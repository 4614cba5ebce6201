/** From a file and a name on the command line to what the compiler works on. */
import type { Instantiated } from "../compiler/check/instantiate.ts";
import { instantiate } from "../compiler/check/instantiate.ts";
import { loadProject, type Project } from "../compiler/check/project.ts";
import type { Setting } from "../compiler/check/settings.ts";
import { DiagnosticError, type Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Declaration, LayerDecl, ModelDecl } from "../grammar/ast.ts";
import { cliProblem } from "./catalogue.ts";
import { diskHost, readSpec, shownPath } from "./host.ts";
import { placeSettings } from "./settings.ts";

/** Reads a spec and its imports; problems of syntax are in the project. @throws DiagnosticError for unreadable files. */
export function openProject(path: string): Project {
  return loadProject(shownPath(path), readSpec(path), diskHost);
}

/** The same for commands that need the file to be right. @throws DiagnosticError also for problems of syntax. */
export function soundProject(path: string): Project {
  const project = openProject(path);
  throwErrors(project.diagnostics);
  return project;
}

/** @throws DiagnosticError when there is an error among them. Problems of `--set` are shown as such. */
export function throwErrors(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.some((d) => d.severity === "error")) {
    throw new DiagnosticError(placeSettings(diagnostics));
  }
}

const namesOf = (declarations: readonly Declaration[]): string =>
  declarations.map((d) => d.name.text).join(", ");

/**
 * The declaration of one of the kinds that is named, or the only one there is.
 * @throws DiagnosticError fwp8001 no such, fwp8002 none at all, fwp8003 several.
 */
export function chooseDeclaration<K extends Declaration["kind"]>(
  project: Project,
  kinds: readonly K[],
  name: string | undefined,
  option: string,
): Extract<Declaration, { kind: K }> {
  const { main } = project;
  const all = [...main.own.values()].filter((d): d is Extract<Declaration, { kind: K }> =>
    (kinds as readonly string[]).includes(d.kind),
  );
  const kind = kinds.join(" or ");
  if (name !== undefined) {
    const found = all.find((d) => d.name.text === name);
    if (found !== undefined) return found;
    throw cliProblem("fwp8001", main.file, { kind, name, candidates: namesOf(all) });
  }
  if (all.length === 0) throw cliProblem("fwp8002", main.file, { kind });
  if (all.length === 1) return all[0]!;
  throw cliProblem("fwp8003", main.file, { kind, option, candidates: namesOf(all) });
}

/** The layer or model that `--of` names. */
export const chooseStep = (project: Project, name: string | undefined): LayerDecl | ModelDecl =>
  chooseDeclaration(project, ["layer", "model"], name, "--of NAME");

/** A layer or model with values for everything. @throws DiagnosticError with all its problems. */
export function instantiateStep(
  project: Project,
  name: string,
  settings: readonly Setting[],
): Instantiated {
  const found = instantiate(project, name, settings);
  throwErrors(found.diagnostics);
  if (!("step" in found)) throw new DiagnosticError(placeSettings(found.diagnostics));
  return found;
}
