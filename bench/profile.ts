/** Where the time of an entry goes: a timer around every kernel of the generated module. */
import type { Compiled } from "../compiler/pipeline.ts";
import { loadJavaScript } from "../runtime/device/typescript.ts";
import type { Program } from "../runtime/device/program.ts";
import type { Sizes } from "../runtime/format/program.ts";
import { costOf, type Cost } from "../compiler/plan/cost.ts";
import { processorTime } from "./measure.ts";

export interface KernelProfile {
  readonly name: string;
  readonly title: string;
  /** Of one run, on average, on a processor: other programs do not count. */
  readonly milliseconds: number;
  readonly share: number;
  readonly cost: Cost;
  /** 10⁹ float operations per second. */
  readonly gigaflops: number;
}

interface Watch {
  readonly now: () => number;
  readonly spent: Float64Array;
}

const WATCH = "fwpWatch";

/** The program again, with a timer around each kernel of `entry`. One at a time: the timers are global. */
export function watched(compiled: Compiled, entry: string): { program: Program; watch: Watch } {
  const found = compiled.entries.find((e) => e.spec.name === entry)!;
  const watch: Watch = {
    now: processorTime,
    spent: new Float64Array(found.kernels.length),
  };
  const place = new Map(found.kernels.map((k, i) => [k.name, i]));
  let inside = false;
  const lines = compiled.javascript.split("\n").map((line) => {
    if (line.startsWith(`export function ${entry}(`)) inside = true;
    else if (line === "}") inside = false;
    const called = inside ? /^ {2}(\w+)\(.*\);$/.exec(line)?.[1] : undefined;
    const index = called === undefined ? undefined : place.get(called);
    if (index === undefined) return line;
    return `  { const start = ${WATCH}.now(); ${line} ${WATCH}.spent[${index}] += ${WATCH}.now() - start; }`;
  });
  Object.assign(globalThis, { [WATCH]: watch });
  return { program: loadJavaScript(lines.join("\n"), compiled.manifest), watch };
}

/** Runs `run` after a warm-up and lists the kernels, the slowest first. */
export function profile(
  compiled: Compiled,
  entry: string,
  watch: Watch,
  sizes: Sizes,
  run: () => void,
  rounds = 10,
): KernelProfile[] {
  for (let i = 0; i < 5; i++) run();
  watch.spent.fill(0);
  for (let i = 0; i < rounds; i++) run();
  const { kernels } = compiled.entries.find((e) => e.spec.name === entry)!;
  const total = watch.spent.reduce((a, b) => a + b, 0);
  return kernels
    .map((kernel, i): KernelProfile => {
      const milliseconds = watch.spent[i]! / rounds;
      const cost = costOf(kernel, sizes);
      return {
        name: kernel.name,
        title: kernel.title,
        milliseconds,
        share: watch.spent[i]! / total,
        cost,
        gigaflops: cost.flops / milliseconds / 1e6,
      };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

const shown = (x: number): string => (x >= 10 ? x.toFixed(1) : x.toFixed(2));

/** As a table in Markdown. */
export function profileTable(list: readonly KernelProfile[], count: number): string {
  const rows = list.slice(0, count).map((k) => {
    const { flops, functions, loads } = k.cost;
    const numbers = [flops, functions, loads].map((n) => shown(n / 1e6)).join(" | ");
    const percent = (100 * k.share).toFixed(1);
    return `| ${k.name} | ${shown(k.milliseconds)} | ${percent} | ${numbers} | ${shown(k.gigaflops)} | ${k.title.replaceAll("|", "\\|")} |`;
  });
  return [
    "| kernel | ms | % | Mflop | M exp… | M loads | GFLOP/s | what |",
    "|---|--:|--:|--:|--:|--:|--:|---|",
    ...rows,
  ].join("\n");
}
