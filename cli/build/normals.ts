/** Normal numbers by the million, in WebAssembly where this engine has it: the same bits in a fraction of the time. */
import { NORMAL_TABLES, normalModule } from "../../compiler/targets/wasm/normals.ts";
import { engine } from "../../runtime/device/wasm/engine.ts";
import { wasmMissing } from "../../runtime/device/wasm/features.ts";
import { fillNormal } from "../../runtime/format/random.ts";
import type { DrawNormal } from "../../runtime/parameters/initialise.ts";

/** Of four numbers each, in a call. Engines look between calls whether they have a better translation by now. */
const BLOCKS = 1024;
const NUMBERS = 4 * BLOCKS;
/** Bytes before the numbers: the tables, and on to where a vector may begin. */
const START = 16 * Math.ceil(NORMAL_TABLES.byteLength / 16);
const PAGE = 65_536;
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
  const memory = new engine.Memory({ initial: Math.ceil((START + 4 * NUMBERS) / PAGE) });
  new Float64Array(memory.buffer, 0, NORMAL_TABLES.length).set(NORMAL_TABLES);
  const { exports } = new engine.Instance(new engine.Module(normalModule()), { env: { memory } });
  const normals = exports["normals"] as Normals;
  const drawn = new Float32Array(memory.buffer, START, NUMBERS);
  return (out, seed, stream, normal) => {
    const { mean, deviation } = normal;
    for (let first = 0; first < out.length; first += NUMBERS) {
      const count = Math.min(NUMBERS, out.length - first);
      normals(seed, stream, first / 4, Math.ceil(count / 4), START, mean, deviation);
      out.set(count === NUMBERS ? drawn : drawn.subarray(0, count), first);
    }
  };
}

let quick: DrawNormal | null = null;

/** `fillNormal` of float32. */
export const drawNormal: DrawNormal = (out, ...how) => {
  if (out.length < SHORT) fillNormal(out, ...how);
  else (quick ??= makeDraw())(out, ...how);
};
