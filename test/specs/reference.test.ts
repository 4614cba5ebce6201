/** The systems of specs/ against a second, independent writing of their equations; and instructions that say the same. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import {
  concretize,
  runProgram,
  unroll,
  withGradients,
  type StepProgram,
} from "../../compiler/graph/index.ts";
import { expectClose, expectMapsClose } from "../support/compare.ts";
import { flat, lookup, nested, type Nested } from "../support/given.ts";
import { specs } from "../support/specs.ts";
import { drawInputs } from "../support/steps.ts";
import { asSetting, loadSpec } from "./cases.ts";
import { modern } from "./modern.ts";
import { references } from "./reference.ts";

function compile(
  file: string,
  name: string,
  settings: Readonly<Record<string, string | number>>,
): StepProgram {
  const given = Object.entries(settings).map(([k, v]) => asSetting([k, String(v)]));
  const found = instantiate(loadSpec(join(specs, file)), name, given);
  if (!("step" in found)) throw new Error(found.diagnostics.map((d) => d.message).join("\n"));
  return concretize(found.step, found.values);
}

const all = [...references, ...modern].map((r) => [`${r.file} ${r.name}`, r] as const);

test.each(all)("%s", (_, reference) => {
  const step = compile(reference.file, reference.name, reference.settings);
  const program = unroll(step);
  const sizes = { batch: 2, time: 6, past: 0 };
  const inputs = drawInputs(program, sizes);
  const [output] = step.outputs;
  const found = runProgram(program, inputs, sizes).get(`output:${output!.name}`)!;
  const expected: number[] = [];
  for (let b = 0; b < sizes.batch; b++) {
    const run = reference.make(lookup(inputs, "parameter"), lookup(inputs, "state", [b]));
    for (let t = 0; t < sizes.time; t++) {
      const now = step.inputs.map(({ name }) => {
        const whole = nested(inputs.get(`input:${name}`)!) as readonly (readonly Nested[])[];
        return flat(whole[b]![t]!);
      });
      expected.push(...run(...now));
    }
  }
  expect(found.data.length).toBe(expected.length);
  expectClose(found, { shape: found.shape, data: Float64Array.from(expected) }, 1e-12);
});

test.each([
  ["delta_net.fwp", "DeltaNet", { heads: 2, key: 3, value: 5, width: 4 }],
  ["recurrent.fwp", "DeltaMLP", { blocks: 2, width: 3, hidden: 5 }],
  ["retrieval.fwp", "Updates", { pairs: 4, size: 3 }],
])("%s %s: descent on the squared error is the delta rule, gradients too", (file, name, sizes) => {
  const [a, b] = ["delta", "descend"].map((rule) =>
    withGradients(unroll(compile(file, name, { ...sizes, rule }))),
  );
  const run = { batch: 2, time: 5, past: 0 };
  const inputs = drawInputs(a!, run);
  expectMapsClose(runProgram(b!, inputs, run), runProgram(a!, inputs, run), 1e-12);
});
