/** Numbers for the counts and free widths of a layer or model. */
import { instantiate } from "../../compiler/check/instantiate.ts";
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { concretize } from "../../compiler/graph/concretize.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { LayerDecl, ModelDecl, Parameter } from "../../grammar/ast.ts";
import { numberSetting } from "../settings.ts";
import { openWidths } from "../widths.ts";

/** Added to the first size, else to all, when a spec refuses the smaller ones: an address needs its bits. */
const LIFTS = [4, 24, 60] as const;
const ATTEMPTS = [
  { lift: 0, all: false },
  ...LIFTS.map((lift) => ({ lift, all: false })),
  ...LIFTS.map((lift) => ({ lift, all: true })),
];

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
  sizeOf: (index: number) => number,
): Sized | readonly Diagnostic[] {
  const sizes = counts.map((name, i) => [name, sizeOf(i)] as const);
  const all = () => [...settings, ...sizes.map(([name, value]) => numberSetting(name, value))];
  // One width at a time: it may settle the others.
  for (;;) {
    const open = [...openWidths(project, decl, all()).names.values()].find(
      (name) => !sizes.some(([known]) => known === name),
    );
    if (open === undefined) break;
    sizes.push([open, sizeOf(sizes.length)]);
  }
  const found = instantiate(project, decl.name.text, all());
  if (!("step" in found)) return found.diagnostics;
  return { sizes, step: concretize(found.step, found.values) };
}

/**
 * The declaration with numbers for its counts and free widths, in order: those of `sizeOf`, larger ones where these are
 * refused, its own defaults where these are. `settings` are kept. @returns the problems of the last attempt if nothing fits.
 */
export function chooseSizes(
  project: Project,
  decl: LayerDecl | ModelDecl,
  settings: readonly Setting[],
  sizeOf: (index: number) => number,
): Sized | readonly Diagnostic[] {
  const given = new Set(settings.map((s) => s.path.join(".")));
  const counts = decl.parameters
    .filter((p) => isCount(p) && !given.has(p.name.text))
    .map((p) => p.name.text);
  const needed = new Set(decl.parameters.filter((p) => p.default === null).map((p) => p.name.text));
  let found: Sized | readonly Diagnostic[] = [];
  const own = counts.filter((name) => needed.has(name));
  for (const names of [counts, own]) {
    for (const { lift, all } of ATTEMPTS) {
      const lifted = (i: number) => sizeOf(i) + (all || i === 0 ? lift : 0);
      found = attempt(project, decl, settings, names, lifted);
      if ("step" in found) return found;
    }
  }
  return found;
}
