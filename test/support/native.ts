/** Many programs in one C file, so that the compiler is called once for all of them. */
import { entryProgram, type EntryName, type PipelineOptions } from "../../compiler/pipeline.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import { optimiseProgram } from "../../compiler/optimise/index.ts";
import { compileEntry, type CompiledEntry } from "../../compiler/plan/entry.ts";
import { vectorMachine, type Machine } from "../../compiler/plan/machine.ts";
import { cOf } from "../../compiler/targets/native/module.ts";
import { loadNative, nativeSupport, type Env } from "../../runtime/device/native/index.ts";
import type { Program } from "../../runtime/device/program.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";

/** Quick to compile; loops that are marked for vectors become vectors all the same. Three threads share whatever they can. */
export const QUICK_ENV = { ...process.env, FWP_CFLAGS: "-O1", FWP_THREADS: "3" };

export const hasCompiler = nativeSupport(QUICK_ENV).works;

/** Of this machine, with so little at hand that some short sequences run in several segments; any other if there is no compiler to ask. */
export function machineHere(): Machine {
  const support = nativeSupport(QUICK_ENV);
  return { ...vectorMachine(support.works ? support.compiler.lanes : 8), atHand: 600 };
}

export function nativeEntry(
  step: StepProgram,
  entry: EntryName,
  name: string,
  options: Omit<PipelineOptions, "entries">,
): { readonly program: SequenceProgram; readonly entry: CompiledEntry } {
  const program = optimiseProgram(entryProgram(step, entry, { ...options, entries: [entry] }));
  const { precision = "f32", machine = machineHere() } = options;
  return { program, entry: compileEntry(program, name, { precision, machine }) };
}

export const manifestFor = (entries: readonly CompiledEntry[]): ProgramManifest => ({
  format: "fwp-program",
  version: 1,
  name: "many",
  target: "native",
  inputs: [],
  outputs: [],
  parameters: [],
  states: [],
  entries: entries.map((e) => e.spec),
});

/** Quickest to compile, for very many programs: as written, vectors included, but not made faster. */
export const PLAIN_ENV = { ...process.env, FWP_CFLAGS: "-O0" };

/** A program whose entries are those of many, quickly compiled. */
export function loadMany(
  entries: readonly CompiledEntry[],
  precision: "f32" | "f64",
  // Doubles only to see that they are right.
  env: Env = precision === "f32" ? QUICK_ENV : PLAIN_ENV,
): Program {
  return loadNative(
    cOf("many", entries, { precision, worthSpreading: 1 }),
    manifestFor(entries),
    env,
  );
}
