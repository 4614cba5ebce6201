import { describe, expect, test } from "vitest";
import { BATCH, dim, type Dim } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import { interpret } from "../../compiler/graph/interpret.ts";
import type { NodeId } from "../../compiler/graph/ir.ts";
import { bandOf } from "../../compiler/plan/bands.ts";
import { compare, instanceOf, programOf } from "./harness.ts";

const SIZES = { batch: 2, time: 1, past: 0 };

/** 1 where column + `shift` fn row of an m × n matrix. */
function mask(b: GraphBuilder, fn: "lt" | "le" | "eq", [m, n]: readonly [Dim, Dim], shift = 0) {
  const shape = [m, n];
  const column = b.broadcast(b.iota(n), [1], shape);
  const moved = shift === 0 ? column : b.add(column, b.fill(shift, shape));
  return b.binary(fn, moved, b.broadcast(b.iota(m), [0], shape));
}

test("what is known to be zero is zero, and as much as can be known", () => {
  const b = new GraphBuilder("zeros");
  const square = [dim(6), dim(6)] as const;
  const one = b.fill(1, square);
  const lower = mask(b, "lt", square);
  const identity = mask(b, "eq", square);
  const table = b.solve(b.neg(mask(b, "eq", square, 1)), identity, { lower: true, unit: true });
  const upper = b.transpose(lower, [1, 0]);
  const wide = b.broadcast(lower, [0, 2], [dim(6), dim(3), dim(6)]);
  const cases: readonly (readonly [string, NodeId, number, number, number])[] = [
    ["strictly lower", lower, 0, 1, 1],
    ["lower", mask(b, "le", square), 0, 1, 0],
    ["shifted", mask(b, "lt", square, 2), 0, 1, 3],
    ["identity, below", identity, 0, 1, 0],
    ["identity, above", identity, 1, 0, 0],
    ["turned", upper, 1, 0, 1],
    ["masked", b.mul(one, lower), 0, 1, 1],
    ["selected", b.select(lower, one, b.fill(0, square)), 0, 1, 1],
    ["a sum of two", b.add(lower, b.neg(identity)), 0, 1, 0],
    ["a table of decays", table, 0, 1, 0],
    ["a part of it", b.slice(table, 1, dim(1), dim(5)), 0, 1, 1],
    ["a part from below", b.slice(table, 0, dim(2), dim(4)), 0, 1, -2],
    ["repeated", wide, 0, 2, 1],
    ["with an axis more", b.reshape(lower, [dim(6), dim(1), dim(6)]), 0, 2, 1],
    ["scaled by rows", b.contract(lower, [0, 1], b.iota(dim(6)), [0], [0, 1]), 0, 1, 1],
    ["nothing", one, 0, 1, -Infinity],
    ["the wrong way", lower, 1, 0, -Infinity],
  ];
  const graph = b.finish();
  for (const [name, id, p, q, band] of cases) {
    expect(bandOf(graph, id, p, q), name).toBe(band);
    const { shape, data } = interpret({ ...graph, outputs: [{ name, node: id }] }, new Map(), SIZES).get(name)!; // prettier-ignore
    data.forEach((value, flat) => {
      const index: number[] = [];
      let rest = flat;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        index[axis] = rest % shape[axis]!;
        rest = Math.floor(rest / shape[axis]!);
      }
      if (index[p]! - index[q]! < band) expect(Math.abs(value), name).toBe(0);
    });
  }
});

describe("products with triangles", () => {
  for (const length of [8, 16, 19]) {
    test(`${length} steps: masked results and triangular operands`, () => {
      const b = new GraphBuilder("triangles");
      const [T, N, M] = [dim(length), dim(20), dim(33)];
      const x = b.input("x", [BATCH, T, N]);
      const y = b.input("y", [BATCH, T, N]);
      const u = b.input("u", [BATCH, T, M]);
      const pair = b.input("pair", [BATCH, T, dim(2), N]);
      const spread = (id: NodeId) => b.broadcast(id, [1, 2], [BATCH, T, T]);
      const scores = b.contract(x, [0, 1, 3], y, [0, 2, 3], [0, 1, 2]);
      const lower = spread(mask(b, "lt", [T, T]));
      const early = b.mul(scores, lower);
      const late = b.mul(b.neg(scores), b.transpose(lower, [0, 2, 1]));
      const far = b.mul(lower, b.add(spread(mask(b, "le", [T, T], 3)), b.fill(0, [BATCH, T, T])));
      const both = b.contract(pair, [0, 1, 4, 3], y, [0, 2, 3], [0, 1, 4, 2]);
      const out = {
        early,
        late,
        banded: b.mul(b.add(scores, b.fill(1, [BATCH, T, T])), far),
        pairs: b.mul(both, b.broadcast(lower, [0, 1, 3], b.shape(both))),
        read: b.contract(early, [0, 1, 2], u, [0, 2, 3], [0, 1, 3]),
        back: b.contract(early, [0, 2, 1], u, [0, 2, 3], [0, 1, 3]),
        turned: b.contract(u, [0, 2, 3], late, [0, 1, 2], [0, 3, 1]),
      };
      compare(programOf(b, out), SIZES);
      const { javascript } = instanceOf(programOf(b, { early: out.early }), SIZES, "f32");
      expect(javascript).toMatch(/if \(.* <= .*\) \{\n *const first/u);
    });
  }
});
