/** Packages of npm that are compared with where they are installed: too large for everyone who builds this project. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "../../cli/install.ts";

export interface Found {
  /** The file to import. */
  readonly path: string;
  readonly version: string;
}

/** The folder that they are installed in: `$FWP_PEERS_PACKAGES`, else `.peers` in the repository. */
const folder = (env: NodeJS.ProcessEnv): string =>
  env["FWP_PEERS_PACKAGES"] ?? join(packageRoot(), ".peers");

/** Null: it is not there. */
export function findPackage(name: string, env: NodeJS.ProcessEnv = process.env): Found | null {
  const home = join(folder(env), "node_modules", name);
  if (!existsSync(home)) return null;
  const require = createRequire(join(home, "package.json"));
  const { version } = require("./package.json") as { version: string };
  return { path: require.resolve(name), version };
}
