import { expect, test } from "vitest";
import { execute } from "../../runtime/execute.ts";
import type { Tensor } from "../../runtime/files/safetensors.ts";
import { Instances } from "../../runtime/instances.ts";
import { cacheProgram } from "./cacheProgram.ts";
import { fakeProgram } from "./fakeProgram.ts";
import { codesFrom } from "./helpers.ts";

const tensor = (shape: number[], ...values: number[]): Tensor => ({
  shape,
  data: Float32Array.from(values),
});
const parameters = new Map([
  ["w", Float32Array.of(2)],
  ["b", Float32Array.of(1)],
]);
const run = (tensors: Record<string, Tensor>, program = fakeProgram()) =>
  execute(new Instances(program, parameters), "forward", new Map(Object.entries(tensors)), "in");

test("outputs and last states by name, from given states or the model's own", () => {
  const x = tensor([1, 2, 1], 1, 1);
  expect(run({ x })).toEqual(
    new Map([
      ["y", tensor([1, 2, 1], 4, 4.5)],
      ["state.c", tensor([1, 1], 1.5)],
    ]),
  );
  expect(run({ x, "state.c": tensor([1, 1], 4) }).get("y")).toEqual(tensor([1, 2, 1], 6, 5.5));
});

test("a growing state says how long it is", () => {
  const given = { x: tensor([1, 1, 1], 3), "state.seen": tensor([1, 2, 1], 1, 2) };
  const results = run(given, cacheProgram() as ReturnType<typeof fakeProgram>);
  expect(results.get("y")).toEqual(tensor([1, 1, 1], 6));
  expect(results.get("state.seen")).toEqual(tensor([1, 3, 1], 1, 2, 3));
});

test.each<[string, Record<string, Tensor>, string[]]>([
  ["nothing", {}, ["fwp6030"]],
  ["a missing axis", { x: tensor([1, 2], 1, 1) }, ["fwp6032"]],
  ["no steps", { x: tensor([1, 0, 1]) }, ["fwp6032"]],
  [
    "a state of another batch, and a name that is close",
    { x: tensor([1, 1, 1], 1), "state.c": tensor([2, 1], 1, 1), "state.d": tensor([1, 1], 1) },
    ["fwp6032", "fwp6031"],
  ],
])("refuses %s", async (_, tensors, codes) => {
  expect(await codesFrom(() => run(tensors))).toEqual(codes);
});
