/** Free widths that the shapes of the given tensors determine. */
import { openStep } from "../../compiler/check/instantiate.ts";
import type { Project } from "../../compiler/check/project.ts";
import { Session } from "../../compiler/check/session.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { atomsOf, evaluateDim, show, type Dim, type NamedAtom } from "../../compiler/dims.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import type { LayerDecl, ModelDecl } from "../../grammar/ast.ts";
import { cliDiagnostic, inFile } from "../catalogue.ts";
import { numberSetting } from "../settings.ts";

export interface Shaped {
  readonly shape: readonly number[];
}

/** The one size without a value in `d` and the value with which `d` comes to `total`; null when there is no such. */
function solve(
  d: Dim,
  total: number,
  known: (atom: NamedAtom) => number | undefined,
): { atom: NamedAtom; value: number } | null {
  const open = new Map<string, NamedAtom>();
  for (const atom of atomsOf(d)) if (known(atom) === undefined) open.set(atom.key, atom);
  const [atom, ...others] = open.values();
  if (atom === undefined || others.length > 0) return null;
  const at = (value: number) => evaluateDim(d, (a) => (a.key === atom.key ? value : known(a)));
  const slope = at(2) - at(1);
  const value = slope === 0 ? Number.NaN : 1 + (total - at(1)) / slope;
  return Number.isInteger(value) && value > 0 && at(value) === total ? { atom, value } : null;
}

/**
 * Settings for widths and whole numbers without a value, from the axes behind batch and time of the inputs.
 * @throws DiagnosticError fwp8031 when two tensors disagree.
 */
export function inferSettings(
  project: Project,
  decl: LayerDecl | ModelDecl,
  settings: readonly Setting[],
  tensors: ReadonlyMap<string, Shaped>,
  path: string,
): Setting[] {
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
  const names = new Map([...frame.sizes].map(([name, size]) => [size.key, name]));
  const found = new Map<string, { name: string; value: number; from: string }>();
  const known = (atom: NamedAtom) => session.atomValue(atom) ?? found.get(atom.key)?.value;
  for (const input of session.inputs) {
    const shape = tensors.get(input.name)?.shape;
    if (shape === undefined || shape.length !== input.shape.length + 2) continue;
    for (const [i, d] of input.shape.entries()) {
      const size = session.resolve(d);
      const solved = solve(size, shape[i + 2]!, known);
      if (solved === null) {
        disagreement(size, input.name, shape[i + 2]!, found, path);
        continue;
      }
      const name = names.get(`1*${solved.atom.key}`);
      if (name === undefined || given.has(name) || fixed.has(name)) continue;
      found.set(solved.atom.key, { name, value: solved.value, from: input.name });
    }
  }
  return [...found.values()].map(({ name, value }) => numberSetting(name, value));
}

/** A width that an earlier tensor gave another value. */
function disagreement(
  size: Dim,
  second: string,
  other: number,
  found: ReadonlyMap<string, { name: string; value: number; from: string }>,
  path: string,
): void {
  const earlier = [...found].find(([key]) => size.key === `1*${key}`)?.[1];
  if (earlier === undefined || earlier.value === other) return;
  const facts = { size: show(size), first: earlier.from, one: earlier.value, second, other };
  throw new DiagnosticError(cliDiagnostic("fwp8031", inFile(path), facts));
}
