/**
 * The counter-based generator behind every random number: initial parameters, random features, noise, drop-out.
 *
 * Philox 4×32 with 10 rounds (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011): a bijection of a
 * 128-bit counter under a 64-bit key. Element i of a draw takes word i mod 4 of block ⌊i / 4⌋, so any element can be
 * had without the ones before it and every target produces the same words, in any order, on any number of threads.
 *
 * key = (seed, stream), counter = (block mod 2³², ⌊block / 2³²⌋, 0, 0); all are unsigned 32-bit words.
 */

import { ANGLE, cosine, COSINES, EIGHTH, logarithm, sine, SINES } from "./functions.ts";

export type Words = readonly [number, number, number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
/** Of Philox, for those who write it down in another language. */
export const MULTIPLIERS = [MULTIPLIER_0, MULTIPLIER_1] as const;
export const WEYL = [WEYL_0, WEYL_1] as const;
export const ROUNDS = 10;

/**
 * The upper 32 bits of the 64-bit product of two words, the first given by its halves of 16 bits. In ints throughout:
 * twice as fast as in doubles, which would have to be cut back to words.
 */
function multiplyHigh(upper: number, lower: number, word: number): number {
  const above = word >>> 16;
  const below = word & 0xffff;
  // Each sum stays below 2³²: (2¹⁶ − 1)² + 2¹⁶ − 1 does.
  const first = (Math.imul(upper, below) >>> 0) + (Math.imul(lower, below) >>> 16);
  const second = (Math.imul(lower, above) >>> 0) + (first & 0xffff);
  return (Math.imul(upper, above) + (first >>> 16) + (second >>> 16)) | 0;
}

/** Philox4x32-10 itself: a counter of four words under a key of two, written over `words`. Words are ints here: V8 keeps those as they are. */
function scramble(words: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = [words[0]! | 0, words[1]! | 0, words[2]! | 0, words[3]! | 0];
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0 >>> 16, MULTIPLIER_0 & 0xffff, c0);
    const high1 = multiplyHigh(MULTIPLIER_1 >>> 16, MULTIPLIER_1 & 0xffff, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** Puts block `counter` of the draw (`seed`, `stream`) into `words`. */
function draw(words: Uint32Array, seed: number, stream: number, counter: number): void {
  words[0] = counter >>> 0;
  words[1] = Math.floor(counter / 0x100000000) >>> 0;
  words[2] = 0;
  words[3] = 0;
  scramble(words, seed, stream);
}

const wordsOf = (words: Uint32Array): Words => [words[0]!, words[1]!, words[2]!, words[3]!];

/** The same for one counter. */
export function philox(counter: Words, key0: number, key1: number): Words {
  const words = Uint32Array.from(counter);
  scramble(words, key0, key1);
  return wordsOf(words);
}

/** Block `counter` of the draw (`seed`, `stream`): four unsigned 32-bit words. `counter` is any integer from 0 to 2⁵³. */
export function random4(seed: number, stream: number, counter: number): Words {
  const words = new Uint32Array(4);
  draw(words, seed, stream, counter);
  return wordsOf(words);
}

/** The upper 24 bits of a word as a number in [0, 1): exact in float32. */
export function unitInterval(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** What a draw can be written into: a typed array or a plain one. */
export interface NumberSink {
  readonly length: number;
  [index: number]: number;
}

interface Normal {
  readonly mean: number;
  readonly deviation: number;
}

/** out[at] and, if there is such a place, out[at + 1]: `normalPair` of words j and j + 1, scaled and moved. */
function putNormals(
  out: NumberSink,
  at: number,
  words: Uint32Array,
  j: number,
  { mean, deviation }: Normal,
): void {
  const radius = Math.sqrt(-2 * logarithm((words[j]! >>> 8) + 1));
  const turn = words[j + 1]! >>> 8;
  // The nearest quarter of a turn, and what is left, at most an eighth either way: both exact.
  const quarter = (turn + EIGHTH) >>> 22;
  const x = (turn - (quarter << 22)) * ANGLE;
  const s = sine(x);
  const c = cosine(x);
  const a = COSINES[quarter]!;
  const b = SINES[quarter]!;
  out[at] = mean + deviation * (radius * (c * a - s * b));
  if (at + 1 < out.length) out[at + 1] = mean + deviation * (radius * (s * a + c * b));
}

/**
 * Two independent standard normal numbers from two words (Box and Muller): √(−2 ln u) · (cos 2πv, sin 2πv) with
 * u = (upper 24 bits of the first word + 1) / 2²⁴ in (0, 1] and v = upper 24 bits of the second / 2²⁴.
 */
export function normalPair(first: number, second: number): readonly [number, number] {
  const pair = new Float64Array(2);
  const words = Uint32Array.of(first, second);
  putNormals(pair, 0, words, 0, { mean: 0, deviation: 1 });
  return [pair[0]!, pair[1]!];
}

/** Which part of a draw is wanted. */
interface Part {
  /** The element that `out` begins with, a multiple of 4; the draw's first by default. */
  readonly first?: number;
}

/** out[i] uniform in [low, high), by default [0, 1): word i mod 4 of block ⌊i / 4⌋. */
export function fillUniform(
  out: NumberSink,
  seed: number,
  stream: number,
  { first = 0, low = 0, high = 1 }: Part & { readonly low?: number; readonly high?: number } = {},
): void {
  const words = new Uint32Array(4);
  for (let i = 0; i < out.length; i += 4) {
    draw(words, seed, stream, (first + i) / 4);
    for (let j = 0; j < 4 && i + j < out.length; j++) {
      out[i + j] = low + (high - low) * unitInterval(words[j]!);
    }
  }
}

/**
 * out[i] normal, by default of mean 0 and deviation 1: elements 4n, 4n + 1 from words 0, 1 of block n, elements 4n + 2,
 * 4n + 3 from words 2, 3.
 */
export function fillNormal(
  out: NumberSink,
  seed: number,
  stream: number,
  { first = 0, mean = 0, deviation = 1 }: Part & Partial<Normal> = {},
): void {
  const normal = { mean, deviation };
  const words = new Uint32Array(4);
  for (let i = 0; i < out.length; i += 4) {
    draw(words, seed, stream, (first + i) / 4);
    putNormals(out, i, words, 0, normal);
    if (i + 2 < out.length) putNormals(out, i + 2, words, 2, normal);
  }
}

/** A stream number for a name (FNV-1a over its UTF-16 units), so that draws do not depend on the order of declarations. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash;
}
