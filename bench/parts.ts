/** What several parts of the benchmark share: rows, instances with something in them, systems of published sizes. */
import { firstStates } from "../runtime/instances.ts";
import type { EntryName } from "../compiler/pipeline.ts";
import type { Data, Instance } from "../runtime/device/program.ts";
import { costOf } from "../compiler/plan/cost.ts";
import { measure, repeatsFor, type Effort } from "./measure.ts";
import type { Ready, Spec } from "./specs.ts";

export interface Row {
  /** What `--only` takes. */
  readonly group: string;
  readonly what: string;
  readonly milliseconds: number | null;
  /** 10⁹ float operations per second, where that says something. */
  readonly gigaflops: number | null;
  /** Anything else worth a column: tokens per second, a limit. */
  readonly note: string;
  /** A ratio that should be above 1. */
  readonly ratio?: number;
  /** The most milliseconds that it may take. */
  readonly limit?: number;
}

/** Small numbers that depend on their place alone. */
function fill(data: Data, below: number | null): void {
  for (let i = 0; i < data.length; i++) {
    const wave = Math.sin(12.9898 * (i + 1));
    data[i] = below === null ? wave : Math.floor(((wave + 1) / 2) * below);
  }
}

/** An instance of an entry with something in every input. */
export function filled(made: Ready, entry: EntryName, batch: number, time: number): Instance {
  const { manifest } = made.compiled;
  const instance = made.instances.make(entry, { batch, time, past: 0 });
  const first = firstStates(manifest, made.instances.parameters, batch);
  for (const { role, name } of manifest.entries.find((e) => e.name === entry)!.inputs) {
    const memory = instance.input(role, name);
    if (role === "input" || role === "cotangent") {
      fill(memory, manifest.inputs.find((i) => i.name === name)?.vocab ?? null);
    } else if (role === "state") memory.set(first.get(name)!);
  }
  return instance;
}

/** Float operations of one run, as its loops have them. */
export const flopsOf = (made: Ready, entry: EntryName, instance: Instance): number =>
  made.compiled.entries
    .find((e) => e.spec.name === entry)!
    .kernels.reduce((sum, k) => sum + costOf(k, instance.sizes).flops, 0);

/**
 * Median milliseconds of one run. On a processor, so that other programs do not count; by the clock where several threads
 * together take less of that.
 */
export function runTime(instance: Pick<Instance, "run">, effort: Effort): number {
  const repeats = repeatsFor(() => instance.run(), 5);
  const work = () => {
    for (let i = 0; i < repeats; i++) instance.run();
  };
  const { median, processor } = measure(work, effort);
  return Math.min(median, processor) / repeats;
}

export const DELTA = `import std.instructions
layer Memory(heads: int, size: int) {
  in k: [heads, size]
  in v: [heads, size]
  in q: [heads, size]
  in rate: [heads]
  fast net { W: [heads, size, size] = 0 }
  program { W <- delta(W, key: l2(k), value: v, rate: sigmoid(rate)) }
  out y: [heads, size] = W @ q
}
map l2(x: [n]) -> [n] { x * rsqrt(sum(x ^ 2) + 1e-6) }
`;

interface System {
  readonly what: string;
  readonly spec: Spec;
  readonly name: string;
  readonly settings: readonly string[];
  readonly batch: number;
  readonly time: number;
}

/** Recurrences of published sizes. */
export const SYSTEMS: readonly System[] = [
  {
    what: "delta rule, 4 heads of 64",
    spec: { text: DELTA },
    name: "Memory",
    settings: ["heads=4", "size=64"],
    batch: 8,
    time: 512,
  },
  {
    what: "Recurrent Delta Net, 4 heads of 32",
    spec: { file: "recurrent.fwp" },
    name: "RDN",
    settings: ["width=128", "heads=4", "key=32", "value=32"],
    batch: 8,
    time: 256,
  },
  {
    what: "self-referential matrix, 4 heads of 32",
    spec: { file: "self_referential.fwp" },
    name: "SRWM",
    settings: ["heads=4", "n=32"],
    batch: 8,
    time: 256,
  },
];

export const count = (n: number): string => Math.round(n).toLocaleString("en-US");
export const perSecond = (tokens: number, milliseconds: number): string =>
  `${count((1000 * tokens) / milliseconds)} tokens/s`;
