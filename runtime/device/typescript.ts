/** Runs generated JavaScript: loads a module and gives each of its entries memory. */
import type { ProgramManifest } from "../format/program.ts";
import { newArray } from "./arena.ts";
import { entrySpec, makeInstance, noEntry, type Running } from "./instance.ts";
import type { KernelModule, Program } from "./program.ts";

/** A program from the functions of its generated module. */
export function fromModule(
  module: KernelModule,
  manifest: ProgramManifest,
  { allocate = newArray, threads = 1 }: Running = {},
): Program {
  return {
    manifest,
    instantiate(name, sizes, options = {}) {
      const spec = entrySpec(manifest, name);
      const run = module[name];
      if (run === undefined) throw noEntry(manifest, name);
      return makeInstance(manifest.name, spec, run, sizes, options, { allocate, threads });
    },
  };
}

/**
 * A program from the text of a generated module. The module is evaluated as one function whose result holds the entries:
 * the kernels stay ordinary functions, optimised like those of any file.
 */
export function loadJavaScript(javascript: string, manifest: ProgramManifest): Program {
  const names = manifest.entries.map((e) => e.name);
  const body = javascript.replace(/^export function /gm, "function ");
  const make = new Function(`"use strict";\n${body}\nreturn { ${names.join(", ")} };`);
  return fromModule(make() as KernelModule, manifest);
}
