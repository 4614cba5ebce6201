/** The devices that run kernels: what kernels are planned for, and how compiled entries are loaded. */
import { SCALAR, vectorMachine, WASM, type Machine } from "../../compiler/plan/machine.ts";
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { cOf } from "../../compiler/targets/native/module.ts";
import { wasmOf } from "../../compiler/targets/wasm/module.ts";
import { javascriptOf } from "../../compiler/targets/typescript/javascript.ts";
import { unreachable } from "../../diagnostics/diagnostic.ts";
import { loadNative, nativeSupport } from "../../runtime/device/native/index.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import { loadWasm, wasmFeatures } from "../../runtime/device/wasm/index.ts";
import type { Program } from "../../runtime/device/program.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { cliProblem } from "../catalogue.ts";
import type { Device } from "../devices.ts";
import { UsageError } from "../exit.ts";

/** @throws UsageError for a device that has no kernels, DiagnosticError fwp8022. */
export function machineOf(device: Device): Machine {
  switch (device) {
    case "native": {
      const support = nativeSupport();
      if (support.works) return vectorMachine(support.compiler.lanes);
      throw cliProblem("fwp8022", "--device", { reason: support.reason });
    }
    case "wasm":
      return WASM;
    case "typescript":
      return SCALAR;
    case "oracle":
      throw new UsageError("the oracle interprets the graph: it has no kernels");
    default:
      return unreachable(device);
  }
}

/** Entries that were planned for `machineOf(device)`, in float32. */
export function loadEntries(
  device: Device,
  name: string,
  entries: readonly CompiledEntry[],
): Program {
  const manifest: ProgramManifest = {
    format: "fwp-program",
    version: 1,
    name,
    target: device,
    inputs: [],
    outputs: [],
    parameters: [],
    states: [],
    entries: entries.map((e) => e.spec),
  };
  switch (device) {
    case "native":
      return loadNative(cOf(name, entries, { precision: "f32" }), manifest);
    case "wasm": {
      const { relaxed } = wasmFeatures();
      return loadWasm(wasmOf(entries, { precision: "f32", relaxed }), manifest);
    }
    case "typescript":
      return loadJavaScript(javascriptOf(entries), manifest);
    case "oracle":
      throw new UsageError("the oracle interprets the graph: it has no kernels");
    default:
      return unreachable(device);
  }
}
