/** First weights, drawn by a thread beside this one, which has a model to compile meanwhile. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";

export type Parameters = Pick<ProgramManifest, "parameters">;
export type Weights = ReadonlyMap<string, Float32Array>;
export interface Asked {
  readonly parameters: Parameters["parameters"];
  readonly seed: number;
}

/** So many numbers take longer to draw than a thread takes to start. */
const WORTH_A_THREAD = 500_000;

const count = ({ parameters }: Parameters): number =>
  parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** Begins to draw first weights; they are there when what this gives has been called and waited for. The same bits either way. */
export function drawWeights(manifest: Parameters, seed: number): () => Promise<Weights> {
  const here = () => initialize(manifest, seed);
  if (availableParallelism() < 2 || count(manifest) < WORTH_A_THREAD) return async () => here();
  const asked: Asked = { parameters: manifest.parameters, seed };
  const worker = new Worker(new URL("./draw.js", import.meta.url), { workerData: asked });
  // Nobody waits for it unless its weights are wanted.
  worker.unref();
  const drawn = new Promise<Weights | null>((resolve) => {
    worker.once("message", resolve);
    worker.once("error", () => resolve(null));
    worker.once("exit", () => resolve(null));
  });
  return async () => {
    worker.ref();
    // What went wrong there goes wrong here too, where it is reported; or it was only the thread.
    return (await drawn) ?? here();
  };
}
