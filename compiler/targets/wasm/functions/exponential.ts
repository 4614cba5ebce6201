/** e^x, ln x and their kin in float32, right to a unit or two in the last place over the whole range. */
import type { FloatArithmetic } from "../arithmetic.ts";
import type { Code } from "../body.ts";

/** (e^r − 1 − r) / r² for |r| ≤ ln 2 / 2, interpolated at Chebyshev points, as are the other polynomials here. */
const EXP = [
  0.0001989108046, 0.001393373072, 0.008333310845, 0.0416664642, 0.1666666668, 0.5000000014,
];
/** ln 2 in two: multiples of the first by a number of 12 bits are exact. */
const LN2 = [0.693115234375, 3.1946184945309415e-5] as const;

/** x = n ln 2 + r; 2ⁿ as the product of two numbers that are normal both; e^r − 1. */
function reduced(a: FloatArithmetic, x: Code) {
  const n = a.keep("n", a.unary("nearest", a.mul(x, a.number(1 / Math.LN2))));
  const r = a.keep("r", a.sub(a.sub(x, a.mul(n, a.number(LN2[0]))), a.mul(n, a.number(LN2[1]))));
  const rest = a.keep("rest", a.add(r, a.mul(a.mul(r, r), a.polynomial(r, EXP))));
  const whole = a.keepInt("whole", a.truncate(n));
  const half = a.keepInt("half", a.right(whole, 1));
  const power = (k: Code): Code => a.fromBits(a.left(a.intAdd(k, a.int(127)), 23));
  return {
    rest,
    first: a.keep("first", power(half)),
    second: a.keep("second", power(a.intSub(whole, half))),
  };
}

/** Beyond these the result is infinite or zero in float32. */
const [LEAST, MOST] = [-105, 89];

const clamped = (a: FloatArithmetic, x: Code): Code =>
  a.keep("x", a.binary("min", a.binary("max", x, a.number(LEAST)), a.number(MOST)));

export function exp(a: FloatArithmetic, given: Code): Code {
  const { rest, first, second } = reduced(a, clamped(a, given));
  return a.mul(a.mul(a.add(rest, a.number(1)), first), second);
}

export function expm1(a: FloatArithmetic, given: Code): Code {
  const x = clamped(a, given);
  const { rest, first, second } = reduced(a, x);
  const one = a.number(1);
  const near = a.add(a.mul(a.mul(rest, first), second), a.sub(a.mul(first, second), one));
  const far = a.mul(a.mul(a.add(rest, one), first), second);
  return a.choose(a.compare("lt", x, a.number(20)), near, far);
}

/** An odd polynomial near zero, 1 − 2 / (e^2x + 1) away from it. */
const TANH = [-0.006096714166, 0.020997179, -0.05385090958, 0.1333276974, -0.3333332894];
const TANH_NEAR = 0.625;

export function tanh(a: FloatArithmetic, given: Code): Code {
  const x = a.keep("given", given);
  const z = a.keep("z", a.mul(x, x));
  const near = a.keep("near", a.add(x, a.mul(a.mul(x, z), a.polynomial(z, TANH))));
  const size = a.keep("size", a.unary("abs", x));
  const e = exp(a, a.add(size, size));
  const far = a.sub(a.number(1), a.div(a.number(2), a.add(e, a.number(1))));
  const close = a.compare("lt", size, a.number(TANH_NEAR));
  return a.choose(close, near, a.withSign(far, x));
}

/** (ln(1 + f) − f + f²/2) / f³ for √½ − 1 ≤ f ≤ √2 − 1. */
const LOG = [
  0.06971611471, -0.1147973385, 0.1168541992, -0.1242568733, 0.1424905765, -0.1666780232,
  0.2000071575, -0.2499999696, 0.3333333118,
];
const SQRT_HALF_BITS = 0x3f3504f3;
const LEAST_NORMAL = 2 ** -126;

/** ln of a kept positive finite number. */
function logOf(a: FloatArithmetic, x: Code): Code {
  const tiny = a.compare("lt", x, a.number(LEAST_NORMAL));
  const scaled = a.choose(tiny, a.mul(x, a.number(2 ** 25)), x);
  const bits = a.keepInt("bits", a.intSub(a.bits(scaled), a.int(SQRT_HALF_BITS)));
  const exponent = a.convert(a.right(bits, 23));
  const e = a.keep("e", a.sub(exponent, a.choose(tiny, a.number(25), a.number(0))));
  const mantissa = a.fromBits(a.intAdd(a.and(bits, a.int(0x007fffff)), a.int(SQRT_HALF_BITS)));
  const f = a.keep("f", a.sub(mantissa, a.number(1)));
  const z = a.keep("z", a.mul(f, f));
  const high = a.mul(a.mul(f, z), a.polynomial(f, LOG));
  const low = a.add(high, a.mul(e, a.number(LN2[1])));
  const tail = a.sub(low, a.mul(z, a.number(0.5)));
  return a.add(a.add(f, tail), a.mul(e, a.number(LN2[0])));
}

/** The logarithm where there is one, −∞ of zero, ∞ of ∞, else NaN. */
function logEverywhere(a: FloatArithmetic, x: Code, inside: Code): Code {
  const infinite = a.compare("eq", x, a.number(Infinity));
  const positive = a.compare("gt", x, a.number(0));
  const zero = a.compare("eq", x, a.number(0));
  const outside = a.choose(zero, a.number(-Infinity), a.number(NaN));
  return a.choose(infinite, x, a.choose(positive, inside, outside));
}

export function log(a: FloatArithmetic, given: Code): Code {
  const x = a.keep("x", given);
  return logEverywhere(a, x, logOf(a, x));
}

/** ln(1 + x): what 1 + x loses of x is added to first order. */
export function log1p(a: FloatArithmetic, given: Code): Code {
  const x = a.keep("x", given);
  const one = a.number(1);
  const u = a.keep("u", a.add(one, x));
  const lost = a.div(a.sub(x, a.sub(u, one)), u);
  return logEverywhere(a, u, a.add(logOf(a, u), lost));
}
