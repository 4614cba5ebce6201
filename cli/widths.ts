/** What of a layer or model still needs a value: widths and whole numbers that nothing gives. */
import type { Frame } from "../compiler/check/frame.ts";
import { openStep } from "../compiler/check/instantiate.ts";
import type { Project } from "../compiler/check/project.ts";
import { Session } from "../compiler/check/session.ts";
import type { Setting } from "../compiler/check/settings.ts";
import type { LayerDecl, ModelDecl } from "../grammar/ast.ts";

export interface OpenStep {
  readonly session: Session;
  readonly frame: Frame;
  /** Sizes without a value, by the key of their atom: the name that `--set` takes. */
  readonly names: ReadonlyMap<string, string>;
}

/** Expands a declaration as far as it goes without the values that are missing. Its problems are not reported here. */
export function openWidths(
  project: Project,
  decl: LayerDecl | ModelDecl,
  settings: readonly Setting[],
): OpenStep {
  const session = new Session(decl.name.text);
  const callee = {
    kind: "callable",
    decl,
    module: project.main,
    bound: new Map(),
    through: null,
  } as const;
  const frame = openStep(session, callee, settings, true, project.main);
  const given = new Set(settings.filter((s) => s.path.length === 1).map((s) => s.path[0]));
  const fixed = new Set(decl.parameters.filter((p) => p.default !== null).map((p) => p.name.text));
  const names = new Map<string, string>();
  for (const [name, size] of frame.sizes) {
    // The length of what grows is that of the run.
    if (name === frame.growthName) continue;
    const [term] = size.terms;
    const atom = size.terms.length === 1 && term?.atoms.length === 1 ? term.atoms[0] : undefined;
    if (atom?.kind !== "named" || given.has(name) || fixed.has(name)) continue;
    // One with a meaning follows from the others, or from the run: the length of a growing state.
    if (session.isDefined(size)) continue;
    if (session.atomValue(atom) === undefined) names.set(atom.key, name);
  }
  return { session, frame, names };
}
