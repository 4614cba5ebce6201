/**
 * fwp as if it were installed: compiled from the sources into a folder of its own below generated/, where its name resolves
 * for the packages beside it. Independent of dist/, which may be older than the sources.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

export interface Installed {
  readonly folder: string;
  readonly cli: string;
  /** Runs a command; throws when it fails. What it prints on standard output. */
  readonly fwp: (...args: string[]) => string;
  readonly start: (...args: string[]) => ChildProcess;
  readonly dispose: () => void;
}

export function install(): Installed {
  mkdirSync(join(root, "generated"), { recursive: true });
  const folder = mkdtempSync(join(root, "generated", "test-"));
  const home = join(folder, "node_modules", "fwp");
  mkdirSync(home, { recursive: true });
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const config = join(root, "tsconfig.build.json");
  // Types are checked elsewhere; here only the JavaScript is wanted.
  const flags = ["--noCheck", "--declaration", "--outDir", join(home, "dist")];
  execFileSync(tsc, ["-p", config, ...flags], { cwd: root, stdio: "pipe" });
  const bin = [join(root, "scripts", "bin.mjs"), join(home, "dist")];
  execFileSync(process.execPath, bin, { cwd: root, stdio: "pipe" });
  copyFileSync(join(root, "package.json"), join(home, "package.json"));
  // A scope of its own, or else `fwp` would mean the package around it.
  writeFileSync(join(folder, "package.json"), '{ "name": "test", "type": "module" }\n');
  symlinkSync(join(root, "specs"), join(home, "specs"), "dir");
  const cli = join(home, "dist", "bin", "fwp.js");
  return {
    folder,
    cli,
    fwp: (...args) =>
      execFileSync(process.execPath, [cli, ...args], {
        cwd: folder,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      }),
    start: (...args) =>
      spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] }),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
