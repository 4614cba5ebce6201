/** Arrays that both sides of a comparison read, and how far their results are apart. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The same numbers on every machine: normal, or uniform in [0, 1). */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  uniform(): number {
    // Mulberry's mixing of a counter.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  array(length: number, kind: "normal" | "uniform", scale: number = 1): Float32Array {
    const next = kind === "normal" ? () => this.normal() : () => this.uniform();
    return Float32Array.from({ length }, () => scale * next());
  }
}

/** Rows of so many numbers, each of length one. */
export function unitRows(data: Float32Array, size: number): Float32Array {
  for (let at = 0; at < data.length; at += size) {
    const row = data.subarray(at, at + size);
    const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    for (const [i, x] of row.entries()) row[i] = x / norm;
  }
  return data;
}

export function writeArray(folder: string, name: string, data: Float32Array): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  writeFileSync(join(folder, `${name}.f32`), bytes);
}

export function readArray(folder: string, name: string): Float32Array {
  const bytes = readFileSync(join(folder, `${name}.f32`));
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Relative root of the mean square of the difference. */
export function distance(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Infinity;
  let [off, all] = [0, 0];
  for (let i = 0; i < ours.length; i++) {
    off += (ours[i]! - theirs[i]!) ** 2;
    all += theirs[i]! ** 2;
  }
  return Math.sqrt(off / all);
}
