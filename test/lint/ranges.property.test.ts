/** No value that a node takes lies outside of the range that is proved for it. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { interpret, type Tensor } from "../../compiler/graph/index.ts";
import { rangeOf } from "../../compiler/lint/products.ts";
import { Ranges } from "../../compiler/lint/ranges.ts";
import { drawInts, drawNormal } from "../support/draw.ts";
import { randomStep } from "../derive/randomStep.ts";

const sizes = { batch: 1, time: 1, past: 0 };

test("ranges hold", () => {
  const draws = fc.array(fc.integer({ min: 0, max: 1 << 20 }), { minLength: 20, maxLength: 90 });
  let bounded = 0;
  fc.assert(
    fc.property(draws, (list) => {
      const { body } = randomStep(list);
      const ranges = new Ranges(body, new Map());
      const inputs = new Map<string, Tensor>();
      for (const n of body.nodes) {
        if (n.op !== "input") continue;
        const shape = n.shape.map((d) => Number(d.terms[0]?.coefficient ?? 0));
        inputs.set(n.name, n.dtype === "int" ? drawInts(shape, n.name, 2) : drawNormal(shape, n.name)); // prettier-ignore
      }
      const outputs = body.nodes.map((n) => ({ name: String(n.id), node: n.id }));
      const values = interpret({ ...body, outputs }, inputs, sizes);
      for (const { node, name } of outputs) {
        for (const { low, high } of [ranges.at(node), rangeOf(ranges, node)]) {
          if (low === -Infinity && high === Infinity) continue;
          bounded++;
          for (const x of values.get(name)!.data) {
            if (Number.isNaN(x)) continue;
            expect(x).toBeGreaterThanOrEqual(low - 1e-9 * (1 + Math.abs(x)));
            expect(x).toBeLessThanOrEqual(high + 1e-9 * (1 + Math.abs(x)));
          }
        }
      }
    }),
    { numRuns: 300, seed: 7 },
  );
  expect(bounded).toBeGreaterThan(1000);
});
