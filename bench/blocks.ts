/**
 * The block of sums at the heart of every product: how many rows and columns, and what the panels hold. The planner's
 * choice (compiler/plan/product.ts) is the fastest found here. Registers set the limit: every sum wants one, and the
 * engine has fifteen.
 */
import { medianOf, processorTime } from "./measure.ts";

type Panel = "f32" | "f64";
type Kernel = (rows: Data, columns: Data, depth: number, panels: number, out: Data) => void;
type Data = Float32Array | Float64Array;

export interface BlockSpeed {
  readonly rows: number;
  readonly columns: number;
  readonly panel: Panel;
  readonly gigaflops: number;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** All panels of columns times one panel of rows, as the generated kernels do it. */
function blockKernel(rows: number, columns: number): Kernel {
  const sums = range(rows).flatMap((r) => range(columns).map((c) => `s${r}_${c}`));
  const terms = range(rows).flatMap((r) => [
    `const x${r} = rows[k + ${r}];`,
    ...range(columns).map((c) => `s${r}_${c} = s${r}_${c} + x${r} * y${c};`),
  ]);
  const body = `
    const end = depth * ${rows} | 0;
    for (let p = 0; p < panels; p++) {
      ${sums.map((s) => `let ${s} = 0;`).join(" ")}
      let q = Math.imul(p, depth) * ${columns} | 0;
      for (let k = 0; k < end; k += ${rows}) {
        ${range(columns)
          .map((c) => `const y${c} = columns[q + ${c}];`)
          .join(" ")}
        ${terms.join("\n        ")}
        q = q + ${columns} | 0;
      }
      ${sums.map((s, i) => `out[p * ${rows * columns} + ${i}] = ${s};`).join(" ")}
    }`;
  return new Function("rows", "columns", "depth", "panels", "out", body) as Kernel;
}

function panelOf(kind: Panel, length: number): Data {
  const data = kind === "f32" ? new Float32Array(length) : new Float64Array(length);
  return data.map((_, i) => Math.sin(i));
}

const DEPTH = 64;
const WIDTH = 256;
const REPEATS = 64;

function speedOf(rows: number, columns: number, panel: Panel, rounds: number): BlockSpeed {
  // A function of its own for each: the engine would widen one that sees arrays of two types.
  const kernel = blockKernel(rows, columns);
  const panels = Math.floor(WIDTH / columns);
  const x = panelOf(panel, DEPTH * rows);
  const y = panelOf(panel, DEPTH * columns * panels);
  const out = new Float32Array(panels * rows * columns);
  const times = range(rounds + 20).map(() => {
    const start = processorTime();
    for (let i = 0; i < REPEATS; i++) kernel(x, y, DEPTH, panels, out);
    return processorTime() - start;
  });
  const flops = 2 * REPEATS * panels * DEPTH * rows * columns;
  return { rows, columns, panel, gigaflops: flops / medianOf(times.slice(20)) / 1e6 };
}

const SHAPES = [
  [2, 2],
  [4, 2],
  [2, 4],
  [3, 3],
  [6, 2],
  [4, 3],
  [4, 4],
] as const;

/** Speeds of every block and panel. */
export const blockSpeeds = (rounds: number): BlockSpeed[] =>
  SHAPES.flatMap(([rows, columns]) =>
    (["f32", "f64"] as const).map((panel) => speedOf(rows, columns, panel, rounds)),
  );
