/** Every layer and model of specs/ in the oracle: staged as unrolled, split anywhere, one step at a time. */
import { describe, expect, test } from "vitest";
import { stage } from "../../compiler/derive/stage/index.ts";
import {
  runProgram,
  unroll,
  verifyProgram,
  verifyStep,
  withGradients,
  type RunSizes,
  type SequenceProgram,
  type Tensor,
} from "../../compiler/graph/index.ts";
import { expectMapsClose } from "../support/compare.ts";
import { cutToLast } from "../support/last.ts";
import { drawInputs, portKey } from "../support/steps.ts";
import { specCases } from "./cases.ts";

type Values = ReadonlyMap<string, Tensor>;

/** Steps `from` … `to` − 1 of a `[batch, time, …]` tensor. */
function window(x: Tensor, from: number, to: number): Tensor {
  const [batch, time, ...rest] = x.shape as [number, number, ...number[]];
  const size = rest.reduce((a, b) => a * b, 1);
  const rows = Array.from({ length: batch }, (_, b) =>
    x.data.subarray((b * time + from) * size, (b * time + to) * size),
  );
  const data = new Float64Array(batch * (to - from) * size);
  rows.forEach((row, b) => data.set(row, b * row.length));
  return { shape: [batch, to - from, ...rest], data };
}

/** The program run over pieces of the sequence, each piece from the states that the one before left. */
function inPieces(
  program: SequenceProgram,
  inputs: Values,
  sizes: RunSizes,
  ends: readonly number[],
): Values {
  const states = new Map(
    program.inputs
      .filter((p) => p.role === "state")
      .map((p) => [portKey(p), inputs.get(portKey(p))!]),
  );
  const outputs = new Map<string, Tensor[]>();
  let start = 0;
  for (const end of ends) {
    const given = new Map(
      [...inputs].map(([key, x]) => [
        key,
        key.startsWith("input:") ? window(x, start, end) : (states.get(key) ?? x),
      ]),
    );
    const piece = { ...sizes, time: end - start, past: sizes.past + start };
    for (const [key, x] of runProgram(program, given, piece)) {
      if (key.startsWith("state:")) states.set(key, x);
      else outputs.set(key, [...(outputs.get(key) ?? []), x]);
    }
    start = end;
  }
  return new Map([...[...outputs].map(([key, parts]) => [key, join(parts)] as const), ...states]);
}

/** Pieces along time as one tensor. */
function join(parts: readonly Tensor[]): Tensor {
  const [batch, , ...rest] = parts[0]!.shape as [number, number, ...number[]];
  const size = rest.reduce((a, b) => a * b, 1);
  const time = parts.reduce((n, p) => n + p.shape[1]!, 0);
  const data = new Float64Array(batch * time * size);
  let at = 0;
  for (const { shape, data: piece } of parts) {
    const length = shape[1]! * size;
    for (let b = 0; b < batch; b++)
      data.set(piece.subarray(b * length, (b + 1) * length), b * time * size + at);
    at += length;
  }
  return { shape: [batch, time, ...rest], data };
}

/** Numbers whose squares can still be compared. */
const tame = (values: Values) =>
  [...values.values()].every((x) => x.data.every((v) => Math.abs(v) < 1e100));

describe.each(specCases().map((c) => [c.label, c] as const))("%s", (_, { step, usual }) => {
  const past = step.states.some((s) => s.growing) ? [0, 3] : [0];
  const sizesOf = (time: number) => past.map((past): RunSizes => ({ batch: 2, time, past }));

  test("staged: outputs, final states and all gradients are those of the plain step", () => {
    verifyStep(step);
    const [plain, staged] = [withGradients(unroll(step)), withGradients(stage(step))];
    verifyProgram(staged);
    expect(staged.inputs.map(portKey)).toEqual(plain.inputs.map(portKey));
    for (const sizes of [1, 5, 9].flatMap(sizesOf)) {
      const inputs = drawInputs(plain, sizes);
      const expected = runProgram(plain, inputs, sizes);
      if (!usual && !tame(expected)) continue;
      expectMapsClose(runProgram(staged, inputs, sizes), expected, 1e-10);
    }
  });

  test("its outputs at the last step alone are those of all steps, cut", () => {
    const last = new Set(step.outputs.map((o) => o.name));
    const plain = withGradients(cutToLast(unroll(step), last));
    const staged = withGradients(stage(step, last));
    verifyProgram(staged);
    for (const sizes of [1, 6].flatMap(sizesOf)) {
      const inputs = drawInputs(plain, sizes);
      const expected = runProgram(plain, inputs, sizes);
      if (!usual && !tame(expected)) continue;
      expectMapsClose(runProgram(staged, inputs, sizes), expected, 1e-10);
    }
  });

  test.each([
    ["split in two", [3, 5]],
    ["one step at a time", [1, 2, 3, 4, 5]],
  ])("%s: the state carries everything", (_, ends) => {
    const program = stage(step);
    for (const sizes of sizesOf(5)) {
      const inputs = drawInputs(program, sizes);
      expectMapsClose(
        inPieces(program, inputs, sizes, ends),
        runProgram(program, inputs, sizes),
        1e-12,
      );
    }
  });
});
