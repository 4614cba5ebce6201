/** Kernels called one by one leave behind what the whole entry does. */
import { describe, expect, test } from "vitest";
import { compileStep } from "../../compiler/pipeline.ts";
import { takeApart } from "../../compiler/plan/apart.ts";
import type { CompiledEntry } from "../../compiler/plan/entry.ts";
import { javascriptOf } from "../../compiler/targets/typescript/index.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import type { BufferKey, Data, Program } from "../../runtime/device/program.ts";
import { hasCompiler, loadMany, machineHere, manifestFor } from "../support/native.ts";
import { attentionStep, cellStep, deltaStep, selfReferentialStep } from "../support/steps.ts";
import { noise } from "./harness.ts";

const SIZES = { batch: 2, time: 7, past: 0 };
const STEPS = { deltaStep, cellStep: () => cellStep(), selfReferentialStep: () => selfReferentialStep(), attentionStep }; // prettier-ignore

type Load = (entries: readonly CompiledEntry[]) => Program;
const TARGETS: readonly (readonly [name: string, load: Load])[] = [
  ["typescript", (entries) => loadJavaScript(javascriptOf("apart", entries), manifestFor(entries))],
  ...(hasCompiler ? [["native", (entries: readonly CompiledEntry[]) => loadMany(entries, "f32")] as const] : []), // prettier-ignore
];

describe.each(TARGETS)("on %s", (name, load) => {
  test.each(Object.entries(STEPS))("%s", (_, make) => {
    const machine = name === "native" ? { machine: machineHere() } : {};
    const { entries } = compileStep(make(), () => 3, { entries: ["gradient"], ...machine });
    const [entry] = entries as [CompiledEntry];
    const { memory, kernels } = takeApart(entry);
    expect(kernels.length).toBeGreaterThan(1);
    const program = load([entry, memory, ...kernels]);
    const whole = program.instantiate(entry.spec.name, SIZES, { poison: true });
    const shared = program.instantiate(memory.spec.name, SIZES);
    entry.spec.inputs.forEach(({ role, name: own, type }, i) => {
      const data = whole.input(role, own);
      const values = noise(data.length, i + 1);
      data.set(type === "i32" ? values.map((x) => Math.floor(1.5 * (x + 1))) : values);
      shared.input(role, own).set(data);
    });
    whole.run();
    const bind = new Map<BufferKey, Data>(
      memory.spec.inputs.map((port) => [`${port.role}:${port.name}`, shared.input(port.role, port.name)]), // prettier-ignore
    );
    for (const { spec } of kernels) {
      program.instantiate(spec.name, SIZES, { bind, poison: true }).run();
    }
    entry.spec.outputs.forEach(({ role, name: own }, i) => {
      const buffer = entry.buffers[entry.spec.inputs.length + i]!;
      expect(shared.input("input", `out:${buffer}`), `${role}:${own}`).toEqual(
        whole.output(role, own),
      );
    });
  });
});
