import * as fc from "fast-check";
import { expect, test } from "vitest";
import { dim } from "../../../compiler/dims.ts";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { unroll, withGradients } from "../../../compiler/graph/index.ts";
import type { NodeId, StepProgram } from "../../../compiler/graph/ir.ts";
import { StepBuilder } from "../../support/steps.ts";
import { expectSame } from "./helpers.ts";

/**
 * Decays, writes and reads in any order, the reads from either side, at keys made of inputs and of what earlier reads said;
 * some of the writes take in reads whose keys are inputs.
 */
function nestedRule(draws: readonly number[]): StepProgram {
  let at = 0;
  const draw = (n: number): number => (draws[at++ % draws.length]! >>> 0) % n;
  const step = new StepBuilder("nested");
  const b = step.body;
  const [h, m, n] = [dim(1 + draw(2)), dim(1 + draw(3)), dim(1 + draw(3))];
  let w = step.state("W", [h, m, n]);
  let count = 0;
  const input = (own: readonly (typeof h)[]): NodeId =>
    b.scaleBy(b.unary("tanh", step.input(`x${count++}`, own)), 0.7);
  // By side: [h, n] for reads W a, [h, m] for reads Wᵀ p.
  const free = { key: [input([h, n]), input([h, n])], value: [input([h, m])] };
  const asked: { key: NodeId[]; value: NodeId[] } = { key: [], value: [] };
  const pick = (list: readonly NodeId[]): NodeId => list[draw(list.length)]!;
  const any = (side: "key" | "value"): NodeId => {
    const own = pick(free[side]);
    if (asked[side].length === 0) return own;
    const said = b.unary("tanh", pick(asked[side]));
    return draw(2) === 0 ? said : b.mul(b.add(own, said), own);
  };
  const down = (key: NodeId): NodeId => b.contract(w, [0, 1, 2], key, [0, 2], [0, 1]);
  const up = (key: NodeId): NodeId => b.contract(w, [0, 1, 2], key, [0, 1], [0, 2]);
  const events: (() => void)[] = [
    () => (w = b.mul(w, b.broadcast(b.unary("sigmoid", input([h])), [0], [h, m, n]))),
    () => (w = b.mul(w, b.broadcast(b.unary("sigmoid", input([h, n])), [0, 2], [h, m, n]))),
    () => asked.value.push(down(any("key"))),
    () => asked.value.push(down(any("key"))),
    () => asked.key.push(up(any("value"))),
    () => {
      const old = b.scaleBy(down(pick(free.key)), 0.3 * draw(3));
      w = b.add(w, b.contract(b.sub(input([h, m]), old), [0, 1], pick(free.key), [0, 2], [0, 1, 2])); // prettier-ignore
    },
  ];
  const length = 4 + draw(6);
  for (let i = 0; i < length; i++) events[draw(events.length)]!();
  events[5]!();
  step.update("W", w);
  asked.value.push(down(any("key")));
  step.outputs.push({ name: "y", node: b.unary("tanh", down(any("key"))) });
  step.outputs.push({ name: "z", node: asked.key.at(-1) ?? asked.value[0]! });
  return step.finish();
}

test("reads that ask with reads, from both sides, anywhere in the step: by chunks as step by step", () => {
  const draws = fc.array(fc.integer({ min: 0, max: 1 << 20 }), { minLength: 20, maxLength: 60 });
  let replaced = 0;
  fc.assert(
    fc.property(draws, fc.integer({ min: 1, max: 8 }), (list, length) => {
      const step = nestedRule(list);
      const { program, kept } = chunk(stage(step), { length, elementwise: true });
      if (kept[0] === null) replaced++;
      const [plain, chunked] = [unroll(step), program].map((p) => withGradients(p));
      expectSame({ plain: plain!, chunked: chunked! }, { batch: 2, time: 9, past: 0 });
    }),
    { numRuns: 80, seed: 11 },
  );
  expect(replaced).toBeGreaterThan(65);
});
