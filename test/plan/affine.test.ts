import { expect, it } from "vitest";
import { dim, evaluateDim } from "../../compiler/dims.ts";
import { fixed, keyOf, minus, ofVariable, plus, times, type Affine } from "../../compiler/plan/affine.ts"; // prettier-ignore
import { random4 } from "../../runtime/format/random.ts";

const VARIABLES = ["i", "j", "k", "i_2", "at"].map((name, i) =>
  ofVariable({ name, extent: dim(9), depth: [1, 2, 2, 3, 1][i]! }),
);
const valueOf = (a: Affine, values: Readonly<Record<string, number>>): number =>
  a.terms.reduce(
    (sum, t) => sum + evaluateDim(t.coefficient, () => 0) * values[t.variable.name]!,
    evaluateDim(a.constant, () => 0),
  );

const small = (word: number): number => (word % 5) - 2;

/** A sum of a few variables times small numbers, with its value where they have these values. */
function drawn(n: number): Affine {
  const words = Array.from({ length: 3 }, (_, block) => random4(11, n, block)).flat();
  return VARIABLES.reduce(
    (sum, v, i) => plus(sum, times(v, dim(small(words[i]!)))),
    fixed(small(words[5]!)),
  );
}

it("sums of indices are sums, in order, one term for each variable and none of nothing", () => {
  const values = { i: 3, j: 5, k: 7, i_2: 11, at: 13 };
  for (let n = 0; n < 200; n++) {
    const [a, b] = [drawn(2 * n), drawn(2 * n + 1)];
    const [sum, difference, scaled] = [plus(a, b), minus(a, b), times(a, dim(n % 3))];
    expect(valueOf(sum, values)).toBe(valueOf(a, values) + valueOf(b, values));
    expect(valueOf(difference, values)).toBe(valueOf(a, values) - valueOf(b, values));
    expect(valueOf(scaled, values)).toBeCloseTo(valueOf(a, values) * (n % 3), 9);
    expect(keyOf(sum)).toBe(keyOf(plus(b, a)));
    expect(keyOf(minus(sum, b))).toBe(keyOf(a));
    for (const { terms } of [sum, difference, scaled]) {
      const places = terms.map((t) => `${t.variable.depth} ${t.variable.name}`);
      expect(places).toEqual([...new Set(places)].sort());
      expect(terms.every((t) => t.coefficient.terms.length > 0)).toBe(true);
    }
  }
});
