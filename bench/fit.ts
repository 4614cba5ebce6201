/**
 * `npm run fit`: measures the numbers of compiler/cost/typescript.ts, or with `--target native` those of
 * compiler/cost/native.ts, on one thread of the machine it runs on, and how well they foretell the times that they were
 * fitted to.
 *
 * Loops over time of rules of many classes are compiled alone, in every form that they have, forward and backward, at several
 * sizes, and so are plain products of matrices. Then come the numbers for which the estimates of all these times are off by the
 * smallest factors. `--write` puts them into the file; `--list` shows every
 * measurement.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { packageRoot } from "../cli/install.ts";
import { alone, inForm } from "../compiler/choose/alone.ts";
import { showForm, type Form, type Use } from "../compiler/choose/index.ts";
import {
  costOf,
  estimate,
  PARTS,
  type Cost,
  type Part,
  type Speed,
} from "../compiler/cost/index.ts";
import { analyse, chunkedAs, stage } from "../compiler/derive/index.ts";
import type { SequenceProgram } from "../compiler/graph/program.ts";
import { optimiseProgram } from "../compiler/optimise/index.ts";
import { compileEntry, type CompiledEntry } from "../compiler/plan/entry.ts";
import type { Instance } from "../runtime/device/program.ts";
import type { Sizes } from "../runtime/format/program.ts";
import { medianOf, processorTime } from "./measure.ts";
import { readOptions, refuse } from "./options.ts";
import { loadEntries, machineOf, manifestOf, type Target } from "../cli/targets.ts";
import { stepOf } from "./specs.ts";

const INPUTS = `in k: [heads, key]
  in v: [heads, value]
  in q: [heads, key]
  in b: [heads]
  in d: [heads, key]
`;
const MATRIX = "fast net { W: [heads, value, key] = 0 }";

/** One rule for each way through the compiler: without and with corrections, decays, functions; matrices and vectors. */
const RULES: Readonly<Record<string, string>> = {
  additive: `${MATRIX} program { W <- W + outer(v, k) } out y = W @ q`,
  decay: `${MATRIX} program { W <- sigmoid(b) * W + outer(v, k) } out y = W @ q`,
  diagonal: `${MATRIX} program { W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j]) + outer(v, k) } out y = W @ q`,
  delta: `${MATRIX} program { W <- W + sigmoid(b) * outer(v - W @ k, k) } out y = W @ q`,
  squashed: `${MATRIX} program { W <- tanh(W + outer(v, k)) } out y = W @ q`,
  gate: "fast net { h: [heads, key] = 0 } program { h <- sigmoid(d) * h + k } out y = tanh(h) * q",
  network: `weight R: [heads, key, key] = normal(0, 0.1)
    fast net { h: [heads, key] = 0 }
    program { h <- tanh(einsum(R[a, i, j], h[a, j] -> [a, i]) + k) } out y = h * q`,
  cell: `fast net { h: [heads, key] = 0 }
    program { h <- tanh(h * d + k) } out y = h * q`,
};

/** Heads, keys, values, batch, steps. */
const SIZES = [
  [4, 16, 16, 8, 128],
  [4, 32, 32, 4, 128],
  [4, 64, 64, 1, 512],
  [2, 24, 48, 2, 96],
  [1, 4, 4, 4, 64],
] as const;

const DENSE = [
  [64, 256, 1024],
  [128, 128, 512],
  [256, 64, 256],
] as const;

const LENGTHS = [8, 32, 128];

interface Job {
  readonly what: string;
  readonly program: SequenceProgram;
  readonly sizes: Sizes;
}

interface Prepared extends Job {
  readonly entry: CompiledEntry;
  readonly instance: Instance;
}

/** Programs on a target, compiled together: a C compiler is started once for many. */
function prepare(jobs: readonly Job[], target: Target): Prepared[] {
  const machine = machineOf(target);
  const entries = jobs.map(({ program }, i) => compileEntry(program, `run${i}`, { machine }));
  const env = { ...process.env, FWP_THREADS: "1" };
  const loaded = loadEntries(target, entries, manifestOf("fit", target, entries), { env });
  return jobs.map((job, i) => ({
    ...job,
    entry: entries[i]!,
    instance: loaded.instantiate(`run${i}`, job.sizes),
  }));
}

/** Milliseconds on a processor, warm; of several rounds the fastest, in which the engine did nothing else. */
function time({ entry, instance }: Prepared): number {
  for (const { role, name } of entry.spec.inputs) {
    const data = instance.input(role, name);
    for (let i = 0; i < data.length; i++) data[i] = Math.sin(12.9898 * (i + 1)) / 8;
  }
  const run = (repeats: number): number => {
    const start = processorTime();
    for (let i = 0; i < repeats; i++) instance.run();
    return (processorTime() - start) / repeats;
  };
  // By time on the processor: on a busy machine the clock runs on while the engine has not yet optimised.
  const [start, least] = [processorTime(), 3];
  for (let i = 0; i < least || processorTime() - start < WARM; i++) instance.run();
  const repeats = Math.max(1, Math.ceil(6 / Math.max(run(1), 1e-3)));
  return Math.min(...Array.from({ length: 7 }, () => run(repeats)));
}

