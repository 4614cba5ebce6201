/** Sums of products re-associated before compiling mean what they meant. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { stage } from "../../compiler/derive/index.ts";
import { dim } from "../../compiler/dims.ts";
import { runProgram, simplifyProgram, unroll, type NodeId } from "../../compiler/graph/index.ts";
import { optimiseProgram } from "../../compiler/optimise/index.ts";
import { drawInputs, StepBuilder } from "../support/steps.ts";

/** A value under three axes: a number, an input that has some of the axes, or values put together. */
type Value =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "input"; readonly axes: readonly number[] }
  | { readonly kind: "tanh"; readonly of: Value }
  | { readonly kind: "add" | "sub" | "mul"; readonly a: Value; readonly b: Value };

const SIZES = [2, 3, 4].map(dim);
const subset = fc.subarray([0, 1, 2]);

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ kind: fc.constant("input" as const), axes: subset }),
    fc.record({ kind: fc.constant("number" as const), value: fc.constantFrom(-2, 0.5, 1, 3) }),
    fc.record({ kind: fc.constant("tanh" as const), of: tie("value") }),
    fc.record({
      kind: fc.constantFrom("add" as const, "sub" as const, "mul" as const),
      a: tie("value"),
      b: tie("value"),
    }),
  ),
}));

function build(s: StepBuilder, x: Value): NodeId {
  switch (x.kind) {
    case "number":
      return s.body.fill(x.value, SIZES);
    case "input": {
      const own = s.input(`x${s.inputs.length}`, x.axes.map((a) => SIZES[a]!)); // prettier-ignore
      return s.body.broadcast(own, x.axes, SIZES);
    }
    case "tanh":
      return s.body.unary("tanh", build(s, x.of));
    default:
      return s.body[x.kind](build(s, x.a), build(s, x.b));
  }
}

test("a sum over some axes of sums and products of values that have some of the axes", () => {
  fc.assert(
    fc.property(value, subset, fc.boolean(), (x, summed, inLoop) => {
      const s = new StepBuilder("sum");
      s.outputs.push({ name: "y", node: s.body.sum(build(s, x), summed) });
      const step = s.finish();
      const plain = unroll(step);
      const sizes = { batch: 2, time: 3, past: 0 };
      const inputs = drawInputs(plain, sizes);
      const cheaper = optimiseProgram(simplifyProgram(inLoop ? plain : stage(step)));
      const wanted = runProgram(plain, inputs, sizes).get("output:y")!.data;
      const found = runProgram(cheaper, inputs, sizes).get("output:y")!.data;
      // Terms may cancel: what is left is as exact as they were.
      const scale = 1 + Math.max(...wanted.map(Math.abs));
      const errors = wanted.map((w, i) => Math.abs(w - found[i]!) / scale);
      expect(Math.max(...errors)).toBeLessThanOrEqual(1e-10);
    }),
    { numRuns: 500, seed: 1 },
  );
});
