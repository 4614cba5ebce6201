/** Texts that the tests of the grammar share: the folder of examples and the project's own specs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Sample {
  readonly file: string;
  readonly text: string;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** All `.fwp` files below a folder of the repository. */
export function samplesIn(folder: string): Sample[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".fwp"))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(root, folder, file), "utf8") }));
}

/** The language by example: every construct, all well-formed. */
export const examples: readonly Sample[] = samplesIn("test/fixtures/examples");
