/** The `native` target beside `typescript`: the demo's training step, products, recurrences. */
import { nativeSupport } from "../runtime/device/native/index.ts";
import type { Effort } from "./measure.ts";
import type { Row } from "./parts.ts";
import type { Target } from "../cli/targets.ts";
import { demoTimes, productTimes, recurrenceTimes, type Timed } from "./targets.ts";

const TARGETS: readonly Target[] = ["typescript", "native"];

/** Milliseconds on each target, and how many times faster the second is. */
function rowOf({ what, times, flops }: Timed): Row {
  const [typescript = 0, native = 0] = times;
  return {
    group: "native",
    what,
    milliseconds: native,
    gigaflops: flops / native / 1e6,
    note: `${(typescript / native).toFixed(1)} × typescript (${typescript.toPrecision(3)} ms)`,
  };
}

/** Nothing where no C compiler works. */
export async function nativeRows(effort: Effort): Promise<Row[]> {
  if (!nativeSupport().works) return [];
  const timed = [
    await demoTimes(TARGETS, effort),
    ...productTimes(TARGETS, effort),
    ...recurrenceTimes(TARGETS, effort),
  ];
  return timed.map(rowOf);
}
