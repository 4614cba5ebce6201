/** Costs, against numbers worked out by hand. */
import { expect, test } from "vitest";
import { costOf, estimate, typescriptSpeed, type Cost } from "../../compiler/cost/index.ts";
import { chunk, stage } from "../../compiler/derive/index.ts";
import { withGradients } from "../../compiler/graph/index.ts";
import { simplifyProgram, type SequenceProgram } from "../../compiler/graph/index.ts";
import { ruleStep } from "../support/rules.ts";

const sizes = (batch: number, time: number) => ({ batch, time, past: 0 });
const heads = 2;
const [key, value] = [8, 16];
const step = ruleStep(
  `fast net { W: [heads, value, key] = 0 }
  program { W <- W + outer(v - W @ k, k) } out y = W @ q`,
  { heads, key, value },
);
const staged = stage(step);
const chunked = (length: number): SequenceProgram => chunk(staged, { length }).program;
const backward = (p: SequenceProgram): SequenceProgram => simplifyProgram(withGradients(p));
const cost = (p: SequenceProgram, batch: number, time: number): Cost =>
  costOf(p.graph, sizes(batch, time));

test("a step of the delta rule: two products with the matrix, one outer product", () => {
  const matrix = heads * key * value;
  const { sweeps, elementwise, products, functions, iterations, depth, kept } = cost(
    staged,
    3,
    100,
  );
  expect(sweeps).toBe(300 * 2 * 2 * matrix);
  // The outer product multiplies and adds; the error subtracts.
  expect(elementwise).toBe(300 * (2 * matrix + heads * value));
  expect([products, functions, iterations, depth, kept]).toEqual([0, 0, 300, 100, 0]);
});

test("costs add up, and grow with the batch and with time", () => {
  for (const program of [staged, chunked(8), backward(staged), backward(chunked(8))]) {
    const one = cost(program, 1, 64);
    const parts = one.products + one.loopProducts + one.sweeps + one.solves + one.elementwise + one.functions; // prettier-ignore
    expect(one.flops).toBe(parts);
    for (const more of [cost(program, 2, 64), cost(program, 1, 128)]) {
      expect(more.flops / one.flops).toBeCloseTo(2, 1);
    }
    expect(cost(program, 2, 64).depth).toBe(one.depth);
    expect(estimate(cost(program, 2, 64), typescriptSpeed)).toBeGreaterThan(estimate(one, typescriptSpeed)); // prettier-ignore
  }
});

test("chunks shorten what runs one after the other; a last piece counts as a chunk", () => {
  expect(cost(chunked(8), 1, 64).depth).toBe(8);
  expect(cost(chunked(8), 1, 65).depth).toBe(9);
  expect(cost(chunked(8), 1, 64).solves).toBeGreaterThan(0);
  expect(cost(staged, 1, 64).solves).toBe(0);
});

test("a run backwards replays, and keeps states at its borders", () => {
  const bytes = 4 * heads * key * value;
  const adjoint = cost(backward(staged), 1, 160);
  // Forward, again from the borders, and back.
  expect(adjoint.depth).toBe(3 * 160);
  // Every 16 steps one state, and the 16 of the segment at hand.
  expect(adjoint.kept).toBe(bytes * (160 / 16 + 16));
  expect(cost(backward(chunked(16)), 1, 160).kept).toBeGreaterThan(0);
});
