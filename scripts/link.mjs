/** Lets packages in generated/ find `fwp/runtime` here: node_modules/fwp points at this folder. Runs after every build. */
import { existsSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const link = join(root, "node_modules", "fwp");
if (existsSync(dirname(link)) && !existsSync(link)) {
  symlinkSync("..", link, process.platform === "win32" ? "junction" : "dir");
}
