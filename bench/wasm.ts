/** The `wasm` target beside the two others: the demo's training step, products, recurrences. */
import { nativeSupport } from "../runtime/device/native/index.ts";
import type { Effort } from "./measure.ts";
import { demoTimes, productTimes, recurrenceTimes, type Timed } from "./targets.ts";
import type { Row } from "./parts.ts";
import type { Target } from "../cli/targets.ts";

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

export async function wasmRows(effort: Effort): Promise<Row[]> {
  const native: readonly Target[] = nativeSupport().works ? ["native"] : [];
  const targets: readonly Target[] = ["wasm", "typescript", ...native];
  const timed = [
    await demoTimes(targets, effort),
    ...productTimes(targets, effort),
    ...recurrenceTimes(targets, effort),
  ];
  return timed.map(rowOf);
}
