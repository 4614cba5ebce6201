/** `--set NAME=VALUE`, again and again. */
import { parseExpression, splitSetting, type Setting } from "../compiler/check/settings.ts";
import { DiagnosticError, type Diagnostic, type Place } from "../diagnostics/diagnostic.ts";
import type { Expr } from "../grammar/ast.ts";
import type { Command } from "commander";
import { cliDiagnostic, inFile } from "./catalogue.ts";
import { rememberSource } from "./output.ts";

/**
 * Settings are evaluated as if they stood in the spec. Their spans are moved up here, past the end of any file, so that
 * a problem in one can be told from a problem in the spec and be shown on the command line's own text.
 */
const BEYOND = 2 ** 40;
/** Where values of settings are read from, one per line. */
const SOURCE = "--set";
/** `parseExpression` reads the expression behind this many characters of its own. */
const LEAD = "map value() { ".length;

const lines: string[] = [];

function moved<T>(node: T, by: number): T {
  if (typeof node !== "object" || node === null) return node;
  if (Array.isArray(node)) return node.map((n: unknown) => moved(n, by)) as T;
  const entries = Object.entries(node).map(([key, value]) => {
    if (key !== "span") return [key, moved(value as unknown, by)];
    const { start, end } = value as { start: number; end: number };
    return [key, { start: start + by, end: end + by }];
  });
  return Object.fromEntries(entries) as T;
}

function parseOne(text: string, problems: Diagnostic[]): Setting | null {
  const split = splitSetting(text);
  if (split === null) {
    problems.push(cliDiagnostic("fwp8010", inFile(SOURCE), { text }));
    return null;
  }
  const line = `${split.path.join(".")}=${split.value}`;
  const before = lines.reduce((sum, l) => sum + l.length + 1, 0);
  lines.push(line);
  rememberSource(SOURCE, lines.join("\n"));
  const at = before + line.length - split.value.length;
  const { value, diagnostics } = parseExpression(split.value, SOURCE);
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (value === null || errors.length > 0) {
    const place: Place = {
      file: SOURCE,
      range: { start: at, end: at + Math.max(1, split.value.length) },
    };
    const [first] = errors;
    if (first === undefined) problems.push(cliDiagnostic("fwp8010", place, { text }));
    else {
      // The brace is the one that `parseExpression` puts behind the expression.
      const message = split.value.includes("}")
        ? first.message
        : first.message.replace("found `}`", "found the end");
      problems.push({ ...first, message, place });
    }
    return null;
  }
  return { path: split.path, value: moved<Expr>(value, BEYOND + at - LEAD) };
}

/** @throws DiagnosticError fwp8010 and those of syntax. */
export function parseSettings(texts: readonly string[]): Setting[] {
  const problems: Diagnostic[] = [];
  const settings = texts.map((text) => parseOne(text, problems));
  if (problems.length > 0) throw new DiagnosticError(problems);
  return settings.filter((s) => s !== null);
}

/** A setting made by a command, not by the user. */
export function numberSetting(name: string, value: number): Setting {
  const { value: expr } = parseExpression(String(value), SOURCE);
  return { path: [name], value: expr! };
}

const inSettings = (place: Place): Place => {
  const { range } = place;
  if (range === null || range.start < BEYOND) return place;
  return { file: SOURCE, range: { start: range.start - BEYOND, end: range.end - BEYOND } };
};

/** Diagnostics of what was evaluated with settings, those inside a setting's value placed there. */
export const placeSettings = (diagnostics: readonly Diagnostic[]): Diagnostic[] =>
  diagnostics.map((d) => ({
    ...d,
    place: inSettings(d.place),
    related: d.related.map((r) => ({ ...r, place: inSettings(r.place) })),
  }));

/** The option itself: commander collects its values. */
export function addSetOption(command: Command, what = "a parameter or free width"): Command {
  return command.option(
    "--set <name=value>",
    `${what}, e.g. --set heads=2 --set phi='dpfp(nu: 2)' (repeatable)`,
    (value: string, all: string[]) => [...all, value],
    [] as string[],
  );
}
