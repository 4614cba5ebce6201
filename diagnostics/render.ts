/** Diagnostics as a person reads them: the message, the source line with a caret, the hint. */
import type { Diagnostic, Place } from "./diagnostic.ts";

/** Gives a file's text, or undefined when it cannot be shown. */
export type Sources = (file: string) => string | undefined;

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

export function positionAt(text: string, offset: number): Position {
  const upTo = text.slice(0, Math.max(0, offset));
  const line = upTo.split("\n").length;
  return { line, column: upTo.length - (upTo.lastIndexOf("\n") + 1) + 1 };
}

const LONGEST_LINE = 160;

/** The source line of a place with a caret under it, and where it is. */
export function frame(place: Place, sources: Sources): string[] {
  const text = sources(place.file);
  if (place.range === null || text === undefined) return [`  --> ${place.file}`];
  const { line, column } = positionAt(text, place.range.start);
  const lines = text.split("\n");
  const source = (lines[line - 1] ?? "").replace(/\r$/, "");
  const gutter = String(line);
  const blank = " ".repeat(gutter.length);
  const width = Math.max(
    1,
    Math.min(place.range.end - place.range.start, source.length - column + 1),
  );
  const from = column - 1 > LONGEST_LINE ? column - 1 - LONGEST_LINE / 2 : 0;
  const shown = source.slice(from, from + LONGEST_LINE);
  const lead = source.slice(from, column - 1).replace(/[^\t]/g, " ");
  return [
    `  --> ${place.file}:${line}:${column}`,
    ` ${blank} |`,
    ` ${gutter} | ${shown}`,
    ` ${blank} | ${lead}${"^".repeat(Math.min(width, LONGEST_LINE))}`,
  ];
}

/** One diagnostic over several lines, without a final newline. */
export function renderDiagnostic(diagnostic: Diagnostic, sources: Sources): string {
  const lines = [`${diagnostic.severity}[${diagnostic.code}]: ${diagnostic.message}`];
  lines.push(...frame(diagnostic.place, sources));
  for (const related of diagnostic.related) {
    lines.push(` note: ${related.message}`, ...frame(related.place, sources));
  }
  if (diagnostic.hint !== null) lines.push(` hint: ${diagnostic.hint}`);
  return lines.join("\n");
}

export interface JsonDiagnostic {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly hint: string | null;
  readonly file: string;
  readonly start: Position | null;
  readonly end: Position | null;
  readonly related: readonly { message: string; file: string; start: Position | null }[];
}

/** The same for tools: lines and columns from 1. */
export function diagnosticToJson(diagnostic: Diagnostic, sources: Sources): JsonDiagnostic {
  const at = (place: Place, end: boolean): Position | null => {
    const text = sources(place.file);
    if (place.range === null || text === undefined) return null;
    return positionAt(text, end ? place.range.end : place.range.start);
  };
  return {
    code: diagnostic.code,
    severity: diagnostic.severity,
    message: diagnostic.message,
    hint: diagnostic.hint,
    file: diagnostic.place.file,
    start: at(diagnostic.place, false),
    end: at(diagnostic.place, true),
    related: diagnostic.related.map((r) => ({
      message: r.message,
      file: r.place.file,
      start: at(r.place, false),
    })),
  };
}
