import { expect, test } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { concretize } from "../../compiler/graph/concretize.ts";
import { runProgram } from "../../compiler/graph/interpret.ts";
import { unroll } from "../../compiler/graph/unroll.ts";
import { diskHost } from "../support/specs.ts";

const spec = `
map project(x: [n], m = 3) -> [m] {
  const R: [m, n] = normal(0, 1)
  R @ x
}
layer Heads() {
  in x: [2, 4]
  out y: [2, 3] = project(x)
}
`;

test("a map's matrix times a signal with more axes in front: once per head", () => {
  const project = loadProject("heads.fwp", spec, diskHost);
  const made = instantiate(project, "Heads", []);
  if (!("step" in made)) return expect.fail(JSON.stringify(made.diagnostics));
  const program = unroll(concretize(made.step, made.values));
  const x = [1, 2, 3, 4, -1, 0, 2, 5];
  const R = Array.from({ length: 12 }, (_, i) => i * i - 3);
  const inputs = new Map([
    ["input:x", { shape: [1, 1, 2, 4], data: Float64Array.from(x) }],
    ["parameter:project.R", { shape: [3, 4], data: Float64Array.from(R) }],
  ]);
  const y = runProgram(program, inputs, { batch: 1, time: 1, past: 0 }).get("output:y")!;
  const expected = [0, 1].flatMap((head) =>
    [0, 1, 2].map((row) =>
      [0, 1, 2, 3].reduce((sum, i) => sum + R[row * 4 + i]! * x[head * 4 + i]!, 0),
    ),
  );
  expect([...y.data]).toEqual(expected);
});
