/** Kernels that are not written again because they are like one before: what they would be if they were. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { SharedKernels } from "../../compiler/loop/same.ts";
import { kernelText } from "../../compiler/loop/text.ts";
import { compileEntry, type CompiledEntry } from "../../compiler/plan/entry.ts";
import { PORTABLE, SCALAR, WASM } from "../../compiler/plan/machine.ts";
import { preparer, type EntryName } from "../../compiler/prepare.ts";
import { concretize, type StepProgram } from "../../compiler/graph/index.ts";
import { asSetting, loadSpec, specCases } from "../specs/cases.ts";

const MACHINES = [SCALAR, PORTABLE, WASM];

/** All that printers see of an entry. */
const seen = ({ spec, buffers, kernels }: CompiledEntry) => ({
  spec,
  buffers,
  kernels: kernels.map((k) => ({
    text: kernelText(k),
    buffers: k.buffers,
    sizes: k.sizes,
    privates: k.spread && [...k.spread.privates],
    work: k.spread?.work,
  })),
});

/** Compiles entries both ways and compares; how many kernels were like others. */
function compared(step: StepProgram, entries: readonly EntryName[]): number {
  const prepare = preparer(step, () => undefined, { entries });
  const prepared = MACHINES.map((machine) => prepare(machine));
  let repeated = 0;
  for (const [i, machine] of MACHINES.entries()) {
    for (const [name, program] of prepared[i]!.optimised) {
      const entry = compileEntry(program, name, { machine });
      expect(seen(entry)).toEqual(seen(compileEntry(program, name, { machine, each: true })));
      for (const { like, ...kernel } of entry.kernels) {
        if (like === undefined) continue;
        repeated += 1;
        const functions = new SharedKernels();
        functions.functionOf(like);
        expect(functions.functionOf(kernel)).toMatchObject({ name: like.name, isNew: false });
      }
    }
  }
  return repeated;
}

const ENTRIES = ["forward", "step", "gradient"] as const;

describe("kernels like others are as if they had been written", () => {
  it.each(specCases().filter((c) => c.usual))("$label", ({ step }) => {
    compared(step, ENTRIES);
  });

  it("in a deep model, whose blocks are alike", () => {
    const file = join(import.meta.dirname, "../../bench/peers/language_model.fwp");
    const project = loadSpec(file);
    const sizes = [
      ["vocab", "32"],
      ["width", "64"],
      ["depth", "10"],
    ] as const;
    const made = instantiate(project, "DeltaLM", sizes.map(asSetting));
    if (!("step" in made)) throw new Error("no model DeltaLM");
    const step = concretize(made.step, made.values);
    // Of the kernels of ten blocks few are unlike all before.
    expect(compared(step, ENTRIES)).toBeGreaterThan(500);
  });
});
