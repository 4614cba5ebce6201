/** A, B, C and G as they are printed, worked out with numbers, are what the interpreter makes of the step. */
import { describe, expect, test } from "vitest";
import { formulasOf } from "../../../compiler/derive/describe/index.ts";
import type { Addend } from "../../../compiler/derive/describe/transition.ts";
import { analyse, stage } from "../../../compiler/derive/index.ts";
import { constant } from "../../../compiler/dims.ts";
import { interpret, type Graph, type NodeId } from "../../../compiler/graph/index.ts";
import { elements, type Tensor } from "../../../compiler/graph/tensor.ts";
import { drawNormal } from "../../support/draw.ts";
import { ruleStep } from "../../support/rules.ts";
import { RULES } from "../analyse/rules.ts";
import { evaluate, eye, matrix, number, times, vector, type Sizes, type Value } from "./evaluate.ts"; // prettier-ignore

/** Values of all nodes that are asked for, by id. */
function values(body: Graph, ids: readonly NodeId[]): Map<NodeId, Tensor> {
  const inputs = new Map(
    body.nodes.flatMap((n) =>
      n.op === "input"
        ? [
            [
              n.name,
              drawNormal(
                n.shape.map((d) => constant(d)!),
                n.name,
              ),
            ] as const,
          ]
        : [],
    ),
  );
  const outputs = ids.map((node) => ({ name: String(node), node }));
  const found = interpret({ ...body, outputs }, inputs, { batch: 1, time: 1, past: 0 });
  return new Map(ids.map((id) => [id, found.get(String(id))!]));
}

/** Without axes of length one. */
function squeezed({ shape, data }: Tensor): Value {
  const [m, n] = shape.filter((d) => d !== 1);
  if (m === undefined) return number(data[0]!);
  if (n === undefined) return vector([...data]);
  return matrix(Array.from({ length: m }, (_, i) => Array.from(data.slice(i * n, (i + 1) * n))));
}

/** A state as a matrix of some axes × others. */
function asMatrix({ shape, data }: Tensor, rows: readonly number[], columns: readonly number[]) {
  const strides = shape.map((_, a) => elements(shape.slice(a + 1)));
  const places = (axes: readonly number[]): number[] =>
    axes.reduce((all, a) => all.flatMap((at) => Array.from({ length: shape[a]! }, (_, i) => at + i * strides[a]!)), [0]); // prettier-ignore
  return places(rows).map((i) => places(columns).map((j) => data[i + j]!));
}

/** States of different shapes or orders of axes, and matrices along some of the keys only: not written as A and B. */
const WITHOUT = new Set([
  "pairs of keys, turned, then a delta rule over all of them",
  "two memories, each the other's keys and values exchanged",
  "the same with as many keys as values",
  "a matrix and a vector that feed each other",
]);

/** Rows that are printed, and not worked out here: a decay along one of two axes that are a key together; whole arrays. */
const UNTRIED = new Set(["pairs of keys, each turned in its own way"]);

const affine = RULES.filter((r) => r.class !== "nonlinear" && !UNTRIED.has(r.name));

describe("the transition of made-up rules, as printed", () => {
  test.each(affine.map((r) => [r.name, r] as const))("%s", (_, rule) => {
    // One head: formulas hold for each place along the axes in front.
    const step = ruleStep(rule.text, { heads: 1 });
    const { body } = step;
    let compared = 0;
    for (const node of stage(step).graph.nodes) {
      if (node.op !== "recurrence") continue;
      for (const set of analyse(node.recurrence)) {
        const { rows, named } = formulasOf(step, node.recurrence, set);
        expect(rows).toHaveLength(WITHOUT.has(rule.name) ? 0 : set.carries.length);
        const ids = [...named.map((v) => v.node), ...rows.flatMap((r) => [r.state.next, ...r.from.map((x) => x.state.node)])]; // prettier-ignore
        const found = values(body, [...new Set(ids)]);
        const names = new Map(named.map((v) => [v.symbol, squeezed(found.get(v.node)!)]));
        for (const { state, from, C, sides } of rows) {
          const { left, right } = sides;
          const all = state.shape.map((__, a) => a);
          const plain = all.filter((a) => !left.includes(a) && !right.includes(a));
          // What holds for each place along other axes is compared where these have one place each.
          if (plain.some((a) => constant(state.shape[a]!) !== 1)) continue;
          const next = asMatrix(found.get(state.next)!, left, right);
          const sizes: Sizes = { rows: next.length, columns: next[0]!.length };
          const spread = (v: Value, n: number): readonly (readonly number[])[] => {
            if (v.kind === "matrix") return v.x;
            if (v.kind === "eye") return eye(n).map((r) => r.map((x) => x * v.x));
            if (v.kind === "vector" && sizes.columns === 1) return v.x.map((x) => [x]);
            if (v.kind !== "number") throw new Error(`a ${v.kind} for a matrix`);
            return next.map((r) => r.map(() => v.x));
          };
          const of = ({ A, B, G }: Addend, old: readonly (readonly number[])[]): number[][] => {
            let made = old.map((r) => [...r]);
            if (A !== null) made = times(spread(evaluate(A, names, sizes), sizes.rows), made);
            if (B !== null) made = times(made, spread(evaluate(B, names, sizes), sizes.columns));
            if (G === null) return made;
            const factors = spread(evaluate(G, names, sizes), 1);
            return made.map((r, i) => r.map((x, j) => x * factors[i]![j]!));
          };
          const parts = from.flatMap((x) => x.addends.map((a) => of(a, asMatrix(found.get(x.state.node)!, left, right)))); // prettier-ignore
          if (C !== null) parts.push(spread(evaluate(C, names, sizes), 1).map((r) => [...r]));
          const total = next.map((r, i) => r.map((__, j) => parts.reduce((s, p) => s + p[i]![j]!, 0))); // prettier-ignore
          const wrong = Math.max(...next.flatMap((r, i) => r.map((x, j) => Math.abs(x - total[i]![j]!)))); // prettier-ignore
          expect(wrong).toBeLessThan(1e-12);
          compared++;
        }
      }
    }
    expect(compared > 0).toBe(!WITHOUT.has(rule.name));
  });
});
