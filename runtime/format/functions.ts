/**
 * Functions behind normal numbers, of sums and products alone: engines differ in the last bits of their own, and take
 * longer. All to within a few units of float64's last place.
 */

/** Parts of [1, 2) whose logarithms are known: the nearest one leaves at most 1/128 to a series. */
const PARTS = 64;
/** Whether the logarithm of a part is taken of its half, so that those of numbers near 1 on both sides are small: 0 or 1. */
const halved = (part: number): number => (part >>> 5) - (part >>> 6);
/** Of 1 + i / 64, halved or not: about its reciprocal, and the logarithm. */
export const RECIPROCALS = new Float64Array(PARTS + 1);
export const LOGARITHMS = new Float64Array(PARTS + 1);
for (let i = 0; i <= PARTS; i++) {
  const half = 2 ** -halved(i);
  const reciprocal = Math.fround(1 / (half * (1 + i / PARTS)));
  // −ln r = 2 artanh y, and y is at most a fifth.
  const y = (1 - reciprocal) / (1 + reciprocal);
  let series = 0;
  for (let k = 27; k > 0; k -= 2) series = series * y * y + 2 / k;
  RECIPROCALS[i] = half * reciprocal;
  LOGARITHMS[i] = y * series;
}

/** 2⁻ⁱ. */
export const POWERS = Float64Array.from({ length: 32 }, (_, i) => 2 ** -i);

/** ln(word / 2²⁴) of an integer from 1 to 2²⁴: at most 0. */
export function logarithm(word: number): number {
  const zeros = Math.clz32(word);
  // The nearest part, by the seven bits after the first.
  const part = (((word << (zeros + 1)) >>> 25) + 1) >>> 1;
  // Numbers of 24 bits each: their product is exact.
  const x = word * POWERS[31 - zeros]! * RECIPROCALS[part]! - 1;
  const series = x * (1 / 3 - x * (1 / 4 - x * (1 / 5 - x * (1 / 6 - x * (1 / 7 - x * (1 / 8))))));
  const exponent = 7 - zeros + halved(part);
  return exponent * Math.LN2 + LOGARITHMS[part]! + (x - x * x * (0.5 - series));
}

/** The angle of 2⁻²⁴ turns. */
export const ANGLE = 2 * Math.PI * 2 ** -24;
/** An eighth of a turn, in such parts. */
export const EIGHTH = 2 ** 21;
/** Of so many quarters of a turn. */
export const COSINES = Float64Array.of(1, 0, -1, 0, 1);
export const SINES = Float64Array.of(0, 1, 0, -1, 0);

/** Of an angle of at most π / 4 either way: Taylor's series up to x¹⁵, which leaves out less than 10⁻¹⁶. */
export function sine(x: number): number {
  const z = x * x;
  const series = 1 / 362880 - z * (1 / 39916800 - z * (1 / 6227020800 - z * (1 / 1307674368000)));
  return x - x * z * (1 / 6 - z * (1 / 120 - z * (1 / 5040 - z * series)));
}

/** Of an angle of at most π / 4 either way: Taylor's series up to x¹⁶. */
export function cosine(x: number): number {
  const z = x * x;
  const series = 1 / 3628800 - z * (1 / 479001600 - z * (1 / 87178291200 - z * (1 / 20922789888000))); // prettier-ignore
  return 1 - z * (1 / 2 - z * (1 / 24 - z * (1 / 720 - z * (1 / 40320 - z * series))));
}
