/** The files of specs/: no problem in any, formatted, every declaration explained, no layer longer than a page. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { describe, expect, test } from "vitest";
import { environment } from "../../cli/environment.ts";
import { checkProject } from "../../compiler/check/check.ts";
import { format } from "../../grammar/print.ts";
import { parse } from "../../grammar/parser.ts";
import { specs } from "../support/specs.ts";
import { loadSpec, specFiles } from "./cases.ts";

describe.each(specFiles().map((file) => [relative(specs, file), file] as const))(
  "%s",
  (_, file) => {
    const text = readFileSync(file, "utf8");

    test("has no problem", () => {
      expect(checkProject(loadSpec(file), environment(specs))).toEqual([]);
    });

    test("is formatted", () => {
      expect(format(text, file).text).toBe(text);
    });

    test("says what each declaration is, in at most 30 lines of program", () => {
      for (const { kind, name, doc, span } of parse(text, file).ast.declarations) {
        expect(doc, `${kind} ${name.text}`).not.toBeNull();
        expect(text.slice(span.start, span.end).split("\n").length).toBeLessThanOrEqual(31);
      }
    });
  },
);
