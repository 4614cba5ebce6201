/** Files of CommonJS that were written for this (scripts/bin.mjs), run with what V8 made of them before. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { growUsually } from "../patience.ts";
import { keptCode } from "./code.ts";

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

export interface Loaded<T> {
  readonly exports: T;
  /** Keeps its code, with the functions that were called by now, unless it was kept already. */
  keep(): void;
}

/** Runs `file`, a function in one-byte characters beside this module, as it is used for `command`. */
export function loadKept<T extends object>(file: string, command: string): Loaded<T> {
  const folder = dirname(fileURLToPath(import.meta.url));
  const filename = join(folder, file);
  const source = readFileSync(filename);
  const kept = keptCode(process.env, source, command);
  const script = new Script(source.toString("latin1"), {
    filename,
    ...(kept.data === null ? {} : { cachedData: kept.data }),
  });
  const module = { exports: {} as T };
  const run = script.runInThisContext() as Wrapped;
  run(module.exports, createRequire(filename), module, filename, folder, load);
  return {
    exports: module.exports,
    keep: () => {
      if (kept.data !== null && script.cachedDataRejected !== true) return;
      growUsually();
      kept.keep(script.createCachedData());
    },
  };
}
