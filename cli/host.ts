/** The checker's way to the disk: the library in the package's specs/, other imports beside the importing file. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve, dirname } from "node:path";
import { DiagnosticError } from "../diagnostics/diagnostic.ts";
import type { Host } from "../compiler/check/project.ts";
import { readTextFile } from "../runtime/files/io.ts";
import { specsFolder } from "./install.ts";

/** No spec comes near this; whoever names a larger file has named the wrong one. */
const SPEC_BYTES = 4 * 2 ** 20;

/** One name per file: relative to the working folder where it lies inside, as the user would write it. */
export function shownPath(path: string): string {
  const absolute = resolve(path);
  const near = relative(process.cwd(), absolute);
  return near === "" || near.startsWith("..") || isAbsolute(near) ? absolute : near;
}

/** @throws DiagnosticError when the file is missing, a folder, too large or not UTF-8. */
export const readSpec = (path: string): string => readTextFile(path, { maxBytes: SPEC_BYTES });

/** The specs in a folder and in its folders. */
function specsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith(".") && entry.name !== "node_modules")
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return specsIn(path);
      return entry.isFile() && entry.name.endsWith(".fwp") ? [path] : [];
    });
}

/** The files that paths on the command line mean: a folder stands for those specs in it that were not named before. */
export function specFiles(paths: readonly string[]): string[] {
  const known = new Set<string>();
  return paths.flatMap((path) => {
    const inside = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? specsIn(path) : [];
    // What is no folder of specs is refused where it is read.
    const found = inside.length > 0 ? inside.filter((file) => !known.has(resolve(file))) : [path];
    for (const file of found) known.add(resolve(file));
    return found;
  });
}

let declared: ReadonlyMap<string, string> | null = null;

/** Names that the standard library declares, and the import that brings each. Read on the first unknown name. */
function libraryNames(): ReadonlyMap<string, string> {
  if (declared !== null) return declared;
  const names = new Map<string, string>();
  const folder = join(specsFolder(), "std");
  for (const file of readdirSync(folder).filter((f) => f.endsWith(".fwp"))) {
    const text = readFileSync(join(folder, file), "utf8");
    for (const [, name] of text.matchAll(
      /^(?:map|instruction|layer|model) ([\p{L}_][\p{L}\p{M}\p{N}_]*)/gmu,
    )) {
      names.set(name!, `std.${file.slice(0, -".fwp".length)}`);
    }
  }
  declared = names;
  return names;
}

export const diskHost: Host = {
  resolve: (from, target) =>
    shownPath(
      "library" in target
        ? join(specsFolder(), `${target.library.replaceAll(".", "/")}.fwp`)
        : resolve(dirname(from), target.relative),
    ),
  declaring: (name) => libraryNames().get(name) ?? null,
  read(file) {
    try {
      return { text: readSpec(file) };
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      return { error: error.diagnostics.map((d) => d.message).join("; ") };
    }
  },
};
