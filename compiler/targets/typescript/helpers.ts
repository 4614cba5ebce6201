/** Functions that JavaScript's Math does not have. */
import type { Expr, LoopKernel, Statement } from "../../loop/ir.ts";
import { bodiesOf, expressionsOf, parts } from "../../loop/scan.ts";

/** Each printed where a kernel uses it. */
export const HELPERS: Readonly<
  Record<
    string,
    { readonly doc: string; readonly parameters: readonly string[]; readonly body: string }
  >
> = {
  erf: {
    doc: "The error function: its series near zero, a continued fraction away from it.",
    parameters: ["x"],
    body: `const a = Math.abs(x);
if (a > 6) return Math.sign(x);
if (a < 2.5) {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (-x * x * (2 * n - 1)) / (n * (2 * n + 1));
    total += term;
  }
  return 1.1283791670955126 * total;
}
let f = 0;
for (let k = 60; k > 0; k--) f = k / 2 / (a + f);
return Math.sign(x) * (1 - Math.exp(-a * a) / (1.772453850905516 * (a + f)));`,
  },
  roundEven: {
    doc: "To the nearest integer, halves to the even one.",
    parameters: ["x"],
    body: `const low = Math.floor(x);
const rest = x - low;
if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
return low % 2 === 0 ? low : low + 1;`,
  },
  modulo: {
    doc: "The remainder with the sign of the divisor.",
    parameters: ["a", "b"],
    body: "return a - b * Math.floor(a / b);",
  },
  multiplyHigh: {
    doc: "The upper 32 bits of the product of two unsigned 32-bit numbers.",
    parameters: ["a", "b"],
    body: `const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
const middle = a1 * b0 + ((a0 * b0) >>> 16);
const cross = a0 * b1 + (middle % 0x10000);
return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) | 0;`,
  },
};

/** The helpers that a kernel calls. */
export function helpersOf(kernel: LoopKernel): Set<string> {
  const found = new Set<string>();
  const visitExpr = (e: Expr): void => {
    if (e.op === "unary" && e.fn === "erf") found.add("erf");
    if (e.op === "unary" && e.fn === "round") found.add("roundEven");
    if (e.op === "binary" && e.fn === "mod" && e.type.kind === "float") found.add("modulo");
    if (e.op === "binary" && e.fn === "mul_high") found.add("multiplyHigh");
    parts(e).forEach(visitExpr);
  };
  const visit = (s: Statement): void => {
    expressionsOf(s).forEach(visitExpr);
    bodiesOf(s).forEach((body) => body.forEach(visit));
  };
  kernel.body.forEach(visit);
  return found;
}
