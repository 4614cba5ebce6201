/** Chunkwise forms beside the plain meaning of a step, with gradients. */
import { expect } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import {
  runProgram,
  unroll,
  verifyProgram,
  withGradients,
  type RunSizes,
  type SequenceProgram,
  type StepProgram,
  type Tensor,
} from "../../../compiler/graph/index.ts";
import { relativeRms } from "../../support/compare.ts";
import { drawInputs } from "../../support/steps.ts";

export interface Both {
  /** Step after step, `plain`, and by chunks. */
  readonly plain: SequenceProgram;
  readonly chunked: SequenceProgram;
}

/** Both forms with all gradients. Fails unless every recurrence has been replaced. */
export function bothForms(step: StepProgram, length: number): Both {
  const { program, kept } = chunk(stage(step), { length, elementwise: true });
  expect(kept.length).toBeGreaterThan(0);
  expect(kept).toEqual(kept.map(() => null));
  const chunked = withGradients(program);
  verifyProgram(chunked);
  return { plain: withGradients(unroll(step)), chunked };
}

export interface Bounds {
  readonly forward: number;
  readonly gradient: number;
}
export const EXACT: Bounds = { forward: 1e-12, gradient: 1e-10 };

/** Both programs on the same random inputs, in float64. `adjust` may change them. */
export function expectSame(
  { plain, chunked }: Both,
  sizes: RunSizes,
  bounds: Bounds = EXACT,
  adjust: (inputs: Map<string, Tensor>) => void = () => {},
): void {
  const inputs = drawInputs(plain, sizes);
  adjust(inputs);
  const [wanted, got] = [runProgram(plain, inputs, sizes), runProgram(chunked, inputs, sizes)];
  for (const [name, value] of wanted) {
    const error = relativeRms(got.get(name)!.data, value.data);
    const bound = name.startsWith("gradient") ? bounds.gradient : bounds.forward;
    expect(error, `${name}, ${sizes.time} steps`).toBeLessThanOrEqual(bound);
  }
}
