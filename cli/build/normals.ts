/** Normal numbers by the million, in WebAssembly where this engine has it: the same bits in a fraction of the time. */
import { NORMAL_TABLES, normalModule } from "../../compiler/targets/wasm/normals.ts";
import { engine } from "../../runtime/device/wasm/engine.ts";
import { wasmMissing } from "../../runtime/device/wasm/features.ts";
import { fillNormal } from "../../runtime/format/random.ts";
import type { DrawNormal } from "../../runtime/parameters/initialise.ts";

/** Of four numbers each, in a call. Engines look between calls whether they have a better translation by now. */
const BLOCKS = 1024;
const NUMBERS = 4 * BLOCKS;
/** Bytes before the numbers. */
const START = 4096;
/** So short a draw is over before a module is there. */
const SHORT = 2 ** 16;

type Normals = (
  seed: number,
  stream: number,
  block: number,
  blocks: number,
  address: number,
  mean: number,
  deviation: number,
) => void;

function makeDraw(): DrawNormal {
  if (wasmMissing() !== null || engine === undefined) return fillNormal;
  const memory = new engine.Memory({ initial: 1 });
  new Float64Array(memory.buffer).set(NORMAL_TABLES);
  const { exports } = new engine.Instance(new engine.Module(normalModule()), { env: { memory } });
  const normals = exports["normals"] as Normals;
  const made = new Float32Array(memory.buffer, START, NUMBERS);
  return (out, seed, stream, normal) => {
    const { mean, deviation } = normal;
    for (let first = 0; first < out.length; first += NUMBERS) {
      const count = Math.min(NUMBERS, out.length - first);
      normals(seed, stream, first / 4, Math.ceil(count / 4), START, mean, deviation);
      out.set(count === NUMBERS ? made : made.subarray(0, count), first);
    }
  };
}

let made: DrawNormal | null = null;

/** `fillNormal` of float32. */
export const drawNormal: DrawNormal = (out, ...how) => {
  if (out.length < SHORT) fillNormal(out, ...how);
  else (made ??= makeDraw())(out, ...how);
};
