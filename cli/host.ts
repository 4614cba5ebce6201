/** The checker's way to the disk: the library in the package's specs/, other imports beside the importing file. */
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

export const diskHost: Host = {
  resolve: (from, target) =>
    shownPath(
      "library" in target
        ? join(specsFolder(), `${target.library.replaceAll(".", "/")}.fwp`)
        : resolve(dirname(from), target.relative),
    ),
  read(file) {
    try {
      return { text: readSpec(file) };
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      return { error: error.diagnostics.map((d) => d.message).join("; ") };
    }
  },
};
