/**
 * Every layer and model of specs/ at awkward sizes: found by parsing, so that a new spec cannot be forgotten.
 *
 * Whole-number parameters and free widths get small numbers that differ from one another; a spec that cannot be so small
 * (an address needs its bits) gets larger ones. Parameters that are maps or instructions keep their defaults, and each of
 * the others in sight makes one more case where it fits.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { loadProject, type Project } from "../../compiler/check/project.ts";
import { parseExpression, type Setting } from "../../compiler/check/settings.ts";
import { concretize, type StepProgram } from "../../compiler/graph/index.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { Declaration, Parameter } from "../../grammar/ast.ts";
import { diskHost, specs } from "../support/specs.ts";

export interface SpecCase {
  /** `recurrent.fwp RDN heads=3 key=2 value=4 width=3` */
  readonly label: string;
  readonly file: string;
  readonly name: string;
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Its maps and instructions are the defaults. Others may be ill-posed in it and overflow. */
  readonly usual: boolean;
  /** All sizes are numbers. */
  readonly step: StepProgram;
}

type Assignments = readonly (readonly [string, string])[];

/** Sizes handed out in turn. */
const RAMPS = [[1], [3, 2, 4], [7, 5, 3]] as const;
/** Added to every size when a spec refuses the smaller ones. */
const LIFTS = [0, 4, 24];

export function specFiles(): string[] {
  return readdirSync(specs, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".fwp"))
    .map((file) => join(specs, file))
    .sort();
}

export function loadSpec(file: string): Project {
  return loadProject(file, readFileSync(file, "utf8"), diskHost);
}

export const asSetting = ([name, value]: readonly [string, string]): Setting => {
  const { value: expr } = parseExpression(value, name);
  if (expr === null) throw new Error(`${name}=${value}`);
  return { path: name.split("."), value: expr };
};

/** Free widths that a diagnostic asks for: `give one: --set width=…`. */
function wanted(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.flatMap((d) =>
    d.code === "fwp2306"
      ? [...(d.hint ?? "").matchAll(/--set ([^=\s]+)=/gu)].map((m) => m[1]!)
      : [],
  );
}

/** Is the default a whole number that may be made smaller? */
const isCount = ({ type, default: value }: Parameter): boolean =>
  value === null
    ? type === null || (type.kind === "kind-name" && type.text === "int")
    : value.kind === "number" && /^\d+$/u.test(value.text);

interface Made {
  readonly settings: Assignments;
  readonly step: StepProgram;
}

/** The declaration with counts and widths from a ramp; null if no lift makes them fit. */
function make(
  project: Project,
  decl: Declaration,
  ramp: readonly number[],
  fixed: Assignments,
): Made | null {
  if (decl.kind !== "layer" && decl.kind !== "model") return null;
  for (const lift of LIFTS) {
    let next = 0;
    const number = () => String(ramp[next++ % ramp.length]! + lift);
    const given = new Set(fixed.map(([name]) => name));
    const counts = decl.parameters.filter((p) => isCount(p) && !given.has(p.name.text));
    const settings: (readonly [string, string])[] = [
      ...fixed,
      ...counts.map((p) => [p.name.text, number()] as const),
    ];
    for (;;) {
      const found = instantiate(project, decl.name.text, settings.map(asSetting));
      if ("step" in found) {
        return { settings, step: concretize(found.step, found.values) };
      }
      const names = wanted(found.diagnostics).filter((n) => !settings.some(([m]) => m === n));
      if (names.length === 0) break;
      for (const name of names) settings.push([name, number()]);
    }
  }
  return null;
}

/** Other maps or instructions that can be seen from the file, for each parameter that is one. */
function alternatives(project: Project, decl: Declaration): Assignments {
  if (decl.kind !== "layer" && decl.kind !== "model") return [];
  const seen = [
    ...project.main.own.values(),
    ...[...project.main.imported.values()].map((i) => i.decl),
  ];
  return decl.parameters.flatMap((p) => {
    const kind = p.type?.kind === "kind-name" ? p.type.text : "";
    const usual = p.default?.kind === "call" ? p.default.callee : p.default;
    return seen
      .filter((d) => d.kind === kind && (kind === "map" || kind === "instruction"))
      .filter((d) => usual?.kind !== "reference" || usual.name !== d.name.text)
      .map((d) => [p.name.text, d.name.text] as const);
  });
}

function label(file: string, name: string, settings: Assignments): string {
  return [relative(specs, file), name, ...settings.map(([k, v]) => `${k}=${v}`)].join(" ");
}

/** @throws Error naming a declaration for which no sizes could be found. */
export function specCases(): SpecCase[] {
  return specFiles().flatMap((file) => {
    const project = loadSpec(file);
    return [...project.main.own.values()].flatMap((decl): SpecCase[] => {
      if (decl.kind !== "layer" && decl.kind !== "model") return [];
      const name = decl.name.text;
      const of = ({ settings, step }: Made, usual: boolean): SpecCase => ({
        label: label(file, name, settings),
        file,
        name,
        settings,
        usual,
        step,
      });
      const usual = RAMPS.map((ramp) => {
        const made = make(project, decl, ramp, []);
        if (made === null) throw new Error(`no sizes found for ${label(file, name, [])}`);
        return of(made, true);
      });
      const other = alternatives(project, decl).flatMap((pair) => {
        const made = make(project, decl, RAMPS[1], [pair]);
        return made === null ? [] : [of(made, false)];
      });
      return [...usual, ...other];
    });
  });
}
