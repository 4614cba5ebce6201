import * as fc from "fast-check";
import { expect, test } from "vitest";
import { analyse } from "../../../compiler/derive/analyse/index.ts";
import { interpret, unroll, type Tensor } from "../../../compiler/graph/index.ts";
import { drawInts, drawNormal } from "../../support/draw.ts";
import { randomStep } from "../randomStep.ts";

const sizes = { batch: 1, time: 1, past: 0 };

test("what is called affine is affine", () => {
  const draws = fc.array(fc.integer({ min: 0, max: 1 << 20 }), { minLength: 20, maxLength: 90 });
  let affine = 0;
  fc.assert(
    fc.property(draws, (list) => {
      const program = unroll(randomStep(list));
      const node = program.graph.nodes.find((n) => n.op === "recurrence");
      if (node?.op !== "recurrence") throw new Error("a step without a loop");
      const { body, carries } = node.recurrence;
      for (const set of analyse(node.recurrence)) {
        if (set.class === "nonlinear") continue;
        affine++;
        const states = new Set(set.carries.map((c) => carries[c]!.input));
        const outputs = set.carries.map((c) => ({
          name: carries[c]!.name,
          node: carries[c]!.next,
        }));
        // f(s) + f(t) = 2 f((s + t) / 2), all else being equal.
        const at = (one: number, other: number): Map<string, Tensor> => {
          const inputs = new Map<string, Tensor>();
          for (const n of body.nodes) {
            if (n.op !== "input") continue;
            const shape = n.shape.map((d) => Number(d.terms[0]?.coefficient ?? 0));
            const [s, t] = [drawNormal(shape, `s.${n.name}`), drawNormal(shape, `t.${n.name}`)];
            const mixed = { shape, data: s.data.map((x, i) => one * x + other * t.data[i]!) };
            const fixed = n.dtype === "int" ? drawInts(shape, n.name, 2) : s;
            inputs.set(n.name, states.has(n.id) ? mixed : fixed);
          }
          return interpret({ ...body, outputs }, inputs, sizes);
        };
        const [first, second, middle] = [at(1, 0), at(0, 1), at(0.5, 0.5)];
        for (const { name } of outputs) {
          const [a, b] = [first.get(name)!.data, second.get(name)!.data];
          middle.get(name)!.data.forEach((m, i) => {
            const size = Math.abs(a[i]!) + Math.abs(b[i]!) + Math.abs(m);
            if (size < 1e9) expect(Math.abs(a[i]! + b[i]! - 2 * m)).toBeLessThanOrEqual(1e-9 * (1 + size)); // prettier-ignore
          });
        }
      }
    }),
    { numRuns: 400, seed: 5 },
  );
  expect(affine).toBeGreaterThan(100);
});
