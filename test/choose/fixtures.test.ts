/** Schedules that cannot be kept, and some that can. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { lintProject } from "../../cli/lint.ts";
import { checkProject } from "../../compiler/check/check.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { chooseCatalogue } from "../../compiler/choose/catalogue.ts";
import { codesIn, testFixtures } from "../fixtures.ts";
import { diskHost } from "../support/specs.ts";

const root = fileURLToPath(new URL("../fixtures", import.meta.url));

testFixtures("choose", (text, file) => {
  const project = loadProject(join(root, file), text, diskHost);
  return [...checkProject(project), ...lintProject(project, null)];
});

test("every problem of a schedule is covered", () => {
  expect([...codesIn("choose")].sort()).toEqual(Object.keys(chooseCatalogue).sort());
});
