import { describe, expect, test } from "vitest";
import {
  runProgram,
  unroll,
  verifyProgram,
  withInitialStates,
  type Tensor,
} from "../../compiler/graph/index.ts";
import { expectClose, expectMapsClose } from "../support/compare.ts";
import {
  attentionStep,
  cellStep,
  deltaStep,
  drawInputs,
  selfReferentialStep,
  statelessStep,
} from "../support/steps.ts";

const sizes = { batch: 2, time: 7, past: 0, named: new Map([["width", 3]]) };

/** Steps `from` to `to` of a `[batch, time, …]` tensor. */
function steps(x: Tensor, from: number, to: number): Tensor {
  const [batch = 0, time = 0, ...rest] = x.shape;
  const width = x.data.length / (batch * time);
  const rows = Array.from({ length: batch }, (_, b) =>
    x.data.subarray((b * time + from) * width, (b * time + to) * width),
  );
  const data = Float64Array.from(rows.flatMap((r) => [...r]));
  return { shape: [batch, to - from, ...rest], data };
}

const half = (x: Tensor): Tensor => ({
  shape: [1, ...x.shape.slice(1)],
  data: x.data.subarray(0, x.data.length / 2),
});

describe("unroll", () => {
  test.each([
    ["delta", deltaStep()],
    ["cell", cellStep()],
    ["attention", attentionStep()],
    ["dense", statelessStep()],
  ])("%s: two runs that pass the states on are one run", (_, step) => {
    const program = unroll(step);
    verifyProgram(program);
    const inputs = drawInputs(program, sizes);
    const whole = runProgram(program, inputs, sizes);
    const cut = (from: number, to: number) =>
      [...inputs].map(([k, v]): [string, Tensor] => [
        k,
        k.startsWith("input:") ? steps(v, from, to) : v,
      ]);
    const first = runProgram(program, new Map(cut(0, 3)), { ...sizes, time: 3 });
    const states = [...first].filter(([k]) => k.startsWith("state:"));
    const rest = new Map([...cut(3, 7), ...states]);
    const second = runProgram(program, rest, { ...sizes, time: 4, past: 3 });
    for (const [name, value] of second) {
      expectClose(value, name.startsWith("state:") ? whole.get(name)! : steps(whole.get(name)!, 3, 7)); // prettier-ignore
    }
    expectClose(first.get("output:y")!, steps(whole.get("output:y")!, 0, 3));
  });

  test("sequences of a batch do not see each other", () => {
    const program = unroll(selfReferentialStep());
    const inputs = drawInputs(program, sizes);
    const whole = runProgram(program, inputs, sizes).get("output:y")!;
    const one = new Map([...inputs].map(([k, v]) => [k, k.startsWith("parameter") ? v : half(v)]));
    expectClose(runProgram(program, one, { ...sizes, batch: 1 }).get("output:y")!, half(whole));
  });

  test("initial values from a number and from a parameter", () => {
    const program = unroll(deltaStep());
    const inputs = drawInputs(program, sizes);
    const w0 = inputs.get("parameter:W0")!;
    inputs.set("state:W", { shape: [2, 4, 3], data: Float64Array.of(...w0.data, ...w0.data) });
    const expected = runProgram(program, inputs, sizes);
    const started = withInitialStates(program);
    verifyProgram(started);
    expect(started.inputs.some((p) => p.role === "state")).toBe(false);
    inputs.delete("state:W");
    expectMapsClose(runProgram(started, inputs, sizes), expected);

    const cell = unroll(cellStep());
    const zero = drawInputs(cell, sizes);
    for (const name of ["state:h", "state:c"]) zero.get(name)!.data.fill(0);
    expectMapsClose(
      runProgram(withInitialStates(cell, ["c"]), zero, sizes),
      runProgram(cell, zero, sizes),
    );
  });
});
