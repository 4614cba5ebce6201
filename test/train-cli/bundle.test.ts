/** A checkpoint's copy of a spec says the same as the files it was made of, wherever they lay. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadProject } from "../../compiler/check/project.ts";
import { bundleHost, bundleOf } from "../../cli/train/bundle.ts";
import { diskHost, specs } from "../support/specs.ts";

const folder = mkdtempSync(join(tmpdir(), "fwp-bundle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The line that imports a file by its path. */
const shipped = (path: string) => `import ${JSON.stringify(path)}\n`;

/** Names of the files of a bundle, once it has been seen to give back what the disk gives. */
function bundled(file: string): string[] {
  const project = loadProject(file, readFileSync(file, "utf8"), diskHost);
  const bundle = bundleOf(project, specs);
  const again = loadProject(bundle.main, bundle.files[bundle.main]!, bundleHost(bundle));
  expect(again.diagnostics).toEqual([]);
  expect(again.modules.size).toBe(project.modules.size);
  expect([...again.main.imported.keys()]).toEqual([...project.main.imported.keys()]);
  return Object.keys(bundle.files);
}

test("a spec that ships with fwp keeps its neighbours beside it", () => {
  const names = bundled(join(specs, "char_lm.fwp"));
  expect(names).toContain("char_lm.fwp");
  expect(names).toContain("delta_net.fwp");
  expect(names).toContain("library/std/maps.fwp");
});

test("a spec elsewhere, with files below it and files of the library by either way", () => {
  mkdirSync(join(folder, "parts"));
  const main = join(folder, "main.fwp");

  const imports = [
    'import std.maps\nimport "./parts/a.fwp"\n',
    shipped(relative(folder, join(specs, "delta_net.fwp"))),
    shipped(join(specs, "std/layers.fwp")),
  ];
  writeFileSync(main, `${imports.join("")}map b(x: [n]) -> [n] { a(x) }\n`);
  writeFileSync(join(folder, "parts/a.fwp"), 'import "./c.fwp"\nmap a(x: [n]) -> [n] { c(x) }\n');
  writeFileSync(join(folder, "parts/c.fwp"), "map c(x: [n]) -> [n] { x }\n");
  expect(bundled(main)).toEqual([
    "library/delta_net.fwp",
    "library/std/instructions.fwp",
    "library/std/layers.fwp",
    "library/std/maps.fwp",
    "main.fwp",
    "parts/a.fwp",
    "parts/c.fwp",
  ]);
});
