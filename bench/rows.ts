/** What is measured, beside the training step of the demo model. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { packageRoot, specsFolder } from "../cli/install.ts";
import { QUICK, compare, measure, medianOf, type Effort } from "./measure.ts";
import { count, DELTA, filled, flopsOf, perSecond, runTime, SYSTEMS, type Row } from "./parts.ts";
import { blockSpeeds } from "./blocks.ts";
import { buildingRows } from "./building.ts";
import { forwardRows } from "./forward/index.ts";
import { lengthRows } from "./length.ts";
import { nativeRows } from "./native.ts";
import { wasmRows } from "./wasm.ts";
import { characterModel, layer } from "./specs.ts";
import type { Instance } from "../runtime/device/program.ts";
import { Session } from "../runtime/session.ts";

export interface Group {
  readonly name: string;
  readonly about: string;
  run(effort: Effort): Row[] | Promise<Row[]>;
}

function products(effort: Effort): Row[] {
  const rows = 1024;
  const text = "layer Dense(to: int) { in x: [width]  out y: [to] = linear(x, bias: false) }\n";
  const shapes = [
    [64, 64],
    [64, 256],
    [256, 64],
    [64, 89],
    [256, 256],
  ] as const;
  return shapes.flatMap(([width, to]) => {
    const made = layer({ text }, "Dense", [`width=${width}`, `to=${to}`], ["forward", "gradient"]);
    const nominal = 2 * rows * width * to;
    return (["forward", "gradient"] as const).map((entry): Row => {
      const milliseconds = runTime(filled(made, entry, 8, rows / 8), effort);
      // The second entry gives the result too.
      const flops = entry === "forward" ? nominal : 3 * nominal;
      const what = `product ${rows} × ${width} × ${to}${entry === "forward" ? "" : " and its two gradients"}`;
      return {
        group: "products",
        what,
        milliseconds,
        gigaflops: flops / milliseconds / 1e6,
        note: "",
      };
    });
  });
}

/** What the planner's choice of block rests on. */
function blocks(effort: Effort): Row[] {
  return blockSpeeds(8 * effort.rounds).map(({ rows, columns, panel, gigaflops }) => ({
    group: "blocks",
    what: `block of ${rows} × ${columns} sums, panels of ${panel}`,
    milliseconds: null,
    gigaflops,
    note: "",
  }));
}

function recurrences(effort: Effort): Row[] {
  return SYSTEMS.flatMap(({ what, spec, name, settings, batch, time }) => {
    const made = layer(spec, name, settings, ["forward", "gradient"]);
    return (["forward", "gradient"] as const).map((entry): Row => {
      const instance = filled(made, entry, batch, time);
      const milliseconds = runTime(instance, effort);
      const way = entry === "forward" ? "forward" : "forward and backward";
      return {
        group: "recurrences",
        what: `${what}, batch ${batch}, ${time} steps, ${way}`,
        milliseconds,
        gigaflops: flopsOf(made, entry, instance) / milliseconds / 1e6,
        note: perSecond(batch * time, milliseconds),
      };
    });
  });
}

/** The delta rule on long sequences: the time loop and the loop over chunks, in turns. */
function chunks(effort: Effort): Row[] {
  const [batch, time] = [1, 2048];
  const entries = ["forward", "gradient"] as const;
  const forms = ["sequential", "chunk"] as const;
  const made = forms.map((form) =>
    layer({ text: DELTA }, "Memory", ["heads=4", "size=64"], entries, { form }),
  );
  return entries.flatMap((entry) => {
    const instances = made.map((m) => filled(m, entry, batch, time));
    const [loop, chunk] = instances as [Instance, Instance];
    const times = compare(
      () => loop.run(),
      () => chunk.run(),
      effort,
    ).map((t) => t.processor);
    const ratio = times[0]! / times[1]!;
    const way = entry === "forward" ? "forward" : "forward and backward";
    return forms.map((form, i): Row => {
      const milliseconds = times[i]!;
      const flops = flopsOf(made[i]!, entry, instances[i]!);
      const what = `delta rule, 4 heads of 64, ${time} steps, ${form === "chunk" ? "by chunks" : "step by step"}, ${way}`;
      const shared = { group: "chunks", what, milliseconds, gigaflops: flops / milliseconds / 1e6 };
      const work = `${count(flops / 1e6)} Mflop, ${perSecond(batch * time, milliseconds)}`;
      return form === "chunk"
        ? { ...shared, note: `${work}; ${ratio.toFixed(2)} times as fast (goal: above 1)`, ratio }
        : { ...shared, note: work };
    });
  });
}

