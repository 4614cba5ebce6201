/** How fast matrix products and the delta rule run on the typescript target: GFLOP/s of one thread. */
import { BATCH, dim, TIME, type Shape } from "../compiler/dims.ts";
import { GraphBuilder } from "../compiler/graph/builder.ts";
import type { NodeId } from "../compiler/graph/ir.ts";
import { compileEntry } from "../compiler/plan/entry.ts";
import { compileTypeScript } from "../compiler/targets/typescript/index.ts";
import { loadJavaScript } from "../runtime/device/typescript.ts";
import type { Sizes } from "../runtime/format/program.ts";

const RUNS = 7;

/** Seconds of the fastest of several runs, everything compiled and warm. */
function fastest(b: GraphBuilder, result: NodeId, sizes: Sizes): number {
  const graph = b.finish();
  const port = (name: string, node: NodeId) => {
    const { shape, dtype } = graph.nodes[node]!;
    return { name, shape, dtype, node };
  };
  const entry = compileEntry(
    {
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
      inputs: graph.nodes.flatMap((n) =>
        n.op === "input" ? [{ role: "input" as const, ...port(n.name, n.id) }] : [],
      ),
      outputs: [{ role: "output", ...port("result", result) }],
    },
    "run",
  );
  const { manifest, javascript } = compileTypeScript(
    graph.name,
    {
      format: "fwp-program",
      version: 1,
      name: graph.name,
      inputs: [],
      outputs: [],
      parameters: [],
      states: [],
    },
    [entry],
  );
  const instance = loadJavaScript(javascript, manifest).instantiate("run", sizes);
  for (const i of entry.spec.inputs) {
    instance.input(i.role, i.name).forEach((_, at, data) => (data[at] = Math.sin(at) / 8));
  }
  let best = Infinity;
  for (let i = 0; i < RUNS + 3; i++) {
    const start = performance.now();
    instance.run();
    if (i >= 3) best = Math.min(best, performance.now() - start);
  }
  return best / 1000;
}

function report(what: string, flops: number, seconds: number): void {
  const rate = flops / seconds / 1e9;
  console.log(`${what.padEnd(58)} ${(seconds * 1e3).toFixed(2).padStart(9)} ms ${rate.toFixed(2).padStart(6)} GFLOP/s`); // prettier-ignore
}

function product(batch: number, time: number, k: number, n: number): void {
  const b = new GraphBuilder("product");
  const x = b.input("x", [BATCH, TIME, dim(k)]);
  const w = b.input("w", [dim(n), dim(k)]);
  const y = b.input("y", [BATCH, TIME, dim(n)]);
  const sizes = { batch, time, past: 0 };
  const flops = 2 * batch * time * k * n;
  const rows = batch * time;
  const forward = b.contract(x, [0, 1, 2], w, [3, 2], [0, 1, 3]);
  report(`[${rows} x ${k}] [${k} x ${n}]`, flops, fastest(b, forward, sizes));
  const weights = b.contract(y, [0, 1, 3], x, [0, 1, 2], [3, 2]);
  report(
    `[${n} x ${rows}] [${rows} x ${k}] (weights' gradient)`,
    flops,
    fastest(b, weights, sizes),
  );
}

function delta(heads: number, size: number, batch: number, time: number): void {
  const matrix: Shape = [dim(heads), dim(size), dim(size)];
  const vector: Shape = [dim(heads), dim(size)];
  const body = new GraphBuilder("delta");
  const w = body.input("W", matrix);
  const [k, v, q] = ["k", "v", "q"].map((n) => body.input(n, vector)) as [NodeId, NodeId, NodeId];
  const error = body.sub(v, body.contract(w, [0, 1, 2], k, [0, 2], [0, 1]));
  const next = body.add(w, body.contract(error, [0, 1], k, [0, 2], [0, 1, 2]));
  const y = body.contract(next, [0, 1, 2], q, [0, 2], [0, 1]);
  const b = new GraphBuilder("recurrence");
  const init = b.input("W", [BATCH, ...matrix]);
  const bindings = ["k", "v", "q"].map((name, i) => ({
    kind: "sequence" as const,
    input: [k, v, q][i]!,
    value: b.input(name, [BATCH, TIME, ...vector]),
  }));
  const [ys] = b.recurrence({
    body: body.finish(),
    reverse: false,
    batch: BATCH,
    time: TIME,
    carries: [{ name: "W", init, input: w, next }],
    bindings,
    outputs: [{ kind: "stack", node: y }],
    replay: null,
  });
  const flops = 6 * batch * time * heads * size * size;
  const seconds = fastest(b, ys!, { batch, time, past: 0 });
  report(
    `delta rule, ${batch} x ${time} steps of ${heads} heads of ${size} x ${size}`,
    flops,
    seconds,
  );
}

product(16, 128, 128, 512);
product(16, 128, 512, 128);
product(8, 128, 64, 256);
product(8, 64, 128, 384);
product(1, 1, 256, 256);
product(4, 63, 100, 63);
delta(4, 32, 8, 128);
delta(8, 64, 4, 64);
