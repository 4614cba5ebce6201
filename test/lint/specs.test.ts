/** The published specs: no warning that the spec itself does not allow, with its reason. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { environment } from "../../cli/environment.ts";
import { lintProject } from "../../cli/lint.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { diskHost } from "../support/specs.ts";

const folder = fileURLToPath(new URL("../../specs/", import.meta.url));
const env = environment(folder);
const specs = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".fwp"),
);

test.each(specs)("%s", (file) => {
  const path = `${folder}${file}`;
  const found = lintProject(loadProject(path, readFileSync(path, "utf8"), diskHost), env);
  expect(found.map((d) => `${d.code}: ${d.message}`)).toEqual([]);
});
