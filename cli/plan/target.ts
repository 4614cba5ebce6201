/** Entries of a plan or a profile on the device that was asked for. */
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { NativeUnavailable } from "../../runtime/device/native/index.ts";
import type { Program } from "../../runtime/device/program.ts";
import { cliProblem } from "../catalogue.ts";
import type { Device } from "../devices.ts";
import { UsageError } from "../exit.ts";
import { loadEntries, manifestOf, type Target } from "../targets.ts";

/** @throws UsageError for a device that has no kernels. */
export function targetOf(device: Device): Target {
  if (device === "oracle") throw new UsageError("the oracle interprets the graph: it has no kernels"); // prettier-ignore
  return device;
}

/** Entries alone, in float32. @throws DiagnosticError fwp8022 where native code fails after all. */
export function loadAlone(
  target: Target,
  name: string,
  entries: readonly CompiledEntry[],
): Program {
  try {
    return loadEntries(target, entries, manifestOf(name, target, entries));
  } catch (error) {
    if (!(error instanceof NativeUnavailable)) throw error;
    throw cliProblem("fwp8022", "--device", { reason: error.message });
  }
}
