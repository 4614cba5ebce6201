/** Every layer and model of specs/ on the `typescript` target: outputs, last states and all gradients as in the oracle. */
import { describe, expect, test } from "vitest";
import { compileStep } from "../../compiler/pipeline.ts";
import {
  runProgram,
  unroll,
  withGradients,
  type RunSizes,
  type Tensor,
} from "../../compiler/graph/index.ts";
import type { BufferRole } from "../../runtime/format/program.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import { drawUniform } from "../support/draw.ts";
import { drawInputs, portKey } from "../support/steps.ts";
import { specCases, type SpecCase } from "./cases.ts";

type Values = ReadonlyMap<string, Tensor>;

/** Runs one entry on the target with scratch memory full of NaN. */
function onTarget(
  found: SpecCase,
  entry: "forward" | "gradient",
  inputs: Values,
  sizes: RunSizes,
  precision: "f32" | "f64",
): Map<string, ArrayLike<number>> {
  const options = { entries: [entry], precision } as const;
  const { javascript, manifest, programs } = compileStep(found.step, () => undefined, options);
  const instance = loadJavaScript(javascript, manifest).instantiate(entry, sizes, { poison: true });
  const program = programs.get(entry)!;
  for (const port of program.inputs) {
    instance.input(port.role as BufferRole, port.name).set(inputs.get(portKey(port))!.data);
  }
  instance.run();
  return new Map(
    program.outputs.map((p) => [portKey(p), instance.output(p.role as BufferRole, p.name)]),
  );
}

const size = (x: ArrayLike<number>): number =>
  Math.sqrt(Array.from(x).reduce((sum, v) => sum + v * v, 0) / Math.max(1, x.length));

const difference = (x: Tensor, found: ArrayLike<number>): number =>
  size(Array.from(x.data, (v, i) => found[i]! - v));

/**
 * What each value's error is measured against. A gradient that is zero but for rounding (that of a query whose only
 * feature is normalised away) has no relative error: a hundredth of the largest gradient beside it stands in.
 */
function scales(want: Values): Map<string, number> {
  const largest = Math.max(...[...want].map(([key, x]) => (isGradient(key) ? size(x.data) : 0)));
  return new Map(
    [...want].map(([key, x]) => [
      key,
      Math.max(size(x.data), isGradient(key) ? 0.01 * largest : 0, 1e-30),
    ]),
  );
}

/** The inputs moved by half a unit in the last place of a float32, at random: how well do they determine the result? */
function rounded(inputs: Values): Values {
  return new Map(
    [...inputs].map(([key, x]) => {
      const signs = drawUniform(x.shape, `rounding ${key}`, -1, 1).data;
      const whole = x.data.every(Number.isInteger);
      return [
        key,
        whole ? x : { ...x, data: x.data.map((v, i) => v * (1 + signs[i]! * 2 ** -24)) },
      ];
    }),
  );
}

function compare(
  got: ReadonlyMap<string, ArrayLike<number>>,
  want: Values,
  tolerance: (key: string) => number,
): void {
  expect([...got.keys()].sort()).toEqual([...want.keys()].sort());
  const scale = scales(want);
  for (const [key, x] of want) {
    const error = difference(x, got.get(key)!) / scale.get(key)!;
    expect(error, key).toBeLessThanOrEqual(tolerance(key));
  }
}

const isGradient = (key: string): boolean => key.startsWith("gradient:");

describe.each(specCases().map((c) => [c.label, c] as const))("%s", (_, found) => {
  const program = withGradients(unroll(found.step));
  const growing = found.step.states.some((s) => s.growing);
  test.each([1, 5, 19])("%i steps", (time) => {
    const sizes = { batch: 2, time, past: growing ? 3 : 0 };
    const inputs = drawInputs(program, sizes);
    const want = runProgram(program, inputs, sizes);
    // Ill-posed combinations overflow in doubles as well: nothing to compare.
    if ([...want.values()].some((x) => !x.data.every((v) => Math.abs(v) < 1e60))) {
      expect(found.usual).toBe(false);
      return;
    }
    const exact = onTarget(found, "gradient", inputs, sizes, "f64");
    compare(exact, want, (key) => (isGradient(key) ? 1e-9 : 1e-11));
    if (!found.usual) return;
    const moved = runProgram(program, rounded(inputs), sizes);
    const scale = scales(want);
    const allowed = (key: string) => {
      const conditioning = difference(want.get(key)!, moved.get(key)!.data) / scale.get(key)!;
      return Math.max(isGradient(key) ? 1e-4 : 1e-5, 20 * conditioning);
    };
    compare(onTarget(found, "gradient", inputs, sizes, "f32"), want, allowed);
    const forward = new Map([...want].filter(([key]) => !isGradient(key)));
    compare(onTarget(found, "forward", inputs, sizes, "f32"), forward, allowed);
  });
});
