import * as fc from "fast-check";
import { expect, test } from "vitest";
import { equalIgnoringSpans } from "../../grammar/equal.ts";
import { parse } from "../../grammar/parser.ts";
import { format, print } from "../../grammar/print.ts";
import { arbitraryFile } from "./arbitrary.ts";

test("reading what was printed gives the same tree, and formatting it changes nothing", () => {
  fc.assert(
    fc.property(arbitraryFile, (file) => {
      const text = print(file);
      const { ast, diagnostics } = parse(text, "random.fwp");
      expect(diagnostics, text).toEqual([]);
      if (!equalIgnoringSpans(ast, file))
        expect(withoutSpans(ast), text).toEqual(withoutSpans(file));
      const once = format(text, "random.fwp").text;
      expect(format(once, "random.fwp").text).toBe(once);
    }),
    { numRuns: 4000, seed: 20260101 },
  );
});

const withoutSpans = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "span" ? undefined : inner)));
