/** The `wasm` target beside the two others: the demo's training step, products, recurrences. */
import { nativeSupport } from "../runtime/device/native/index.ts";
import type { Effort } from "./measure.ts";
import { demoTimes, productTimes, recurrenceTimes, type Timed } from "./targets.ts";
import { flopsOf, runTime, type Row } from "./parts.ts";
import type { Target } from "../cli/targets.ts";
import { characterModel } from "./specs.ts";
import { loadTfjsWasm } from "./tfjs.ts";

/** Milliseconds on WebAssembly, how many times faster than JavaScript, and how many times slower than native code. */
function rowOf({ what, times, flops }: Timed): Row {
  const [wasm = 0, typescript = 0, native] = times;
  const against = `${(typescript / wasm).toFixed(1)} × typescript (${typescript.toPrecision(3)} ms)`;
  const beside =
    native === undefined
      ? ""
      : `, ${(native / wasm).toFixed(2)} × native (${native.toPrecision(3)} ms)`;
  return {
    group: "wasm",
    what,
    milliseconds: wasm,
    gigaflops: flops / wasm / 1e6,
    note: against + beside,
  };
}

/** The forward pass of the demo's language model beside the WebAssembly backend of TensorFlow.js. */
async function forwardBesideTfjs(effort: Effort): Promise<Row> {
  const made = await characterModel(["forward"], "wasm");
  const { manifest } = made.compiled;
  const batch = made.task.batch("train", 0, made.train.batch);
  const instance = made.instances.make("forward", {
    batch: batch.batch,
    time: batch.time,
    past: 0,
  });
  instance.input("input", "tokens").set(batch.fields.get("tokens")!);
  const { tfjsForward } = await loadTfjsWasm();
  const shapes = new Map(manifest.parameters.map((p) => [p.name, p.shape]));
  const parameters = new Map(
    [...made.instances.parameters].map(([name, data]) => [
      name,
      { shape: shapes.get(name)!, data: Float32Array.from(data) },
    ]),
  );
  const theirs = await tfjsForward(parameters);
  instance.run();
  const difference = largestDifference(instance.output("output", "logits"), theirs(batch));
  if (!(difference < 1e-3)) throw new Error(`the two differ by ${difference}`);
  const [ours, tfjs] = [
    runTime(instance, effort),
    runTime({ run: () => void theirs(batch) }, effort),
  ];
  return {
    group: "wasm",
    what: "forward pass of the demo",
    milliseconds: ours,
    gigaflops: flopsOf(made, "forward", instance) / ours / 1e6,
    note: `${(tfjs / ours).toFixed(1)} × TensorFlow.js on WebAssembly (${tfjs.toPrecision(3)} ms)`,
  };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

export async function wasmRows(effort: Effort): Promise<Row[]> {
  const native: readonly Target[] = nativeSupport().works ? ["native"] : [];
  const targets: readonly Target[] = ["wasm", "typescript", ...native];
  const timed = [
    await demoTimes(targets, effort),
    ...productTimes(targets, effort),
    ...recurrenceTimes(targets, effort),
  ];
  return [await forwardBesideTfjs(effort), ...timed.map(rowOf)];
}
