/** Small, awkward sizes for a layer or model: different from one another, or all one. */
import { instantiate } from "../../compiler/check/instantiate.ts";
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { concretize } from "../../compiler/graph/concretize.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { LayerDecl, ModelDecl, Parameter } from "../../grammar/ast.ts";
import { random4 } from "../../runtime/format/random.ts";
import { numberSetting } from "../settings.ts";
import { openWidths } from "../widths.ts";

/** Sizes handed out in turn: one ramp per round, from a place that the seed says. */
const RAMPS = [[3, 2, 4], [1], [7, 5, 3]] as const;
/** Added to every size when a spec refuses the smaller ones: an address needs its bits. */
const LIFTS = [0, 4, 24] as const;

export interface Sized {
  /** What was chosen here, in the order of the declaration; what the user set is not among it. */
  readonly sizes: readonly (readonly [name: string, value: number])[];
  /** All sizes are numbers. */
  readonly step: StepProgram;
}

/** Is it a whole number that may be made smaller? */
const isCount = ({ type, default: value }: Parameter): boolean =>
  value === null
    ? type === null || (type.kind === "kind-name" && type.text === "int")
    : value.kind === "number" && /^\d+$/u.test(value.text);

function attempt(
  project: Project,
  decl: LayerDecl | ModelDecl,
  settings: readonly Setting[],
  counts: readonly string[],
  next: () => number,
): Sized | readonly Diagnostic[] {
  const sizes = counts.map((name) => [name, next()] as const);
  const all = () => [...settings, ...sizes.map(([name, value]) => numberSetting(name, value))];
  // One width at a time: it may settle the others.
  for (;;) {
    const open = [...openWidths(project, decl, all()).names.values()].find(
      (name) => !sizes.some(([known]) => known === name),
    );
    if (open === undefined) break;
    sizes.push([open, next()]);
  }
  const found = instantiate(project, decl.name.text, all());
  if (!("step" in found)) return found.diagnostics;
  return { sizes, step: concretize(found.step, found.values) };
}

/**
 * The declaration with numbers for its counts and free widths: small ones, larger ones where those are refused, its own
 * defaults where these are. `settings` are kept. @returns the problems of the last attempt if nothing fits.
 */
export function chooseSizes(
  project: Project,
  decl: LayerDecl | ModelDecl,
  settings: readonly Setting[],
  seed: number,
  round: number,
): Sized | readonly Diagnostic[] {
  const given = new Set(settings.map((s) => s.path.join(".")));
  const counts = decl.parameters
    .filter((p) => isCount(p) && !given.has(p.name.text))
    .map((p) => p.name.text);
  const needed = new Set(decl.parameters.filter((p) => p.default === null).map((p) => p.name.text));
  const ramp = RAMPS[round % RAMPS.length]!;
  const [start] = random4(seed, round, 0);
  let found: Sized | readonly Diagnostic[] = [];
  const own = counts.filter((name) => needed.has(name));
  for (const names of [counts, own]) {
    for (const lift of LIFTS) {
      let at = start % ramp.length;
      found = attempt(project, decl, settings, names, () => ramp[at++ % ramp.length]! + lift);
      if ("step" in found) return found;
    }
  }
  return found;
}
