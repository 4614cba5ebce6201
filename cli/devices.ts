/** What a program can be run by, and compiling for it. */
import type { Command } from "commander";
import {
  compilePrepared,
  describe,
  entryProgram,
  fixSizes,
  prepareStep,
  type EntryName,
  type PipelineOptions,
  type Prepared,
} from "../compiler/pipeline.ts";
import type { SizeValues } from "../compiler/graph/concretize.ts";
import type { StepProgram } from "../compiler/graph/ir.ts";
import type { SequenceProgram } from "../compiler/graph/program.ts";
import type { Precision } from "../compiler/plan/memory.ts";
import {
  nativeSupport,
  NativeUnavailable,
  type Build,
  type Env,
} from "../runtime/device/native/index.ts";
import type { Program } from "../runtime/device/program.ts";
import { wasmMissing } from "../runtime/device/wasm/index.ts";
import { cliProblem } from "./catalogue.ts";
import { UsageError } from "./exit.ts";
import { oracleProgram } from "./oracle.ts";
import { loadEntries, machineOf, type Target } from "./targets.ts";

/** The fastest first. */
const DEVICES = ["native", "wasm", "typescript", "oracle"] as const;
export type Device = (typeof DEVICES)[number];
const PLANNED = ["webgpu", "cuda", "tfjs", "onnx"];

/** What `--device` takes, in words. */
export const deviceNames = `auto, ${DEVICES.join(", ")}`;

export const deviceOption = (command: Command): Command =>
  command.option("--device <device>", `where it runs: ${deviceNames}`, "auto");

export interface DeviceChoice {
  readonly device: Device;
  /** Chosen by `auto`: another is taken where this one fails after all. */
  readonly auto: boolean;
  /** Why it is not a faster one, of `auto`; else null. */
  readonly why: string | null;
  /** How C is compiled, `kept` by default. */
  readonly build?: Build;
}

/**
 * `auto` is native code where it runs, else WebAssembly where that runs, else typescript; `$FWP_DEVICE` can say otherwise.
 * @throws DiagnosticError fwp8021 for a device of a later version, fwp8022 where native code, fwp8023 where WebAssembly does
 * not run; UsageError for none at all.
 */
export function chooseDevice(name: string, env: Env = process.env): DeviceChoice {
  if (name === "auto") {
    const preferred = env["FWP_DEVICE"] ?? "auto";
    if (preferred !== "auto") {
      const { device } = chooseDevice(preferred, env);
      return { device, auto: true, why: `$FWP_DEVICE is ${preferred}` };
    }
    const support = nativeSupport(env);
    if (support.works) return { device: "native", auto: true, why: null };
    return withoutNative(support.reason);
  }
  const device = DEVICES.find((d) => d === name);
  if (device === undefined) {
    if (PLANNED.includes(name)) {
      throw cliProblem("fwp8021", "--device", { device: name, available: deviceNames });
    }
    throw new UsageError(`there is no device ${name}; available: ${deviceNames}`);
  }
  if (device === "native") {
    const support = nativeSupport(env);
    if (!support.works) throw cliProblem("fwp8022", "--device", { reason: support.reason });
  }
  if (device === "wasm") {
    const reason = wasmMissing();
    if (reason !== null) throw cliProblem("fwp8023", "--device", { reason });
  }
  return { device, auto: false, why: null };
}

/** What `auto` takes where native code does not run, for the reason given. */
function withoutNative(reason: string): CompiledChoice {
  const missing = wasmMissing();
  const why = `native: ${reason}`;
  if (missing === null) return { device: "wasm", auto: true, why };
  return { device: "typescript", auto: true, why: `${why}; wasm: ${missing}` };
}

/** Does something on a device; where what `auto` chose fails after all, on another. @throws DiagnosticError fwp8022 */
export async function onDevice<T>(
  { device, auto }: DeviceChoice,
  use: (device: Device) => Promise<T>,
): Promise<T> {
  try {
    return await use(device);
  } catch (error) {
    if (!(error instanceof NativeUnavailable)) throw error;
    if (!auto) throw cliProblem("fwp8022", "--device", { reason: error.message });
    return use(withoutNative(error.message).device);
  }
}

/** A program with these entries, ready to run. `step` may still have named sizes, which `values` knows. */
export function loadStep(
  step: StepProgram,
  values: SizeValues,
  choice: DeviceChoice,
  options: PipelineOptions,
  env: Env = process.env,
): Program {
  const { device } = choice;
  if (device !== "oracle") {
    return loadPrepared(
      // Forms of time are chosen for what runs them.
      prepareStep(step, values, { ...options, machine: machineOf(device, env) }),
      { ...choice, device },
      options.precision ?? "f32",
      env,
    );
  }
  const fixed = fixSizes(step, values);
  const programs = new Map<EntryName, SequenceProgram>();
  // Estimates say nothing of the oracle.
  const form = (options.form ?? "auto") === "auto" ? "sequential" : options.form;
  for (const name of options.entries) {
    programs.set(name, entryProgram(fixed, name, { ...options, form }));
  }
  return oracleProgram(programs, describe(fixed, device));
}

/** What is compiled: all devices but the oracle. */
export type CompiledChoice = DeviceChoice & { readonly device: Target };

/**
 * A prepared step on a device that runs compiled kernels. What `auto` chose has worked in a trial before; what fails now (a
 * full disk, a compiler's own fault) is this program's, which another device takes.
 */
export function loadPrepared(
  prepared: Prepared,
  choice: CompiledChoice,
  precision: Precision,
  env: Env = process.env,
): Program {
  const { device, build } = choice;
  try {
    const support = device === "native" ? nativeSupport(env) : null;
    if (support?.works === false) throw new NativeUnavailable(support.reason);
    const machine = machineOf(device, env);
    const { entries, manifest } = compilePrepared(prepared, { precision, machine });
    return loadEntries(device, entries, manifest, {
      precision,
      env,
      ...(build === undefined ? {} : { build }),
    });
  } catch (error) {
    if (!(error instanceof NativeUnavailable)) throw error;
    if (!choice.auto) throw cliProblem("fwp8022", "--device", { reason: error.message });
    return loadPrepared(prepared, withoutNative(error.message), precision, env);
  }
}
