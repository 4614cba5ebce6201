/** A task of one's own may throw what another copy of the runtime made: the command line has it in a file of its own. */
import { expect, test } from "vitest";
import { DiagnosticError, type Diagnostic } from "../../diagnostics/diagnostic.ts";

test("a diagnostic is one whichever copy of the runtime it comes from", async () => {
  const path = "../../diagnostics/diagnostic.ts?again";
  const again = (await import(path)) as { DiagnosticError: typeof DiagnosticError };
  expect(again.DiagnosticError).not.toBe(DiagnosticError);
  const problem: Diagnostic = {
    code: "fwp0000",
    severity: "error",
    message: "so",
    place: { file: "a", range: null },
    hint: null,
    related: [],
  };
  const error: unknown = new again.DiagnosticError(problem);
  expect(error instanceof DiagnosticError && error.diagnostics).toEqual([problem]);
  for (const other of [new Error("so"), "so", null, undefined, { diagnostics: [problem] }]) {
    expect(other instanceof DiagnosticError).toBe(false);
  }
});
