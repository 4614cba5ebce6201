#!/usr/bin/env node
/** What `fwp` is after a build: runs the command line from one file, and keeps what V8 made of it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import type { runCommandLine } from "../main.ts";
import { bePatient } from "../patience.ts";
import { keptCode } from "./code.ts";

/** A function in one-byte characters, written beside this file by scripts/bin.mjs. */
const FILE = "main.cjs";

type Wrapped = (
  exports: object,
  require: NodeJS.Require,
  module: object,
  filename: string,
  dirname: string,
  load: (specifier: string) => Promise<unknown>,
) => void;

/** For the file, which cannot do it itself: V8 does not keep with its code where that came from. */
const load = (specifier: string): Promise<unknown> => import(specifier);

const folder = dirname(fileURLToPath(import.meta.url));
const filename = join(folder, FILE);
const source = readFileSync(filename);
const command = process.argv[2];
// Code is of the flags that it was made under.
bePatient(command);
const kept = keptCode(process.env, source, command ?? "");
const script = new Script(source.toString("latin1"), {
  filename,
  ...(kept.data === null ? {} : { cachedData: kept.data }),
});
const module = { exports: {} as { runCommandLine: typeof runCommandLine } };
const run = script.runInThisContext() as Wrapped;
run(module.exports, createRequire(filename), module, filename, folder, load);
const code = await module.exports.runCommandLine();
// The functions that a command calls are known when it has run.
if (code === 0 && (kept.data === null || script.cachedDataRejected === true)) {
  kept.keep(script.createCachedData());
}
