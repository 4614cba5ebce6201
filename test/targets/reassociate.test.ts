/** Sums of products in another order: the same values. */
import { expect, test } from "vitest";
import { BATCH, dim, TIME } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import { runProgram, type NodeId, type Tensor } from "../../compiler/graph/index.ts";
import { optimiseProgram } from "../../compiler/optimise/index.ts";
import { relativeRms } from "../support/compare.ts";
import { drawNormal } from "../support/draw.ts";
import { programOf } from "./harness.ts";

test("what repeats along a label that is summed over is counted", () => {
  const b = new GraphBuilder("sums");
  const [n, m] = [dim(3), dim(4)];
  const x = b.input("x", [BATCH, TIME, n, m]);
  const c = b.input("c", [n]);
  const u = b.input("u", [n]);
  const repeated = (id: NodeId, axes: readonly number[]) => b.broadcast(id, axes, b.shape(x));
  const outputs = {
    one: b.sum(b.add(x, b.fill(1, b.shape(x))), [3]),
    per: b.sum(b.sub(repeated(c, [2]), x), [2, 3]),
    // Lengths that are known at run time only.
    time: b.sum(b.add(x, repeated(c, [2])), [1, 3]),
    product: b.contract(b.add(x, repeated(c, [2])), [0, 1, 2, 3], u, [2], [0, 1]),
  };
  const program = programOf(b, outputs);
  const optimised = optimiseProgram(program);
  // Otherwise there would be nothing to see here.
  expect(optimised.graph.nodes.length).not.toBe(program.graph.nodes.length);
  const sizes = { batch: 2, time: 5, past: 0 };
  const inputs = new Map<string, Tensor>([
    ["input:x", drawNormal([2, 5, 3, 4], "x")],
    ["input:c", drawNormal([3], "c")],
    ["input:u", drawNormal([3], "u")],
  ]);
  const [want, got] = [runProgram(program, inputs, sizes), runProgram(optimised, inputs, sizes)];
  for (const [name, value] of want) {
    expect(got.get(name)!.shape, name).toEqual(value.shape);
    expect(relativeRms(got.get(name)!.data, value.data), name).toBeLessThan(1e-13);
  }
});
