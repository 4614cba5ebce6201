/**
 * The block of sums at the heart of every product: how many rows and columns, and what the panels hold. The planner's
 * choice (compiler/plan/product.ts) is the fastest found here. Registers set the limit: every sum wants one, and the
 * engine has fifteen.
 */
import { medianOf, processorTime } from "./measure.ts";

type Panel = "f32" | "f64";
type Kernel = (count: number, out: Float32Array) => void;

export interface BlockSpeed {
  readonly rows: number;
  readonly columns: number;
  readonly panel: Panel;
  readonly gigaflops: number;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * All panels of columns times one panel of rows, as the generated kernels do it: both sides in one array that belongs to the
 * module, rows first.
 */
function blockKernel(rows: number, columns: number, panel: Panel): Kernel {
  const sums = range(rows).flatMap((r) => range(columns).map((c) => `s${r}_${c}`));
  const terms = range(rows).flatMap((r) => [
    `const x${r} = panels[x + ${r}];`,
    ...range(columns).map((c) => `s${r}_${c} = s${r}_${c} + x${r} * y${c};`),
  ]);
  const side = rows * DEPTH;
  const length = side + DEPTH * columns * Math.floor(WIDTH / columns);
  const body = `
    const module_panels = new ${ARRAYS[panel]}(${length}).map((_, i) => Math.sin(i));
    return (count, out) => {
      const panels = module_panels;
      for (let p = 0; p < count; p++) {
        ${sums.map((s) => `let ${s} = 0;`).join(" ")}
        const first = ${side} + p * ${DEPTH * columns} | 0;
        for (let k = 0; k < ${DEPTH}; k++) {
          const x = k * ${rows} | 0;
          const y = first + k * ${columns} | 0;
          ${range(columns)
            .map((c) => `const y${c} = panels[y + ${c}];`)
            .join(" ")}
          ${terms.join("\n          ")}
        }
        ${sums.map((s, i) => `out[p * ${rows * columns} + ${i}] = ${s};`).join(" ")}
      }
    };`;
  return (new Function(body) as () => Kernel)();
}

const ARRAYS: Readonly<Record<Panel, string>> = { f32: "Float32Array", f64: "Float64Array" };
const DEPTH = 64;
const WIDTH = 252;
const REPEATS = 64;

function speedOf(rows: number, columns: number, panel: Panel, rounds: number): BlockSpeed {
  const kernel = blockKernel(rows, columns, panel);
  const panels = Math.floor(WIDTH / columns);
  const out = new Float32Array(panels * rows * columns);
  const times = range(rounds + 20).map(() => {
    const start = processorTime();
    for (let i = 0; i < REPEATS; i++) kernel(panels, out);
    return processorTime() - start;
  });
  const flops = 2 * REPEATS * panels * DEPTH * rows * columns;
  return { rows, columns, panel, gigaflops: flops / medianOf(times.slice(20)) / 1e6 };
}

const SHAPES = [
  [2, 2],
  [3, 2],
  [2, 3],
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
