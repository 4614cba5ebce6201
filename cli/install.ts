/** Where this installation lies: the same from the sources and from dist/. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

let root: string | null = null;

/** The folder of fwp's own package.json. */
export function packageRoot(): string {
  if (root !== null) return root;
  let folder = dirname(fileURLToPath(import.meta.url));
  // A folder of scripts may have a package.json, too, which says what kind of modules they are.
  const isRoot = () => ["package.json", "specs"].every((name) => existsSync(join(folder, name)));
  while (!isRoot() && dirname(folder) !== folder) folder = dirname(folder);
  return (root = folder);
}

/** The library that `import std.maps` finds. */
export const specsFolder = (): string => join(packageRoot(), "specs");

export function packageVersion(): string {
  const text = readFileSync(join(packageRoot(), "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
