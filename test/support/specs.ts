/** Specs for tests: the host that finds them on disk. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Host } from "../../compiler/check/project.ts";

export const specs = fileURLToPath(new URL("../../specs", import.meta.url));

/** Imports from specs/ and from files beside the importing one. */
export const diskHost: Host = {
  resolve: (from, target) =>
    "library" in target
      ? resolve(specs, `${target.library.replaceAll(".", "/")}.fwp`)
      : resolve(dirname(from), target.relative),
  read: (file) =>
    existsSync(file) ? { text: readFileSync(file, "utf8") } : { error: "there is no such file" },
};
