/** Products with one-hot rows are rows of a table. */
import { expect, test } from "vitest";
import { BATCH, dim, TIME } from "../../compiler/dims.ts";
import { algebra, GraphBuilder, interpret, type NodeId } from "../../compiler/graph/index.ts";
import { tensor } from "../../compiler/graph/tensor.ts";
import { expectMapsClose } from "../support/compare.ts";
import { drawNormal } from "../support/draw.ts";

const sizes = { batch: 2, time: 4, past: 0 };
const n = dim(5);

type Contract = GraphBuilder["contract"];

function build(choose: (b: GraphBuilder) => Contract) {
  const b = new GraphBuilder("chosen");
  const index = b.input("index", [BATCH, TIME], "int");
  const scale = b.input("scale", [BATCH, TIME]);
  const table = b.input("table", [dim(3), n]);
  const cube = b.input("cube", [dim(2), n, dim(3)]);
  const own = b.input("own", [BATCH, n]);
  const hot = b.place(index, b.fill(1, [BATCH, TIME]), n);
  const scaled = b.place(index, scale, n);
  const contract = choose(b);
  b.output("rows", contract(table, [9, 5], hot, [0, 1, 5], [0, 1, 9]));
  b.output("turned", contract(hot, [0, 1, 5], table, [9, 5], [9, 1, 0]));
  b.output("scaled", contract(table, [9, 5], scaled, [0, 1, 5], [0, 1, 9]));
  b.output("cube", contract(cube, [7, 5, 8], hot, [0, 1, 5], [7, 0, 8, 1]));
  // Summed over steps, of one row each per sequence, or not summed over what is hot: products as before.
  b.output("counts", contract(table, [9, 5], hot, [0, 1, 5], [0, 9]));
  b.output("own", contract(own, [0, 5], hot, [0, 1, 5], [0, 1]));
  b.output("outer", contract(table, [9, 6], hot, [0, 1, 5], [0, 1, 5, 9]));
  return b.finish();
}

test("a product with one-hot rows is a choice of rows, whatever the order of axes", () => {
  const plain = build((b) => b.contract.bind(b));
  const made = build(
    (b) =>
      (...args: Parameters<Contract>) =>
        algebra.contract(b, ...args),
  );
  const inputs = new Map([
    ["index", tensor([2, 4], [0, 4, 2, 2, 1, 3, 0, 4])],
    ["scale", drawNormal([2, 4], "scale")],
    ["table", drawNormal([3, 5], "table")],
    ["cube", drawNormal([2, 5, 3], "cube")],
    ["own", drawNormal([2, 5], "own")],
  ]);
  expectMapsClose(interpret(made, inputs, sizes), interpret(plain, inputs, sizes));
  const reaches = (name: string): boolean => {
    const seen = (id: NodeId): boolean => {
      const node = made.nodes[id]!;
      if (node.op === "gather") return true;
      return (
        ("x" in node && seen(node.x)) || (node.op === "binary" && (seen(node.a) || seen(node.b)))
      );
    };
    return seen(made.outputs.find((o) => o.name === name)!.node);
  };
  const all = ["rows", "turned", "scaled", "cube", "counts", "own", "outer"];
  expect(all.filter(reaches)).toEqual(["rows", "turned", "scaled", "cube"]);
});