async function streaming(effort: Effort): Promise<Row[]> {
  const made = await characterModel(["step"]);
  const session = new Session(made.program, made.instances, 1);
  const { inputs } = made.compiled.manifest;
  const vocab = Math.min(...inputs.map((i) => i.vocab!));
  const tokens = Object.fromEntries(inputs.map((i) => [i.name, new Int32Array(1)]));
  const steps = 256;
  let token = 0;
  const { processor } = measure(() => {
    for (let i = 0; i < steps; i++) {
      for (const field of Object.values(tokens)) field[0] = token;
      session.step(tokens);
      token = (token + 7) % vocab;
    }
  }, effort);
  return [
    {
      group: "streaming",
      what: "one step of the demo model, batch 1",
      milliseconds: processor / steps,
      gigaflops: null,
      note: perSecond(steps, processor),
    },
  ];
}

/** The most that a whole `fwp check` may take, in milliseconds. */
const CHECK_LIMIT = 500;

/** Milliseconds of a whole process. */
function checkOnce(file: string): number {
  const main = join(packageRoot(), "dist", "bin", "fwp.js");
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [main, "check", file]);
  if (status !== 0) throw new Error(`fwp check ${file} failed: ${stderr.toString()}`);
  return performance.now() - start;
}

/** Of the spec that takes longest, its imports included. */
function checking(): Row[] {
  const files = readdirSync(specsFolder()).filter((f) => f.endsWith(".fwp"));
  const tried = files.map((file) => ({ file, time: checkOnce(join(specsFolder(), file)) }));
  const { file } = tried.sort((a, b) => b.time - a.time)[0]!;
  const times = Array.from({ length: 5 }, () => checkOnce(join(specsFolder(), file)));
  return [
    {
      group: "checking",
      what: `\`fwp check ${file}\`, the slowest spec, whole process`,
      milliseconds: medianOf(times),
      gigaflops: null,
      note: `limit ${CHECK_LIMIT} ms`,
      limit: CHECK_LIMIT,
    },
  ];
}

async function compiling(effort: Effort): Promise<Row[]> {
  const times: number[] = [];
  const rounds = effort === QUICK ? 2 : 5;
  let length = 0;
  for (let i = 0; i < rounds; i++) {
    const made = await characterModel();
    times.push(1000 * made.seconds);
    length = made.compiled.javascript.length;
  }
  return [
    {
      group: "compiling",
      what: "the demo's training step, from text to functions",
      milliseconds: medianOf(times),
      gigaflops: null,
      note: `${count(length / 1000)} kB of JavaScript`,
    },
  ];
}

export const GROUPS: readonly Group[] = [
  { name: "products", about: "dense products of the demo's shapes", run: products },
  { name: "blocks", about: "inner blocks of a product, alone", run: blocks },
  { name: "recurrences", about: "fast weights over time", run: recurrences },
  { name: "chunks", about: "a long sequence step by step and by chunks", run: chunks },
  { name: "length", about: "loops over chunks on longer and longer sequences", run: lengthRows },
  { name: "native", about: "the same as C, beside the typescript target", run: nativeRows },
  { name: "wasm", about: "the same as WebAssembly, beside both", run: wasmRows },
  {
    name: "forward",
    about: "the forward pass of the language model beside TensorFlow.js and ONNX runtimes",
    run: forwardRows,
  },
  { name: "streaming", about: "token by token", run: streaming },
  { name: "checking", about: "`fwp check` as a process", run: checking },
  { name: "compiling", about: "from spec to code", run: compiling },
  {
    name: "building",
    about: "`fwp build`, and the first use of what it builds",
    run: buildingRows,
  },
];
