/**
 * An ONNX runtime as a process of its own, which answers as bench/peers/worker.py does. Arguments: the package's file, what
 * it runs on, how many threads, a folder with `tokens.i32` and models, the tokens' shape, and the models' chunk lengths. The
 * fastest model counts.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { writeArray } from "../peers/data.ts";
import type { Answer } from "../peers/worker.ts";
import { fastestOf, type Candidate } from "./candidates.ts";
import { TOKENS } from "./onnx_model.ts";

interface Tensor {
  readonly data: Float32Array;
}
interface Session {
  readonly outputNames: readonly string[];
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
}
/** The part of both packages that is used. */
interface Runtime {
  /** Only where it runs on WebAssembly. */
  readonly env: { readonly wasm: { numThreads?: number } };
  readonly Tensor: new (type: string, data: Int32Array, shape: readonly number[]) => Tensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
}

const say = (answer: Answer): void => console.log(JSON.stringify(answer));

const [file = "", kind = "", threadText = "1", folder = "", shape = "", ...chunks] =
  process.argv.slice(2);
const threads = Number(threadText);

async function open(): Promise<Candidate[]> {
  const loaded = (await import(pathToFileURL(file).href)) as Runtime & { default?: Runtime };
  const runtime = loaded.default ?? loaded;
  const web = kind === "wasm";
  if (web) runtime.env.wasm.numThreads = threads;
  const bytes = Uint8Array.from(readFileSync(join(folder, "tokens.i32")));
  const tokens = new runtime.Tensor(
    "int32",
    new Int32Array(bytes.buffer),
    shape.split("x").map(Number),
  );
  const options = {
    graphOptimizationLevel: "all",
    executionProviders: [web ? "wasm" : "cpu"],
    ...(web ? {} : { intraOpNumThreads: threads, interOpNumThreads: 1 }),
  };
  const opened: Candidate[] = [];
  for (const chunk of chunks.map(Number)) {
    const model = readFileSync(join(folder, `model_${chunk}.onnx`));
    const session = await runtime.InferenceSession.create(model, options);
    const [output = ""] = session.outputNames;
    const run = async () => (await session.run({ [TOKENS]: tokens }))[output]!.data;
    opened.push({ chunk, run });
  }
  return opened;
}

try {
  const { chunk, run } = await fastestOf(await open());
  say({ ready: true, facts: { chunk } });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "check") {
      writeArray(folder, "peer_logits", await run());
      say({ files: ["logits"] });
      continue;
    }
    const ms: number[] = [];
    for (let left = Number(line.split(" ")[1]); left > 0; left--) {
      const start = performance.now();
      await run();
      ms.push(performance.now() - start);
    }
    say({ ms });
  }
} catch (error) {
  say({ error: (error instanceof Error ? error.message : String(error)).split("\n")[0]! });
  process.exit(1);
}
