/** Our side: the model as it is compiled, with the weights and tokens that all sides get. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../cli/install.ts";
import { threadCount } from "../../runtime/device/native/index.ts";
import { wasmThreads } from "../../runtime/device/wasm/index.ts";
import { flopsOf } from "../parts.ts";
import { distance } from "../peers/data.ts";
import { experiment } from "../specs.ts";
import { arrange } from "./weights.ts";
import { sideOf, type Entrant, type Kind, type Work } from "./work.ts";

export const SIZES = { batch: 8, time: 256, heads: 4, size: 64, depth: 4 } as const;
/** How far logits may be apart, relative. */
const TOLERANCE = 1e-4;

export interface Ours extends Entrant {
  readonly flops: number;
  readonly logits: Float32Array;
  work(folder: string): Work;
}

export async function ours(kind: Kind): Promise<Ours> {
  const text = readFileSync(join(packageRoot(), "bench", "peers", "language_model.fwp"), "utf8");
  const made = await experiment({ text }, "language_model", [], ["forward"], kind);
  const { batch, time, depth, heads } = SIZES;
  const tokens = Int32Array.from(made.task.batch("train", 0, batch).fields.get("tokens")!);
  const instance = made.instances.make("forward", { batch, time, past: 0 });
  instance.input("input", "tokens").set(tokens);
  instance.run();
  const logits = Float32Array.from(instance.output("output", "logits"));
  const parameters = new Map(
    made.compiled.manifest.parameters.map(({ name, shape }) => {
      const data = Float32Array.from(made.instances.parameters.get(name)!);
      return [name, { shape, data }] as const;
    }),
  );
  return {
    name: kind,
    kind,
    threads: kind === "native" ? threadCount(process.env) : wasmThreads().threads,
    chunk: null,
    flops: flopsOf(made, "forward", instance),
    logits,
    side: sideOf(() => instance.run()),
    work: (folder) => ({
      sizes: SIZES,
      tokens,
      weights: arrange(parameters, depth, heads),
      folder,
      check(name, theirs) {
        const far = distance(logits, theirs);
        if (far <= TOLERANCE) return;
        throw new Error(`not the same work: the logits of ${name} are ${far.toExponential(1)} from ours`); // prettier-ignore
      },
    }),
  };
}
