import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { type Diagnostic, DiagnosticError } from "../../diagnostics/diagnostic.ts";

/** A folder for one test file, removed at its end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fwp-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The diagnostics that `action` throws; fails when it throws something else or nothing. */
export async function diagnosticsFrom(action: () => unknown): Promise<readonly Diagnostic[]> {
  try {
    await action();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  return expect.fail("expected a diagnostic");
}

/** Their codes. */
export async function codesFrom(action: () => unknown): Promise<string[]> {
  return (await diagnosticsFrom(action)).map((d) => d.code);
}
