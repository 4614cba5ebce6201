/** What a training step is given at first. */
import { evaluateDim } from "../../compiler/dims.ts";
import {
  scalar,
  sizeLookup,
  zeros,
  type RunSizes,
  type SequenceProgram,
  type Tensor,
} from "../../compiler/graph/index.ts";
import { drawInputs, portKey } from "../support/steps.ts";

export const RATE = 0.03;

/** Every input drawn, moments zero, first step. */
export function firstInputs(program: SequenceProgram, at: RunSizes): Map<string, Tensor> {
  const inputs = drawInputs(program, at);
  for (const p of program.inputs) {
    const shape = p.shape.map((d) => evaluateDim(d, sizeLookup(at)));
    if (p.role === "optimizer") inputs.set(portKey(p), zeros(shape));
  }
  inputs.set("scalar:learning_rate", scalar(RATE));
  return inputs.set("scalar:step", scalar(1));
}
