/** Products of matrices alone: a square one, and those of the language model with its gradients. */
import { BATCH, dim, TIME } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import type { NodeId } from "../../compiler/graph/ir.ts";
import type { SequenceProgram } from "../../compiler/graph/program.ts";
import { compileEntry } from "../../compiler/plan/entry.ts";
import { loadEntries, machineOf, manifestOf, type Target } from "../../cli/targets.ts";
import type { OurWay, Work } from "./work.ts";
import { script } from "./work.ts";

/** With x [rows, width], y [rows, to] and w [to, width]: which of them is made from the other two. */
export interface Product {
  readonly makes: "y" | "x" | "w";
  readonly rows: number;
  readonly width: number;
  readonly to: number;
}

export const SQUARE: Product = { makes: "y", rows: 1024, width: 1024, to: 1024 };
/** Steps in a batch of the language model. */
const ROWS = 2048;
const MODEL = [
  [256, 256],
  [256, 1024],
  [1024, 256],
] as const;

export const PRODUCTS: readonly Product[] = [
  SQUARE,
  ...MODEL.flatMap(([width, to]) =>
    (["y", "x", "w"] as const).map((makes) => ({ makes, rows: ROWS, width, to })),
  ),
];

const BATCHES = 8;

function programOf({ makes, width, to }: Product): SequenceProgram {
  const b = new GraphBuilder("product");
  // Axes: 0 and 1 are batch and time, 2 is `width`, 3 is `to`.
  const axes = { x: [0, 1, 2], y: [0, 1, 3], w: [3, 2] } as const;
  const shapes = {
    x: [BATCH, TIME, dim(width)],
    y: [BATCH, TIME, dim(to)],
    w: [dim(to), dim(width)],
  } as const;
  const [first, second] = { y: ["x", "w"], x: ["y", "w"], w: ["y", "x"] }[makes] as [
    keyof typeof axes,
    keyof typeof axes,
  ];
  const inputs = [first, second].map((name) => ({ name, node: b.input(name, shapes[name]) }));
  const made = b.contract(
    inputs[0]!.node,
    [...axes[first]],
    inputs[1]!.node,
    [...axes[second]],
    [...axes[makes]],
  );
  const graph = b.finish();
  const port = (name: string, node: NodeId) => {
    const { shape, dtype } = graph.nodes[node]!;
    return { name, shape, dtype, node };
  };
  return {
    name: graph.name,
    step: {
      name: graph.name,
      kind: "layer",
      body: graph,
      inputs: [],
      parameters: [],
      states: [],
      outputs: [],
      position: null,
    },
    graph,
    inputs: inputs.map(({ name, node }) => ({ role: "input" as const, ...port(name, node) })),
    outputs: [{ role: "output", ...port(makes, made) }],
  };
}

const TITLES = { y: "", x: ", gradient of the inputs", w: ", gradient of the weights" } as const;

/** Products ready to run, compiled together. */
export function productWays(
  products: readonly Product[],
  target: Target,
): ReadonlyMap<string, OurWay> {
  const machine = machineOf(target);
  const entries = products.map((p, i) => compileEntry(programOf(p), `product_${i}`, { machine }));
  const program = loadEntries(target, entries, manifestOf("products", target, entries));
  return new Map(
    products.map((p, i) => {
      const { makes, rows, width, to } = p;
      const sizes = { batch: BATCHES, time: rows / BATCHES, past: 0 };
      const { spec } = entries[i]!;
      const instance = program.instantiate(spec.name, sizes);
      for (const input of spec.inputs) {
        const memory = instance.input(input.role, input.name);
        for (let at = 0; at < memory.length; at++) memory[at] = Math.sin(12.9898 * (at + 1));
      }
      const way: OurWay = {
        what: `product ${rows} × ${width} × ${to}${TITLES[makes]}`,
        flops: 2 * rows * width * to,
        bytes: 4 * (rows * width + rows * to + to * width),
        run: () => instance.run(),
      };
      return [`${makes}:${rows}:${width}:${to}`, way];
    }),
  );
}

export const productsWork: Work = {
  name: "products",
  title: "products of matrices",
  peers: [script("products.py")("PyTorch", "torch", "torch")],
  open: (target) => ({ ways: productWays(PRODUCTS, target), notes: [] }),
};
