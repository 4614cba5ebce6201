/** Entries of a plan or a profile on the device that was asked for. */
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import type { Program } from "../../runtime/device/program.ts";
import type { Device } from "../devices.ts";
import { UsageError } from "../exit.ts";
import { loadEntries, manifestOf, type Target } from "../targets.ts";

/** @throws UsageError for a device that has no kernels. */
export function targetOf(device: Device): Target {
  if (device === "oracle") throw new UsageError("the oracle interprets the graph: it has no kernels"); // prettier-ignore
  return device;
}

/** Entries alone, in float32. @throws NativeUnavailable where native code fails after all. */
export const loadAlone = (
  target: Target,
  name: string,
  entries: readonly CompiledEntry[],
): Program => loadEntries(target, entries, manifestOf(name, target, entries));
