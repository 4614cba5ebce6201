/** The kernels of a loop over chunks on longer and longer sequences: time in proportion, memory that does not grow. */
import { placeScratch } from "../runtime/device/arena.ts";
import { nativeSupport } from "../runtime/device/native/index.ts";
import type { Instance } from "../runtime/device/program.ts";
import type { ScratchSpec } from "../runtime/format/program.ts";
import { QUICK, type Effort } from "./measure.ts";
import { count, DELTA, filled, flopsOf, perSecond, runTime, type Row } from "./parts.ts";
import type { Target } from "../cli/targets.ts";
import { layer, type Ready } from "./specs.ts";

const LENGTHS = [256, 1024, 4096, 16_384, 65_536];
/**
 * What longer ones are compared with: long enough that what happens once per call does not count, and that the backward pass
 * goes segment by segment, there again and back. On shorter ones (here up to 1,056 steps: compiler/plan/segments.ts) it keeps
 * all that it needs, and has less to do per step.
 */
const USUAL = 4096;
/** A step of a long sequence may take this many times what one of the usual length takes. */
const SLOWER = 1.5;
const [HEADS, SIZE] = [4, 64];

/** Bytes of scratch memory: those that do not grow with the sequence, those that one more step takes, and of these states. */
interface Scratch {
  readonly flat: number;
  readonly step: number;
  /** States that are kept for the backward pass: one for each chunk or segment, of all heads or of one after the other. */
  readonly borders: number;
}

function scratchOf({ compiled }: Ready, entry: string): Scratch {
  const { scratch } = compiled.entries.find((e) => e.spec.name === entry)!.spec;
  const [a, b] = LENGTHS.slice(-2) as [number, number];
  const bytes = (of: typeof scratch, time: number): number =>
    placeScratch(of, { batch: 1, time, past: 0 }).total;
  const perStep = (of: typeof scratch): number => (bytes(of, b) - bytes(of, a)) / (b - a);
  const step = perStep(scratch);
  const length = compiled.manifest.forms?.find((f) => f.entry === entry)?.length ?? null;
  const state = (4 * SIZE * SIZE) / (length ?? Infinity);
  const isStates = (s: ScratchSpec, n: number): boolean =>
    n === state || n === HEADS * state || s.name.endsWith("_saved");
  const kept = scratch.map((s) => ({ s, n: perStep([s]) })).filter(({ s, n }) => isStates(s, n)).map(({ n }) => n); // prettier-ignore
  // Of the forward pass nothing is kept; of the other its states are the largest of what is.
  const borders = entry === "forward" ? 0 : Math.max(0, ...kept);
  return { flat: bytes(scratch, a) - step * a, step, borders };
}

export function lengthRows(effort: Effort): Row[] {
  const target: Target = nativeSupport().works ? "native" : "typescript";
  const settings = [`heads=${HEADS}`, `size=${SIZE}`];
  const entries = ["forward", "gradient"] as const;
  const made = layer({ text: DELTA }, "Memory", settings, entries, { target, form: "chunk" });
  return entries.flatMap((entry) => {
    const way = entry === "forward" ? "forward" : "forward and backward";
    const { flat, step, borders } = scratchOf(made, entry);
    const memory = `${count(flat / 1000)} kB and ${count(step)} B per step between kernels`;
    // Flat memory: what a step takes beside the states at borders should be nothing.
    const more = `${count(step - borders)} B of them beside states at the borders of chunks (goal: none)`;
    const lengths = effort === QUICK ? LENGTHS.slice(0, -1) : LENGTHS;
    const timed = lengths.map((time) => {
      const instance: Instance = filled(made, entry, 1, time);
      const flops = flopsOf(made, entry, instance);
      return { time, flops, milliseconds: runTime(instance, effort) };
    });
    const usual = timed.find((t) => t.time === USUAL)!;
    return timed.map(({ time, flops, milliseconds }): Row => {
      const slower = milliseconds / time / (usual.milliseconds / usual.time);
      const row = {
        group: "length",
        what: `delta rule, ${HEADS} heads of ${SIZE}, ${count(time)} steps, ${way}, ${target}`,
        milliseconds,
        gigaflops: flops / milliseconds / 1e6,
      };
      const speed = perSecond(time, milliseconds);
      if (time <= USUAL) return { ...row, note: `${speed}; ${memory}, ${more}` };
      const goal = `${slower.toFixed(2)} times as long per step as at ${USUAL} (goal: at most ${SLOWER})`;
      return { ...row, note: `${speed}; ${goal}`, ratio: SLOWER / slower };
    });
  });
}
