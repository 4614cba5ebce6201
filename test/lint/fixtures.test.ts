/** Specs that would fail in practice, specs that would not, and what the lints say of them. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { environment } from "../../cli/environment.ts";
import { lintProject } from "../../cli/lint.ts";
import { checkProject } from "../../compiler/check/check.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { lintCatalogue } from "../../compiler/lint/index.ts";
import { codesIn, testFixtures } from "../fixtures.ts";
import { diskHost } from "../support/specs.ts";

const root = fileURLToPath(new URL("../fixtures", import.meta.url));
const env = environment(root);

testFixtures("lint", (text, file) => {
  const project = loadProject(join(root, file), text, diskHost);
  return [...checkProject(project, env), ...lintProject(project, env)];
});

test("every lint is covered", () => {
  expect([...codesIn("lint")].sort()).toEqual(Object.keys(lintCatalogue).sort());
});
