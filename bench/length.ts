/** The kernels of a loop over chunks on longer and longer sequences: time in proportion, memory that does not grow. */
import { placeScratch } from "../runtime/device/arena.ts";
import { nativeSupport } from "../runtime/device/native/index.ts";
import type { Instance } from "../runtime/device/program.ts";
import { QUICK, type Effort } from "./measure.ts";
import { count, DELTA, filled, flopsOf, perSecond, runTime, type Row } from "./parts.ts";
import type { Target } from "../cli/targets.ts";
import { layer, type Ready } from "./specs.ts";

const LENGTHS = [256, 1024, 4096, 16_384, 65_536];
/** What the others are compared with: long enough that what happens once per call does not count. */
const USUAL = 1024;
/** A step of a long sequence may take this many times what one of the usual length takes. */
const SLOWER = 1.5;
const [HEADS, SIZE] = [4, 64];

/** Bytes of states that are kept for the backward pass, for each step: one for each chunk. */
function borders({ compiled }: Ready, entry: string): number {
  const form = compiled.manifest.forms?.find((f) => f.entry === entry);
  const { length = null } = form ?? {};
  return entry === "forward" || length === null ? 0 : (4 * HEADS * SIZE * SIZE) / length;
}

/** Bytes of scratch memory that do not grow with the sequence, and those that one more step takes. */
function scratchOf(made: Ready, entry: string): { readonly flat: number; readonly step: number } {
  const { scratch } = made.compiled.entries.find((e) => e.spec.name === entry)!.spec;
  const bytes = (time: number): number => placeScratch(scratch, { batch: 1, time, past: 0 }).total;
  const [a, b] = LENGTHS.slice(-2) as [number, number];
  const step = (bytes(b) - bytes(a)) / (b - a);
  return { flat: bytes(a) - step * a, step };
}

export function lengthRows(effort: Effort): Row[] {
  const target: Target = nativeSupport().works ? "native" : "typescript";
  const settings = [`heads=${HEADS}`, `size=${SIZE}`];
  const entries = ["forward", "gradient"] as const;
  const made = layer({ text: DELTA }, "Memory", settings, entries, { target, form: "chunk" });
  return entries.flatMap((entry) => {
    const way = entry === "forward" ? "forward" : "forward and backward";
    const { flat, step } = scratchOf(made, entry);
    const memory = `${count(flat / 1000)} kB and ${count(step)} B per step between kernels`;
    const kept = borders(made, entry);
    // Flat memory: what a step takes beside the states at borders should be nothing.
    const more = `${count(step - kept)} B of them beside states at the borders of chunks (goal: none)`;
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
