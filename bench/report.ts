/** Results as text, as JSON, and as the page docs/benchmarks.md. */
import { availableParallelism } from "node:os";
import type { Demo } from "./demo.ts";
import type { KernelTime } from "../cli/profile/measure.ts";
import { short } from "./format.ts";
import { peersSection } from "./peers/report.ts";
import type { PeerResults } from "./peers/results.ts";
import type { Row } from "./parts.ts";

/** How many times faster the demo's training step has to be. */
export const RATIO_GOAL = 10;

export interface Results {
  readonly node: string;
  readonly cores: number;
  /** Most that one thread can do, 10⁹ float operations per second. */
  readonly ceiling: number;
  readonly demo: Demo | null;
  readonly rows: readonly Row[];
}

export const newResults = (ceiling: number, demo: Demo | null, rows: readonly Row[]): Results => ({
  node: process.versions.node,
  cores: availableParallelism(),
  ceiling,
  demo,
  rows,
});

export function demoLines(d: Demo): string[] {
  return [
    `demo training step (${d.description})`,
    `  fwp, target typescript    ${short(d.ours.median)} ms   ${short(d.tokensPerSecond)} tokens/s`,
    `  tfjs-core, backend cpu    ${short(d.tfjs.median)} ms`,
    `  ratio ${d.ratio.toFixed(2)} (goal ${RATIO_GOAL}), of processor time ${d.processorRatio.toFixed(2)}; first loss ${d.loss.join(" and ")}, gradient norm ${d.gradientNorm.join(" and ")}`,
  ];
}

export function rowLine(row: Row, ceiling: number): string {
  const speed =
    row.gigaflops === null
      ? ""
      : `${short(row.gigaflops)} GFLOP/s (${Math.round((100 * row.gigaflops) / ceiling)} %)  `;
  const time = row.milliseconds === null ? "" : `${short(row.milliseconds)} ms  `;
  return `${row.what}: ${time}${speed}${row.note}`;
}

const cells = (list: readonly string[]): string => `| ${list.join(" | ")} |`;

function rowsTable(rows: readonly Row[], ceiling: number): string[] {
  return [
    cells(["what", "ms", "GFLOP/s", "of the ceiling", ""]),
    cells(["---", "--:", "--:", "--:", "---"]),
    ...rows.map(({ what, milliseconds, gigaflops, note }) =>
      cells([
        what,
        milliseconds === null ? "" : short(milliseconds),
        gigaflops === null ? "" : short(gigaflops),
        gigaflops === null ? "" : `${Math.round((100 * gigaflops) / ceiling)} %`,
        note,
      ]),
    ),
  ];
}

function kernelsTable(kernels: readonly KernelTime[]): string[] {
  return [
    cells(["kernel", "ms", "share", "GFLOP/s", "computes"]),
    cells(["---", "--:", "--:", "--:", "---"]),
    ...kernels.map((k) =>
      cells([
        `\`${k.name}\``,
        short(k.milliseconds),
        `${(100 * k.share).toFixed(1)} %`,
        short(k.flops / k.milliseconds / 1e6),
        k.title.replaceAll("|", "\\|"),
      ]),
    ),
  ];
}

/** The page, whole. */
export function page(
  results: Results,
  kernels: readonly KernelTime[],
  peers: PeerResults | null,
): string {
  const { node, cores, ceiling, demo, rows } = results;
  const lines = [
    "# Benchmarks",
    "",
    "Written by `npm run bench`; do not edit. `npm run bench -- --quick` takes less time and writes nothing, `--only NAME` runs one",
    "part, `--profile` lists the kernels of the demo's training step, `--json` prints everything for tools.",
    "",
    `Measured with Node ${node} on a machine with ${cores} cores. Targets \`native\` and \`wasm\` use several threads. Times are medians after a`,
    "warm-up: of the clock for whole processes and for the two training steps, of the processor for parts, so that what else the",
    "machine does at the same time matters less.",
    "",
  ];
  if (demo !== null) {
    lines.push(
      "## The demo's training step against TensorFlow.js",
      "",
      `The character model of specs/char_lm.fwp with two layers: ${demo.description}. Forward, backward, clipping by the global norm and`,
      "AdamW. The other side is the same step written with `@tensorflow/tfjs-core` on its `cpu` backend (bench/tfjs_step.ts), from the same",
      "first weights; the benchmark stops if loss or gradient norm of the first two steps differ by more than 0.1 %. The two take turns.",
      "",
      cells(["", "ms per step", "tokens/s", "first loss", "first gradient norm"]),
      cells(["---", "--:", "--:", "--:", "--:"]),
      cells([
        "fwp, target `typescript`",
        short(demo.ours.median),
        short(demo.tokensPerSecond),
        demo.loss[0].toFixed(6),
        demo.gradientNorm[0].toFixed(6),
      ]),
      cells([
        "tfjs-core, backend `cpu`",
        short(demo.tfjs.median),
        short((demo.tokensPerSecond * demo.ours.median) / demo.tfjs.median),
        demo.loss[1].toFixed(6),
        demo.gradientNorm[1].toFixed(6),
      ]),
      "",
      `Ratio: **${demo.ratio.toFixed(1)}** (goal: at least ${RATIO_GOAL}); of the time on processors ${demo.processorRatio.toFixed(1)}.`,
      "",
    );
  }
  if (peers !== null) lines.push(...peersSection(peers));
  lines.push(
    "## Parts",
    "",
    `The ceiling is what one thread does when nothing has to be loaded: ${short(ceiling)} GFLOP/s (twelve independent chains of multiply-add`,
    "in doubles, in the same run). Products count 2 · rows · inputs · outputs; recurrences count what their loops do, recomputed",
    "states included. `--only forward` compares the forward pass of the language model with TensorFlow.js on WebAssembly, in the",
    "fastest of its forms, and with ONNX runtimes where they are installed: `npm install --prefix .peers onnxruntime-web",
    "onnxruntime-node`, or in the folder that `$FWP_PEERS_PACKAGES` names. Logits are compared first, all sides take turns, and its",
    "times are by the clock.",
    "",
    ...rowsTable(rows, ceiling),
    "",
  );
  if (kernels.length > 0) {
    lines.push(
      "## Where the demo's training step spends its time",
      "",
      "Each called alone; the slowest ones. `fwp profile` shows the same for any spec.",
      "",
      ...kernelsTable(kernels),
      "",
    );
  }
  return lines.join("\n");
}
