/**
 * Wrong specs and what is said about them, one program a file:
 *
 *     // expect error fwp1003 at ")"
 *     // expect warning fwp2107 at line 9 "foo"
 *
 * `at "text"` is exactly what the diagnostic underlines, with `\n`, `\"` and `\\` escaped; `at line N` adds the line. A problem
 * without a place in the text has no `at`. The set must match exactly.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { positionAt } from "../diagnostics/render.ts";

/** Takes a whole text to its diagnostics. */
export type Check = (text: string, file: string) => readonly Diagnostic[];

const header =
  /^\/\/ expect (error|warning) (fwp\d{4})(?: at (?:line (\d+) )?("(?:[^"\\]|\\.)*"))?$/u;
const root = fileURLToPath(new URL("fixtures", import.meta.url));

/** The fixture files of one folder below test/fixtures, by path from there. */
export function fixturesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".fwp"))
    .map((file) => join(folder, file))
    .sort();
}

/** Makes one test of each fixture in a folder. With UPDATE=1 the headers are written anew instead. */
export function testFixtures(folder: string, check: Check): void {
  for (const file of fixturesIn(folder)) {
    test(file, () => {
      const path = join(root, file);
      const text = readFileSync(path, "utf8");
      const found = check(text, relative(root, path));
      if (process.env.UPDATE === "1") writeFileSync(path, update(text, check, file));
      else expect(found.map((d) => describe(d, text, false)).sort()).toEqual(expected(text, found));
    });
  }
}

/** The codes that the fixtures of a folder expect. */
export function codesIn(folder: string): Set<string> {
  const codes = fixturesIn(folder).flatMap((file) =>
    headerOf(readFileSync(join(root, file), "utf8")).map((line) => header.exec(line)?.[2] ?? ""),
  );
  return new Set(codes);
}

function headerOf(text: string): string[] {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("// expect "));
  return lines.slice(0, end);
}

/** The expectations, each without its line where that is left open and otherwise checked against what was found. */
function expected(text: string, found: readonly Diagnostic[]): string[] {
  const exact = new Set(found.map((d) => describe(d, text, true)));
  return headerOf(text)
    .map((line) => {
      expect(line).toMatch(header);
      const atLine = /at line \d+/u.test(line);
      return atLine && exact.has(line) ? line.replace(/ at line \d+ /u, " at ") : line;
    })
    .sort();
}

function describe({ severity, code, place }: Diagnostic, text: string, withLine: boolean): string {
  const head = `// expect ${severity} ${code}`;
  if (place.range === null) return head;
  const { start, end } = place.range;
  const line = withLine ? `line ${positionAt(text, start).line} ` : "";
  return `${head} at ${line}${JSON.stringify(text.slice(start, end))}`;
}

/** The file with the header that its diagnostics call for; a line is named only where the text alone is not enough. */
function update(text: string, check: Check, file: string): string {
  const body = text.split("\n").slice(headerOf(text).length).join("\n");
  const count = check(body, file).length;
  const whole = `${"// expect error fwp0000\n".repeat(count)}${body}`;
  const lines = check(whole, file).map((d) => {
    const shown = d.place.range === null ? "" : whole.slice(d.place.range.start, d.place.range.end);
    const unique = shown !== "" && body.split(shown).length === 2;
    return `${describe(d, whole, !unique)}\n`;
  });
  return lines.join("") + body;
}
