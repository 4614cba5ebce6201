/** Options by name: of tasks, optimisers and schedules. A schema says what each takes; all problems are found at once. */
import {
  type Diagnostic,
  DiagnosticError,
  type Place,
  unreachable,
} from "../diagnostics/diagnostic.ts";
import { diagnostic, whole } from "./catalogue.ts";
import type { Options, OptionValue } from "./format/training.ts";
import { suggestion } from "./suggest.ts";

interface Ranged {
  readonly default: number | null;
  readonly min?: number;
  readonly max?: number;
  /** What it is, for help. */
  readonly about: string;
}
export type OptionSpec =
  | ({ readonly kind: "integer" } & Ranged)
  /** `exclusive`: the bounds themselves are out of range. */
  | ({ readonly kind: "number"; readonly exclusive?: boolean } & Ranged)
  | { readonly kind: "boolean"; readonly default: boolean; readonly about: string }
  | {
      readonly kind: "text";
      readonly default: string | null;
      readonly oneOf?: readonly string[];
      readonly about: string;
    };
export type Schema = Readonly<Record<string, OptionSpec>>;

type ValueOf<S extends OptionSpec> =
  | (S["kind"] extends "boolean" ? boolean : S["kind"] extends "text" ? string : number)
  | (null extends S["default"] ? null : never);
export type ValuesOf<S extends Schema> = { readonly [K in keyof S]: ValueOf<S[K]> };

/** Where the options were written: the whole of them, or each. */
export type PlaceOf = Place | ((name: string) => Place);

const show = (value: OptionValue): string => JSON.stringify(value);

function range(min: number | undefined, max: number | undefined, exclusive: boolean): string {
  const [least, most] = exclusive ? ["above", "below"] : ["at least", "at most"];
  const low = min === undefined ? [] : [`${least} ${min}`];
  const high = max === undefined ? [] : [`${most} ${max}`];
  return [...low, ...high].join(" and ");
}

type Verdict = null | { readonly code: "fwp6102" | "fwp6103"; readonly expected: string };

function judge(spec: OptionSpec, value: OptionValue): Verdict {
  if (value === null && spec.default === null) return null;
  switch (spec.kind) {
    case "integer":
    case "number": {
      const expected = spec.kind === "integer" ? "a whole number" : "a number";
      if (typeof value !== "number") return { code: "fwp6102", expected };
      if (spec.kind === "integer" && !Number.isSafeInteger(value)) {
        return { code: "fwp6102", expected };
      }
      const exclusive = spec.kind === "number" && spec.exclusive === true;
      const [min, max] = [spec.min ?? -Infinity, spec.max ?? Infinity];
      const inside = exclusive ? min < value && value < max : min <= value && value <= max;
      if (inside && Number.isFinite(value)) return null;
      const bounds = range(spec.min, spec.max, exclusive);
      return { code: "fwp6103", expected: bounds === "" ? "finite" : bounds };
    }
    case "boolean":
      return typeof value === "boolean" ? null : { code: "fwp6102", expected: "true or false" };
    case "text": {
      if (typeof value !== "string") return { code: "fwp6102", expected: "a text in quotes" };
      if (spec.oneOf === undefined || spec.oneOf.includes(value)) return null;
      return { code: "fwp6103", expected: `one of ${spec.oneOf.map(show).join(", ")}` };
    }
    default:
      return unreachable(spec);
  }
}

/**
 * The options with defaults filled in. `owner` names what they belong to, in diagnostics.
 * @throws DiagnosticError with every problem: fwp6101 unknown, fwp6102 wrong type, fwp6103 out of range.
 */
export function readOptions<S extends Schema>(
  schema: S,
  given: Options,
  owner: string,
  place: PlaceOf = whole(owner),
): ValuesOf<S> {
  const placeOf = typeof place === "function" ? place : () => place;
  const problems: Diagnostic[] = [];
  const values = new Map<string, OptionValue>(
    Object.entries(schema).map(([name, spec]) => [name, spec.default]),
  );
  for (const [name, value] of Object.entries(given)) {
    const spec = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (spec === undefined) {
      const facts = { name, owner, ...suggestion(name, Object.keys(schema)) };
      problems.push(diagnostic("fwp6101", placeOf(name), facts));
      continue;
    }
    const verdict = judge(spec, value);
    if (verdict === null) values.set(name, value);
    else {
      const facts = { name, owner, expected: verdict.expected, found: show(value) };
      problems.push(diagnostic(verdict.code, placeOf(name), facts));
    }
  }
  if (problems.length > 0) throw new DiagnosticError(problems);
  return Object.fromEntries(values) as ValuesOf<S>;
}
