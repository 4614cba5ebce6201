/** The counter-based generator of runtime/format/random.ts (Philox 4×32, 10 rounds), written out as loops. */
import { MULTIPLIERS, ROUNDS, WEYL } from "../../runtime/format/random.ts";
import { apply, dim, product } from "../dims.ts";
import type { RandomNode } from "../graph/ir.ts";
import { add, binary, float, int, mul, unary } from "../loop/build.ts";
import type { Expr } from "../loop/ir.ts";
import { ofVariable, shifted, stridesOf, times, type Affine } from "./affine.ts";
import { homeOf, type Lowering } from "./lower.ts";
import type { Stage } from "./stages.ts";

export function emitRandom(l: Lowering, s: Stage, node: RandomNode): void {
  const { emitter } = l;
  emitter.draws = true;
  const home = homeOf(l, s);
  const count = product(node.shape);
  const seed = emitter.define("seed", asInt(l.evaluator.value(l.plan.region, node.seed, []).expr));
  const block = emitter.open("block", apply("ceildiv", count, dim(4)), { spread: "independent" });
  const words = ["c0", "c1", "c2", "c3"].map((name, i) =>
    emitter.define(name, i === 0 ? variableOf(l, block) : int(0), true),
  );
  const keys = [seed, int(node.stream | 0)].map((k, i) => emitter.define(`k${i}`, k, true));
  emitter.open("round", dim(ROUNDS));
  const [c0, c1, c2, c3] = words as [Expr, Expr, Expr, Expr];
  const high0 = emitter.define("high0", binary("mul_high", int(MULTIPLIERS[0] | 0), c0));
  const low0 = emitter.define("low0", mul(int(MULTIPLIERS[0] | 0), c0));
  const high1 = emitter.define("high1", binary("mul_high", int(MULTIPLIERS[1] | 0), c2));
  const low1 = emitter.define("low1", mul(int(MULTIPLIERS[1] | 0), c2));
  emitter.assign(c0, xor(xor(high1, c1), keys[0]!));
  emitter.assign(c1, low1);
  emitter.assign(c2, xor(xor(high0, c3), keys[1]!));
  emitter.assign(c3, low0);
  keys.forEach((k, i) => emitter.assign(k, add(k, int(WEYL[i]! | 0))));
  emitter.close();

  const values = node.distribution === "uniform" ? words.map(unitInterval) : normals(l, words);
  // Row-major order, whatever the place of the result.
  const strides = stridesOf(node.shape);
  values.forEach((value, j) => {
    const flat = shifted(times(ofVariable(block), dim(4)), dim(j));
    const position = emitter.index(flat);
    emitter.when(binary("lt", position, emitter.size(count)), () => {
      let rest: Affine = flat;
      const index = node.shape.map((_, axis): Affine => {
        if (axis === node.shape.length - 1) return rest;
        const parts = emitter.divmod(rest, strides[axis]!, node.shape[axis]!);
        rest = parts.remainder;
        return parts.quotient;
      });
      l.store(home, index.length === 0 ? [] : index, value, s.target?.add ?? false);
    });
  });
  emitter.close();
}

const xor = (a: Expr, b: Expr): Expr => binary("bit_xor", a, b);
const asInt = (x: Expr): Expr => (x.type.kind === "int" ? x : unary("int_of_float", x));
const variableOf = (l: Lowering, v: Parameters<typeof ofVariable>[0]): Expr =>
  l.emitter.index(ofVariable(v));

/** The upper 24 bits of a word as a number in [0, 1). */
function unitInterval(word: Expr): Expr {
  return mul(unary("float_of_int", binary("shift_right", word, int(8))), float(2 ** -24));
}

/** Box and Muller, two numbers from two words. */
function normals(l: Lowering, words: readonly Expr[]): Expr[] {
  return [0, 2].flatMap((i) => {
    const upper = binary("shift_right", words[i]!, int(8));
    const u = mul(unary("float_of_int", add(upper, int(1))), float(2 ** -24));
    const radius = l.emitter.define("radius", unary("sqrt", mul(float(-2), unary("log", u))));
    const angle = l.emitter.define("angle", mul(float(2 * Math.PI), unitInterval(words[i + 1]!)));
    return [mul(radius, unary("cos", angle)), mul(radius, unary("sin", angle))];
  });
}
