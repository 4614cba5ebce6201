import { expect, test } from "vitest";
import { dim } from "../../compiler/dims.ts";
import {
  GraphBuilder,
  printGraph,
  simplifyProgram,
  unroll,
  withGradients,
} from "../../compiler/graph/index.ts";
import { StepBuilder } from "../support/steps.ts";

test("one line per node that is needed", () => {
  const b = new GraphBuilder("norm");
  const x = b.input("x", [dim(4)]);
  b.unary("exp", x);
  b.origin = { label: "size", file: "norm.fwp", start: 0, end: 4 };
  const size = b.unary("sqrt", b.sum(b.mul(x, x), [0]));
  b.origin = null;
  b.output("y", b.div(x, b.broadcast(size, [], [dim(4)])));
  expect(printGraph(b.finish())).toBe(`graph norm
  %0: [4] = input x
  %2 size: [4] = %0 * %0
  %3 size: [] = sum %2 over 0
  %4 size: [] = sqrt %3
  %5: [4] = fill %4
  %6: [4] = %0 / %5
  output y = %6
`);
  expect(printGraph(b.finish(), { all: true })).toContain("%1: [4] = exp %0");
});

test("a recurrence and its adjoint", () => {
  const s = new StepBuilder("decay");
  const b = s.body;
  const x = s.input("x", []);
  const a = s.parameter("a", []);
  const h = s.state("h", []);
  const next = b.add(b.mul(a, h), x);
  s.update("h", next);
  s.outputs.push({ name: "y", node: next });
  const program = withGradients(unroll(s.finish()), { parameters: true }, { every: dim(8) });
  expect(printGraph(simplifyProgram(program).graph)).toMatchInlineSnapshot(`
    "graph decay
      %0: [batch, time] = input input:x
      %1: [] = input parameter:a
      %2: [batch] = input state:h
      %3 = recurrence
        over [batch, time]
        carry 0 h: %2 -> %4 from outer %2
        sequence %0 = outer %0
        shared %1 = outer %1
        %0: [] = input x
        %1: [] = input a
        %2: [] = input h
        %3: [] = %1 * %2
        %4: [] = %3 + %0
        result 0: stack %4
        result 1: final carry 0
        result 2: border carry 0 every 1
      %4: [batch, time] = result 0 of %3
      %5: [batch] = result 1 of %3
      %6: [batch, time] = input cotangent:y
      %7: [batch] = input cotangent:state.h
      %8: [batch, time] = result 2 of %3
      %9 = recurrence
        over [batch, time] reverse
        carry 0 cotangent.h: %3 -> %6 from outer %7
        shared %0 = outer %1
        sequence %2 = outer %6
        sequence %1 = outer %8
        %0: [] = input a
        %1: [] = input known.2
        %2: [] = input cotangent.0
        %3: [] = input cotangent.h
        %4: [] = %2 + %3
        %5: [] = %4 * %1
        %6: [] = %4 * %0
        result 0: sum %5
      %10: [] = result 0 of %9
      output output:y = %4
      output state:h = %5
      output gradient:a = %10
    "
  `);
});
