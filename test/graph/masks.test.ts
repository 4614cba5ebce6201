import { expect, test } from "vitest";
import { BATCH, dim, TIME } from "../../compiler/dims.ts";
import { algebra, GraphBuilder, interpret, type NodeId } from "../../compiler/graph/index.ts";
import { drawNormal } from "../support/draw.ts";
import { expectMapsClose } from "../support/compare.ts";

const sizes = { batch: 2, time: 5, past: 0 };
const d = dim(3);

/** Values per query under a causal mask, `[batch, time, time, 3]`: what the contractions below are given. */
function build(contract: (b: GraphBuilder) => GraphBuilder["contract"]) {
  const b = new GraphBuilder("masks");
  const p = b.input("p", [BATCH, TIME, TIME]);
  const q = b.input("q", [BATCH, TIME, d]);
  const v = b.input("v", [BATCH, TIME, d]);
  const i = b.iota(TIME);
  const square = [TIME, TIME];
  const seen = b.binary("le", b.broadcast(i, [1], square), b.broadcast(i, [0], square));
  const shape = [BATCH, TIME, TIME, d];
  const repeated = b.broadcast(v, [0, 2, 3], shape);
  const masked = b.select(b.broadcast(seen, [1, 2], shape), repeated, b.fill(0, shape));
  const make = contract(b);
  b.output("mixed", make(p, [0, 1, 2], masked, [0, 1, 2, 3], [0, 1, 3]));
  b.output("scores", make(masked, [0, 1, 2, 3], q, [0, 1, 3], [0, 2, 1]));
  b.output("gone", make(masked, [0, 1, 2, 3], q, [0, 1, 3], [0, 1]));
  return b.finish();
}

test("a mask on repeated values moves to the other operand or to the result", () => {
  const plain = build((b) => b.contract.bind(b));
  const moved = build(
    (b) =>
      (...args) =>
        algebra.contract(b, ...args),
  );
  const inputs = new Map(
    [["p", [2, 5, 5]] as const, ["q", [2, 5, 3]] as const, ["v", [2, 5, 3]] as const].map(
      ([name, shape]) => [name, drawNormal(shape, name)] as const,
    ),
  );
  expectMapsClose(interpret(moved, inputs, sizes), interpret(plain, inputs, sizes));
  const rank = (id: NodeId) => moved.nodes[id]!.shape.length;
  const products = moved.nodes.filter((n) => n.op === "contract");
  expect(products.slice(0, 2).every((n) => n.op === "contract" && rank(n.a) + rank(n.b) < 7)).toBe(
    true,
  );
});
