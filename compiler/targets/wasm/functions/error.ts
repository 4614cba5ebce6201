/** The error function in float32. */
import type { FloatArithmetic } from "../arithmetic.ts";
import type { Code } from "../body.ts";
import { exp } from "./exponential.ts";

/** erf x / x − 1 over x², for |x| ≤ 1. */
const NEAR = [
  7.875875063e-5, -0.0008016864287, 0.005189087423, -0.02685421201, 0.1128359472, -0.3761262667,
  0.1283791658,
];
/** −ln(1 − erf x), for 1 ≤ x ≤ 4. */
const FAR = [
  7.58268197e-8, -3.321684591e-6, 6.229835325e-5, -0.000685836683, 0.00506494692, -0.02709952329,
  0.1110550174, 0.6309530298, 1.130675144, -0.0004163292177,
];
/** From here on it is 1 in float32. */
const END = 4;

export function erf(a: FloatArithmetic, given: Code): Code {
  const x = a.keep("given", given);
  const z = a.mul(x, x);
  const near = a.keep("near", a.add(x, a.mul(x, a.polynomial(a.keep("z", z), NEAR))));
  const size = a.keep("size", a.binary("min", a.unary("abs", x), a.number(END)));
  const left = exp(a, a.unary("neg", a.polynomial(size, FAR)));
  const far = a.sub(a.number(1), left);
  const close = a.compare("lt", size, a.number(1));
  return a.choose(close, near, a.withSign(far, x));
}
