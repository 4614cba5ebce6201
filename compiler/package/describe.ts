/** What the texts of a package say of a program: names, types and shapes. */
import type { ProgramManifest, SignalSpec, StateSpec } from "../../runtime/format/program.ts";

export interface PackageSource {
  /** The layer or model. */
  readonly name: string;
  /** Its doc comment. */
  readonly doc: string | null;
  readonly manifest: Omit<ProgramManifest, "entries">;
  /** Characters by token, of a model of text. */
  readonly alphabet: readonly string[] | null;
  /** The user's own files of the spec, the main one first. */
  readonly spec: readonly { readonly name: string; readonly text: string }[];
  /** Settings it was built with, as given. */
  readonly settings: readonly string[];
  /** In words: where the weights come from. */
  readonly weights: string;
  /** Of fwp itself. */
  readonly version: string;
}

/** Names that the generated module uses itself. */
const TAKEN = new Set([
  "Data",
  "Inputs",
  "Model",
  "Outputs",
  "Program",
  "ProgramManifest",
  "RunSizes",
  "Session",
  "State",
  "StateName",
  "States",
  "Tensor",
  "WeightSource",
  "alphabet",
  "fetchPackage",
  "fetched",
  "fileURLToPath",
  "here",
  "kernels",
  "loadPackage",
  "program",
  "readJsonFile",
  "text",
  "textCodec",
]);

/** The class of a model. */
export const classNameOf = (name: string): string => {
  const upper = name.charAt(0).toUpperCase() + name.slice(1);
  return TAKEN.has(upper) ? `${upper}Model` : upper;
};

/** `CharLM` → `char-lm`, for package.json. */
export function packageNameOf(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();
  const clean = words.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  return clean === "" ? "fwp-model" : clean;
}

export const shown = (axes: readonly (number | string)[]): string => `[${axes.join(", ")}]`;

/** Axes of an input or output in `run`. */
export const sequenceShape = (signal: SignalSpec): string =>
  shown(["batch", "time", ...signal.shape]);

/** Axes of a state. */
export const stateShape = ({ shape, growing }: StateSpec): string =>
  shown(["batch", ...(growing ? ["steps", ...shape.slice(1)] : shape)]);

/** What a signal holds, in words. */
export const contentOf = ({ vocab }: SignalSpec): string =>
  vocab === null ? "numbers" : `tokens from 0 to ${vocab - 1}`;

export const parameterCount = ({ parameters }: Pick<ProgramManifest, "parameters">): number =>
  parameters.reduce((sum, p) => sum + p.shape.reduce((n, size) => n * size, 1), 0);

/** A string in TypeScript, in the quotes that need fewer escapes. */
export function quoted(text: string): string {
  const double = JSON.stringify(text);
  const count = (quote: string): number => text.split(quote).length;
  if (count('"') <= count("'")) return double;
  return `'${double.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/** A property name in TypeScript. */
export const keyOf = (name: string): string =>
  /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(name) ? name : quoted(name);

/** `object.name`, or with brackets where the name needs them. */
export const memberOf = (object: string, name: string): string => {
  const key = keyOf(name);
  return key === name ? `${object}.${name}` : `${object}[${key}]`;
};
