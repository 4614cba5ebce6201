/** Free widths that the shapes of the given tensors determine. */
import type { Project } from "../../compiler/check/project.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { atomsOf, evaluateDim, show, type Dim, type NamedAtom } from "../../compiler/dims.ts";
import { DiagnosticError, type Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { LayerDecl, ModelDecl } from "../../grammar/ast.ts";
import { cliDiagnostic, inFile } from "../catalogue.ts";
import { numberSetting } from "../settings.ts";
import { openWidths } from "../widths.ts";

interface Shaped {
  readonly shape: readonly number[];
}

interface Found {
  readonly name: string;
  readonly value: number;
  /** The tensor that says so. */
  readonly from: string;
}

/** The one size without a value in `d` and the value with which `d` comes to `total`; null when there is no such. */
function solve(
  d: Dim,
  total: number,
  known: (atom: NamedAtom) => number | undefined,
): { readonly key: string; readonly value: number } | null {
  const open = new Set<string>();
  for (const atom of atomsOf(d)) if (known(atom) === undefined) open.add(atom.key);
  const [key, ...others] = open;
  if (key === undefined || others.length > 0) return null;
  const at = (value: number) => evaluateDim(d, (a) => (a.key === key ? value : known(a)));
  const slope = at(2) - at(1);
  const value = slope === 0 ? Number.NaN : 1 + (total - at(1)) / slope;
  return Number.isInteger(value) && value > 0 && at(value) === total ? { key, value } : null;
}

/**
 * Settings for widths and whole numbers without a value, from the axes behind batch and time of the inputs.
 * @throws DiagnosticError fwp8034 when an input is missing, fwp8030 when it has another number of axes, fwp8031 when two
 * tensors disagree: what would hide behind the missing width.
 */
export function inferSettings(
  project: Project,
  decl: LayerDecl | ModelDecl,
  settings: readonly Setting[],
  tensors: ReadonlyMap<string, Shaped>,
  path: string,
): Setting[] {
  const { session, names } = openWidths(project, decl, settings);
  if (names.size === 0) return [];
  const problems: Diagnostic[] = [];
  const place = inFile(path);
  const found = new Map<string, Found>();
  const known = (atom: NamedAtom) => session.atomValue(atom) ?? found.get(atom.key)?.value;
  for (const input of session.inputs) {
    const { name } = input;
    const sizes = input.shape.map((d) => session.resolve(d));
    const expected = `[${["batch", "time", ...sizes.map(show)].join(", ")}]`;
    const shape = tensors.get(name)?.shape;
    if (shape === undefined) {
      problems.push(cliDiagnostic("fwp8034", place, { name, expected, path }));
      continue;
    }
    if (shape.length !== sizes.length + 2) {
      const facts = { name, expected, numbers: "", found: `[${shape.join(", ")}]` };
      problems.push(cliDiagnostic("fwp8030", place, facts));
      continue;
    }
    for (const [i, size] of sizes.entries()) {
      const length = shape[i + 2]!;
      const solved = solve(size, length, known);
      const setting = solved && names.get(solved.key);
      if (solved !== null && setting !== undefined && setting !== null) {
        found.set(solved.key, { name: setting, value: solved.value, from: name });
        continue;
      }
      const earlier = [...found].find(([key]) => size.key === `1*${key}`)?.[1];
      if (earlier === undefined || earlier.value === length) continue;
      const facts = { size: show(size), first: earlier.from, one: earlier.value };
      problems.push(cliDiagnostic("fwp8031", place, { ...facts, second: name, other: length }));
    }
  }
  if (problems.length > 0) throw new DiagnosticError(problems);
  return [...found.values()].map(({ name, value }) => numberSetting(name, value));
}
