/** What this engine's WebAssembly has, found by validating tiny modules. */

import { engine, type Bytes, type Engine } from "./engine.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** One type: nothing to a vector. */
const TYPES = [1, 5, 1, 0x60, 0, 1, 0x7b];
const FUNCTIONS = [3, 2, 1, 0];

/** A module with one function that leaves a vector: `body` is its instructions. */
function moduleWith(body: readonly number[]): Bytes {
  const code = [0, ...body, 0x0b];
  return Uint8Array.from([
    ...HEADER,
    ...TYPES,
    ...FUNCTIONS,
    10,
    code.length + 2,
    1,
    code.length,
    ...code,
  ]);
}

const ZERO = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0)];
const RELAXED_MADD = [0xfd, 0x85, 0x02];

export interface WasmFeatures {
  readonly simd: boolean;
  /** Fused products and sums. */
  readonly relaxed: boolean;
}

function has(body: readonly number[]): boolean {
  try {
    return engine?.validate(moduleWith(body)) === true;
  } catch {
    return false;
  }
}

let found: WasmFeatures | null = null;

/** All false where there is no WebAssembly at all. */
export function wasmFeatures(): WasmFeatures {
  if (found !== null) return found;
  found = { simd: has(ZERO), relaxed: has([...ZERO, ...ZERO, ...ZERO, ...RELAXED_MADD]) };
  return found;
}

/** Why WebAssembly does not run here, in words for the user. */
export class WasmUnavailable extends Error {}

/** The reason why it does not; null where it does. */
export function wasmMissing(): string | null {
  if (engine === undefined) return "this engine has no WebAssembly";
  return wasmFeatures().simd ? null : "this engine's WebAssembly has no vectors (SIMD)";
}

/** @throws WasmUnavailable where it does not run. */
export function wasmEngine(): Engine {
  const missing = wasmMissing();
  if (missing !== null || engine === undefined) throw new WasmUnavailable(missing ?? "");
  return engine;
}
