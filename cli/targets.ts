/** The devices that run kernels: what kernels are planned for, and how compiled entries are loaded. */
import type { CompiledEntry } from "../compiler/plan/entry.ts";
import { PORTABLE, SCALAR, vectorMachine, WASM, type Machine } from "../compiler/plan/machine.ts";
import type { Precision } from "../compiler/plan/memory.ts";
import { cOf } from "../compiler/targets/native/module.ts";
import { javascriptOf } from "../compiler/targets/typescript/index.ts";
import { wasmOf } from "../compiler/targets/wasm/module.ts";
import { unreachable } from "../diagnostics/diagnostic.ts";
import { loadNative, nativeSupport, type Build, type Env } from "../runtime/device/native/index.ts";
import type { Program } from "../runtime/device/program.ts";
import { loadJavaScript } from "../runtime/device/typescript.ts";
import { loadWasm, wasmFeatures } from "../runtime/device/wasm/index.ts";
import type { ProgramManifest } from "../runtime/format/program.ts";

export type Target = "native" | "wasm" | "typescript";

/** What kernels, and the forms of time, are chosen for. */
export function machineOf(target: Target, env: Env = process.env): Machine {
  switch (target) {
    case "native": {
      const support = nativeSupport(env);
      return support.works ? vectorMachine(support.compiler.lanes) : PORTABLE;
    }
    case "wasm":
      return WASM;
    case "typescript":
      return SCALAR;
    default:
      return unreachable(target);
  }
}

export interface LoadOptions {
  /** That entries were planned in; `f32` by default. */
  readonly precision?: Precision;
  readonly env?: Env;
  /** How C is compiled, `kept` by default. */
  readonly build?: Build;
}

/** Entries that were planned for `machineOf(target)`. @throws NativeUnavailable, WasmUnavailable */
export function loadEntries(
  target: Target,
  entries: readonly CompiledEntry[],
  manifest: ProgramManifest,
  { precision = "f32", env = process.env, build }: LoadOptions = {},
): Program {
  switch (target) {
    case "native":
      return loadNative(cOf(manifest.name, entries, { precision }), manifest, env, build);
    case "wasm": {
      const { relaxed } = wasmFeatures();
      return loadWasm(wasmOf(entries, { precision, relaxed }), manifest, env);
    }
    case "typescript":
      return loadJavaScript(javascriptOf(manifest.name, entries), manifest);
    default:
      return unreachable(target);
  }
}

/** The manifest of entries that are no program: without parameters and states. */
export const manifestOf = (
  name: string,
  target: Target,
  entries: readonly CompiledEntry[],
): ProgramManifest => ({
  format: "fwp-program",
  version: 1,
  name,
  target,
  inputs: [],
  outputs: [],
  parameters: [],
  states: [],
  entries: entries.map((e) => e.spec),
});
