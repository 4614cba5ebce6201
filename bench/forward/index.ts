/**
 * The forward pass of the language model on WebAssembly and as C, beside TensorFlow.js on WebAssembly and ONNX runtimes: the
 * same weights and tokens, logits compared first, all sides in turns.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { nativeSupport } from "../../runtime/device/native/index.ts";
import { short } from "../format.ts";
import { QUICK, type Effort } from "../measure.ts";
import type { Row } from "../parts.ts";
import type { Timed } from "../peers/results.ts";
import type { Absent } from "../peers/sides.ts";
import { takeTurns } from "../peers/turns.ts";
import { formText } from "./candidates.ts";
import { onnxSide, writeModels } from "./onnx_side.ts";
import { ours, SIZES, type Ours } from "./ours.ts";
import { tfjsSide } from "./tfjs_side.ts";
import { isMissing, type Entrant, type Missing } from "./work.ts";

const TFJS = "TensorFlow.js on WebAssembly";
/** How many times faster than that it should be. */
const GOAL = 3;
/** Milliseconds of a side in a round, about. */
const SHARE = 300;

const threadText = (n: number): string => (n === 1 ? "one thread" : `${n} threads`);

interface Measured extends Entrant {
  readonly times: Timed | Absent;
}

function besideText(ours: Timed, { name, threads, chunk, times }: Measured): string {
  if ("state" in times) return `${name}: ${times.reason}`;
  const how = [threadText(threads), ...(chunk === null ? [] : [formText(chunk)])].join(", ");
  return `${(times.median / ours.median).toFixed(2)} × ${name} (${short(times.median)} ms; ${how})`;
}

function rowOf(
  made: Ours,
  peers: readonly Measured[],
  missing: readonly Missing[],
  times: Timed,
): Row {
  const { batch, time } = SIZES;
  const { kind, threads, flops } = made;
  const tfjs = peers.find((p) => p.name === TFJS)?.times;
  const ratio = tfjs === undefined || "state" in tfjs ? null : tfjs.median / times.median;
  return {
    group: "forward",
    what: `forward pass of the language model, batch ${batch}, ${time} steps, ${kind}, ${threadText(threads)}`,
    milliseconds: times.median,
    gigaflops: flops / times.median / 1e6,
    note: [
      ...peers.map((p) => besideText(times, p)),
      ...missing.map((m) => `${m.name}: ${m.why}`),
      ...(ratio === null ? [] : [`goal: at least ${GOAL} × ${TFJS}`]),
    ].join("; "),
    ...(ratio === null ? {} : { ratio: ratio / GOAL }),
  };
}

async function compared(effort: Effort, folder: string): Promise<Row[]> {
  const own = [await ours("wasm"), ...(nativeSupport().works ? [await ours("native")] : [])];
  const [first] = own as [Ours];
  const work = first.work(folder);
  for (const { name, logits } of own) work.check(name, logits);
  writeModels(work);
  const all = availableParallelism();
  const counts = all === 1 ? [1] : [1, all];
  const found: (Entrant | Missing)[] = [await tfjsSide(TFJS, work)];
  for (const threads of counts) found.push(await onnxSide("wasm", threads, work));
  if (own.length > 1) found.push(await onnxSide("native", all, work));
  const peers = found.flatMap((f) => (isMissing(f) ? [] : [f]));
  try {
    const entrants: readonly Entrant[] = [...own, ...peers];
    const sides = entrants.map((e) => e.side);
    const rounds = effort === QUICK ? 3 : 9;
    const times = await takeTurns(sides, "forward", { rounds, share: SHARE, until: Infinity });
    const measured = peers.map((p, i): Measured => ({ ...p, times: times[own.length + i]! }));
    return own.map((made, i) => {
      const mine = times[i]!;
      if ("state" in mine) throw new Error(`${made.name}: ${mine.reason}`);
      const missing = new Map(found.filter(isMissing).map((m) => [m.name, m]));
      const same = <T extends Entrant | Missing>(list: Iterable<T>): T[] =>
        [...list].filter((one) => one.kind === made.kind);
      return rowOf(made, same(measured), same(missing.values()), mine);
    });
  } finally {
    for (const { side } of peers) side.stop();
  }
}

export async function forwardRows(effort: Effort): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "fwp-forward-"));
  try {
    return await compared(effort, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