function* jobs(): Generator<Job> {
  for (const [rule, text] of Object.entries(RULES)) {
    for (const [heads, key, value, batch, steps] of SIZES) {
      const source = `layer Rule(heads = ${heads}, key = ${key}, value = ${value}) {\n  ${INPUTS}${text} }\n`;
      const staged = stage(stepOf({ text: source }, "Rule", []));
      const loop = staged.graph.nodes.find((n) => n.op === "recurrence");
      if (loop?.op !== "recurrence") throw new Error(`${rule} has no loop`);
      const sets = analyse(loop.recurrence);
      const other = chunkedAs(loop.recurrence, sets, { elementwise: true });
      const forms: Form[] = [{ form: "sequential", length: null }];
      if (other !== null) for (const length of LENGTHS) forms.push({ form: other, length });
      const program = alone(staged, loop.recurrence);
      for (const form of forms) {
        for (const use of ["prefill", "training"] as const satisfies readonly Use[]) {
          const what = `${rule} ${heads} x ${key} x ${value}, ${batch} x ${steps}, ${showForm(form)}, ${use}`;
          yield {
            what,
            program: inForm(program, form, use),
            sizes: { batch, time: steps, past: 0 },
          };
        }
      }
    }
  }
  for (const [width, to, rows] of DENSE) {
    const text = "layer Dense(to: int) { in x: [width]  out y: [to] = linear(x, bias: false) }\n";
    const step = stepOf({ text }, "Dense", [`width=${width}`, `to=${to}`]);
    const what = `product ${rows} x ${width} x ${to}`;
    yield {
      what,
      program: optimiseProgram(stage(step)),
      sizes: { batch: 4, time: rows / 4, past: 0 },
    };
  }
}

interface Measured {
  readonly what: string;
  readonly cost: Cost;
  readonly milliseconds: number;
}

/**
 * The numbers, none below zero, for which estimates and times differ by the smallest factors. Least squares of
 * (estimate − time) / √(estimate · time), which a factor too much and the same factor too little make equally large; the
 * estimates under the root are those of the round before.
 */
function fit(all: readonly Measured[]): Record<Part, number> {
  const times = all.map((m) => 1e6 * m.milliseconds);
  const counts = all.map(({ cost }) => PARTS.map((p) => cost[p]));
  const x = PARTS.map(() => 0);
  const estimateOf = (row: readonly number[]) => row.reduce((n, c, j) => n + c * x[j]!, 0);
  let before = times;
  for (let round = 0; round < 60; round++) {
    const scale = before.map((e, i) => 1 / Math.sqrt(Math.max(e, 1e-3 * times[i]!) * times[i]!));
    const rows = counts.map((row, i) => row.map((c) => c * scale[i]!));
    const rest = counts.map((row, i) => scale[i]! * (times[i]! - estimateOf(row)));
    const squares = PARTS.map((_, j) => rows.reduce((n, row) => n + row[j]! ** 2, 0));
    for (let turn = 0; turn < 3000; turn++) {
      for (const j of PARTS.keys()) {
        const up = rows.reduce((n, row, i) => n + row[j]! * rest[i]!, 0);
        const next = Math.max(0, x[j]! + (squares[j] === 0 ? 0 : up / squares[j]!));
        for (const [i, row] of rows.entries()) rest[i]! -= row[j]! * (next - x[j]!);
        x[j] = next;
      }
    }
    before = counts.map(estimateOf);
  }
  return Object.fromEntries(PARTS.map((p, i) => [p, x[i]!])) as Record<Part, number>;
}

const options = readOptions(
  {
    write: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    target: { type: "string", default: "typescript" },
  },
  `Usage: npm run fit -- [options]

  --write   puts the numbers into compiler/cost/typescript.ts
  --list    shows every measurement
  --target  typescript (the default) or native
  --help    this text`,
);
const target = options.target;
if (target !== "typescript" && target !== "native") {
  refuse(`there is no target \`${target}\`; there are: typescript, native`);
}
/** Compiled C needs no warming up. */
const WARM = target === "native" ? 30 : 300;
/** Programs that are compiled together. */
const TOGETHER = 40;

const measured: Measured[] = [];
const all = [...jobs()];
for (let i = 0; i < all.length; i += TOGETHER) {
  for (const job of prepare(all.slice(i, i + TOGETHER), target)) {
    measured.push({
      what: job.what,
      cost: costOf(job.program.graph, job.sizes),
      milliseconds: time(job),
    });
  }
  if (process.stderr.isTTY) console.error(`${measured.length} of ${all.length}`);
}
const nanoseconds = fit(measured);
for (const part of PARTS) nanoseconds[part] = Number(nanoseconds[part].toPrecision(3));
/** What lengths of chunks cost on `native` is foretold less well: measured, long ones gain what estimates do not see. */
const doubt = target === "native" ? 1.2 : 1;
const speed: Speed = { target, nanoseconds, lanes: 1, doubt };

const off = measured.map((m) => ({ ...m, off: estimate(m.cost, speed) / m.milliseconds }));
if (options.list) {
  for (const { what, milliseconds, off: ratio } of off) {
    console.log(`${what.padEnd(60)} ${milliseconds.toFixed(3).padStart(9)} ms, estimated ${ratio.toFixed(2)} times that`); // prettier-ignore
  }
}
const errors = off.map((m) => Math.abs(Math.log(m.off)));
console.log(`${measured.length} measurements; half of the estimates are within a factor of ${Math.exp(medianOf(errors)).toFixed(2)}`); // prettier-ignore
for (const part of PARTS) console.log(`  ${part.padEnd(14)} ${nanoseconds[part]} ns`);

if (options.write) {
  const path = join(packageRoot(), "compiler", "cost", `${target}.ts`);
  const text = `/** How fast the \`${target}\` target is. Written by \`npm run fit -- ${target === "typescript" ? "" : `--target ${target} `}--write\` (bench/fit.ts says how it measures). */
    import type { Speed } from "./speed.ts";
    export const ${target}Speed: Speed = ${JSON.stringify(speed)};
  `;
  writeFileSync(path, await format(text, { printWidth: 100, parser: "typescript", quoteProps: "as-needed" })); // prettier-ignore
  console.log(`wrote ${path}`);
}
