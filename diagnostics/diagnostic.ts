/** What every room of the house says when something is wrong: one shape for people (text) and for tools (`--json`). */

export type Severity = "error" | "warning";

/** A half-open range of UTF-16 offsets in a text. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where a problem is: a file, and a range in it when the file is text that the user wrote. */
export interface Place {
  readonly file: string;
  readonly range: Range | null;
}

/** A second place that explains the first ("declared here"). */
export interface Related {
  readonly message: string;
  readonly place: Place;
}

export interface Diagnostic {
  /** Stable: `fwp` and four digits. */
  readonly code: string;
  readonly severity: Severity;
  /** One sentence in the user's own names: what was expected, what was found. */
  readonly message: string;
  readonly place: Place;
  /** The likely fix, if there is one. */
  readonly hint: string | null;
  readonly related: readonly Related[];
}

const MARK = Symbol.for("fwp.DiagnosticError");

/** Bad input found where no list of diagnostics is being kept. The command line prints it and exits with 1. */
export class DiagnosticError extends Error {
  /** A task of one's own may have it from another copy of the runtime than the command line. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && MARK in value;
  }
  readonly [MARK] = true;
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: Diagnostic | readonly Diagnostic[]) {
    const list = Array.isArray(diagnostics) ? diagnostics : [diagnostics as Diagnostic];
    super(list.map((d: Diagnostic) => `${d.code}: ${d.message}`).join("\n"));
    this.name = "DiagnosticError";
    this.diagnostics = list;
  }
}

/** A fault of the compiler itself, never of its input. The command line says so and asks for a report. */
export class InternalError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InternalError";
  }
}

/** For exhaustive switches: unreachable when the types are right. */
export function unreachable(value: never): never {
  throw new InternalError(`unexpected variant: ${JSON.stringify(value)}`);
}
