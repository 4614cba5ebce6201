import { expect, test } from "vitest";
import { syntaxCatalogue } from "../grammar/catalogue.ts";
import { parse } from "../grammar/parser.ts";
import { codesIn, testFixtures } from "./fixtures.ts";

testFixtures("syntax", (text, file) => parse(text, file).diagnostics);

test("the syntax fixtures cover every syntax diagnostic", () => {
  expect([...codesIn("syntax")].sort()).toEqual(Object.keys(syntaxCatalogue).sort());
});
