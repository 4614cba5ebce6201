/** Diagnostics, tables and JSON as commands print them. */
import { readFileSync, statSync } from "node:fs";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { diagnosticToJson, renderDiagnostic, type Sources } from "../diagnostics/render.ts";
import type { Context } from "./context.ts";

const remembered = new Map<string, string | undefined>();
const SHOWN_FILE_BYTES = 16 * 2 ** 20;

/** Makes a text that is no file (standard input, `--set`) known under a name, for source frames. */
export function rememberSource(name: string, text: string): void {
  remembered.set(name, text);
}

/** The text of a file that a diagnostic points into. */
export const sources: Sources = (file) => {
  const known = remembered.get(file);
  if (known !== undefined) return known;
  try {
    const { size } = statSync(file);
    // The compiler counts from after a byte order mark.
    return size > SHOWN_FILE_BYTES ? undefined : readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch {
    return undefined;
  }
};

const frameSources: Record<"text" | "none", Sources> = { text: sources, none: () => undefined };

/** Source lines are read only where there is something to point at: never from tensors. */
const sourcesFor = (d: Diagnostic): Sources =>
  d.place.range !== null || d.related.some((r) => r.place.range !== null)
    ? frameSources.text
    : frameSources.none;

export function renderDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((d) => `${renderDiagnostic(d, sourcesFor(d))}\n`).join("\n");
}

export const diagnosticsJson = (diagnostics: readonly Diagnostic[]) =>
  diagnostics.map((d) => diagnosticToJson(d, sourcesFor(d)));

/** To standard error for people, to standard output as `{ "diagnostics": […] }` for tools. */
export function printDiagnostics(
  context: Context,
  diagnostics: readonly Diagnostic[],
  json: boolean,
): void {
  if (json) printJson(context, { diagnostics: diagnosticsJson(diagnostics) });
  else context.err(renderDiagnostics(diagnostics));
}

export function printJson(context: Context, value: unknown): void {
  context.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** Rows with their columns aligned, `indent` in front. Columns in `right` are numbers. */
export function table(
  rows: readonly (readonly string[])[],
  options: { readonly indent?: string; readonly right?: readonly number[] } = {},
): string {
  const { indent = "", right = [] } = options;
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
      );
      return `${indent}${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}

export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${n} ${n === 1 ? one : many}`;
