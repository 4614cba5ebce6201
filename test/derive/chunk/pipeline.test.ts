import { expect, test } from "vitest";
import { compileStep, entryProgram, fixSizes } from "../../../compiler/pipeline.ts";
import { runProgram } from "../../../compiler/graph/index.ts";
import type { SequenceProgram } from "../../../compiler/graph/index.ts";
import { relativeRms } from "../../support/compare.ts";
import { ruleStep } from "../../support/rules.ts";
import { drawInputs } from "../../support/steps.ts";
import { regression } from "../../train/models.ts";

const step = ruleStep(`fast net { W: [heads, value, key] = 0 }
  program { W <- delta(W, key: k, value: v, rate: sigmoid(b)) }
  out y = W @ q`);

/** Lengths of the time axes of a program's loops. */
const loops = (program: SequenceProgram): string[] =>
  program.graph.nodes.flatMap((n) => (n.op === "recurrence" ? [n.recurrence.time.key] : []));

test("the form `chunk` gives loops over chunks, forward and backward", () => {
  const forward = entryProgram(step, "forward", { entries: ["forward"], form: "chunk", chunk: 8 });
  expect(loops(forward)).toEqual([expect.stringContaining("ceildiv")]);
  const gradient = entryProgram(step, "gradient", { entries: [], form: "chunk", chunk: 8 });
  expect(loops(gradient)).toHaveLength(2);
  expect(loops(gradient).every((key) => key.includes("ceildiv"))).toBe(true);
});

test("one step at a time is not chunked", () => {
  expect(loops(entryProgram(step, "step", { entries: [], form: "chunk" }))).toEqual(["1*$time"]);
});

test("compiled, it computes what the staged program does", () => {
  const sizes = { batch: 2, time: 37, past: 0 };
  const options = { entries: ["gradient"], precision: "f64" } as const;
  const [staged, chunked] = [
    compileStep(step, () => undefined, options),
    compileStep(step, () => undefined, { ...options, form: "chunk" }),
  ].map((c) => c.programs.get("gradient")!);
  const inputs = drawInputs(staged!, sizes);
  const [a, b] = [runProgram(staged!, inputs, sizes), runProgram(chunked!, inputs, sizes)];
  for (const [name, value] of a) expect(relativeRms(b.get(name)!.data, value.data)).toBeLessThan(1e-10); // prettier-ignore
});

test("a training step by chunks is the training step", () => {
  const model = fixSizes(regression({ weighted: true }), () => undefined);
  const optimizer = { kind: "adam", rate: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-3, decay: 0.1 } as const; // prettier-ignore
  for (const carry of [false, true]) {
    const train = { optimizer, carry, clip: 1, schedule: { kind: "constant" }, batch: 2, steps: 1, seed: 1, checkpoint: null } as const; // prettier-ignore
    const [staged, chunked] = (["sequential", "derived"] as const).map((form) =>
      entryProgram(model, "train", { entries: [], form, chunk: 4, train }),
    );
    expect(loops(chunked!).every((key) => key.includes("ceildiv"))).toBe(true);
    const sizes = { batch: 2, time: 11, past: 0 };
    const inputs = drawInputs(staged!, sizes);
    for (const [name, { shape, data }] of inputs) {
      if (name.startsWith("optimizer")) inputs.set(name, { shape, data: data.map(Math.abs) });
      if (name.startsWith("scalar")) inputs.set(name, { shape, data: data.map(() => 1) });
    }
    const [a, b] = [runProgram(staged!, inputs, sizes), runProgram(chunked!, inputs, sizes)];
    for (const [name, value] of a) expect(relativeRms(b.get(name)!.data, value.data), name).toBeLessThan(1e-10); // prettier-ignore
  }
});
