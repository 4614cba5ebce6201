/** Sine and cosine of float32, computed in doubles: x less a multiple of π / 2 loses nothing there. */
import type { Arithmetic } from "../arithmetic.ts";
import type { Code } from "../body.ts";

/** π / 2 in two: multiples of the first by numbers below 2²⁰ are exact. */
const HALF_PI = [1.570796325802803, 9.920935796805404e-10] as const;
/** Where the two halves of π / 2 are not enough any more. */
export const LARGE = 2 ** 20;

/** (sin r − r) / r³ and (cos r − 1 + r²/2) / r⁴ over r², for |r| ≤ π / 4. */
const SIN = [
  -2.480558717998025e-8, 2.75559903998399e-6, -0.0001984126691523504, 0.008333333331077422,
  -0.16666666666663882,
];
const COS = [
  2.0700565397369645e-9, -2.755636931675049e-7, 2.4801585209738397e-5, -0.0013888888887276054,
  0.04166666666666468,
];

/** The sine of x and a number of quarter turns, of |x| below `LARGE`. */
export function turned(a: Arithmetic, given: Code, quarters: number): Code {
  const x = a.keep("x", given);
  const n = a.keep("n", a.unary("nearest", a.mul(x, a.number(2 / Math.PI))));
  const [high, low] = HALF_PI;
  const r = a.keep("r", a.sub(a.sub(x, a.mul(n, a.number(high))), a.mul(n, a.number(low))));
  const z = a.keep("z", a.mul(r, r));
  const sin = a.keep("sin", a.add(r, a.mul(a.mul(r, z), a.polynomial(z, SIN))));
  const squared = a.sub(a.number(1), a.mul(z, a.number(0.5)));
  const cos = a.keep("cos", a.add(squared, a.mul(a.mul(z, z), a.polynomial(z, COS))));
  // Which of the four quarters: odd ones take the cosine, the later two the other sign.
  const turn = a.keep("turn", a.add(n, a.number(quarters)));
  const half = (x: Code): Code => a.unary("floor", a.mul(x, a.number(0.5)));
  const pairs = a.keep("pairs", half(turn));
  const odd = a.compare("ne", turn, a.add(pairs, pairs));
  const value = a.keep("value", a.choose(odd, cos, sin));
  const fours = a.keep("fours", half(pairs));
  const later = a.compare("ne", pairs, a.add(fours, fours));
  return a.choose(later, a.unary("neg", value), value);
}
