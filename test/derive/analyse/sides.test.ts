import { describe, expect, test } from "vitest";
import { analyse } from "../../../compiler/derive/analyse/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { ruleStep } from "../../support/rules.ts";
import { bothForms, expectSame } from "../chunk/helpers.ts";
import type { Rule } from "./rules.ts";

const usual = "fast net { W: [heads, value, key] = 0 }";
const turned = "fast net { W: [heads, key, value] = 0 }";
const ask = "out y = W @ q";
const askTurned = "out y = transpose(W) @ q";
const gate = "T = outer(tanh(r), tanh(d))";

/** Which side decays, in every layout; the class and what the reason has to say, by hand. */
const RULES: readonly (Rule & { readonly says?: RegExp })[] = [
  { name: "a gate per weight (Schlag and Schmidhuber 2017)", class: "elementwise", text: `${usual} program { ${gate}\n W <- T * outer(v, k) + (1 - T) * W } ${ask}` }, // prettier-ignore
  { name: "the same, turned", class: "elementwise", text: `${turned} program { T = outer(tanh(d), tanh(r))\n W <- T * outer(k, v) + (1 - T) * W } ${askTurned}` }, // prettier-ignore
  { name: "the same, read before it is written", class: "elementwise", text: `${usual} s = W @ q program { ${gate}\n W <- T * outer(v, k) + (1 - T) * W } out y = s` }, // prettier-ignore
  { name: "the same, one memory", class: "elementwise", text: `fast net { W: [value, key] = 0 } program { T = outer(tanh(r[1]), tanh(d[1]))\n W <- T * outer(v[1], x) + (1 - T) * W } out y = W @ x` }, // prettier-ignore
  { name: "a number per row times a number per column", class: "elementwise", says: /diagonal on either side/u, text: `${usual} program { W <- outer(sigmoid(r), sigmoid(d)) * W + outer(v, k) } ${ask}` }, // prettier-ignore
  { name: "rows, then columns", class: "elementwise", says: /diagonal on either side/u, text: `${usual} program { W <- einsum(W[h, i, j], sigmoid(r)[h, i] -> [h, i, j])\n W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j])\n W <- W + outer(v, k) } ${ask}` }, // prettier-ignore
  { name: "columns, turned", class: "diagonal", text: `${turned} program { W <- einsum(W[h, j, i], sigmoid(d)[h, j] -> [h, j, i]) + outer(k, v) } ${askTurned}` }, // prettier-ignore
  { name: "rows, turned", class: "diagonal", side: "value", text: `${turned} program { W <- einsum(W[h, j, i], sigmoid(r)[h, i] -> [h, j, i]) + outer(k, v) } ${askTurned}` }, // prettier-ignore
  { name: "heads that answer one query", class: "scalar", text: `${usual} program { W <- sigmoid(g) * W + outer(v, k) } out y = einsum(W[h, i, j], x[j] -> [h, i])` }, // prettier-ignore
  { name: "heads that answer one query, columns", class: "diagonal", text: `${usual} program { W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j]) + outer(v, k) } out y = einsum(W[h, i, j], x[j] -> [h, i])` }, // prettier-ignore
  { name: "rows that each answer a query of their own", class: "diagonal", text: `weight Q: [value, key] = normal(0, 1)\n ${usual} program { ${gate}\n W <- (1 - T) * W + outer(v, k) } out y = einsum(W[h, i, j], Q[i, j], q[h, j] -> [h, i])` }, // prettier-ignore
  { name: "a number per row of states that all answer one query (Mamba-1)", class: "elementwise", text: "fast net { z: [heads, key] = 0 } program { z <- exp(-outer(sigmoid(b), sigmoid(x))) * z + outer(b2, x) } out y = einsum(z[h, j], x[j] -> [h])" }, // prettier-ignore
  { name: "delta, rows decay", class: "scalar-delta", says: /every row of values decays/u, text: `${usual} program { W <- einsum(W[h, i, j], sigmoid(r)[h, i] -> [h, i, j])\n W <- delta(W, key: k, value: v, rate: b) } ${ask}` }, // prettier-ignore
  { name: "delta, every element decays", class: "diagonal-delta", says: /every element decays/u, text: `${usual} program { ${gate}\n W <- (1 - T) * W\n W <- delta(W, key: k, value: v, rate: b) } ${ask}` }, // prettier-ignore
];

/** Reads over keys and over values that are both written back. */
const BOTH: readonly Rule[] = [
  { name: "erase from both sides at once", class: "two-sided", text: `${usual} program { W <- W - b * outer(v, transpose(W) @ v) - b2 * outer(W @ k, k) } ${ask}` }, // prettier-ignore
  { name: "delta, then Oja", class: "two-sided", text: `${usual} program { W <- delta(W, key: k, value: v, rate: b)\n W <- oja(W, key: k2, value: v2, rate: b2) } ${ask}` }, // prettier-ignore
  { name: "decay and erase from both sides, turned", class: "two-sided", text: `${turned} program { W <- sigmoid(g) * W - outer(W @ v, v)\n W <- W - b * outer(k, transpose(W) @ k) } ${askTurned}` }, // prettier-ignore
  { name: "erase keys, rotate values", class: "full", text: `weight R: [value, value] = normal(0, 1)\n fast net { W: [value, key] = 0 } program { W <- einsum(R[l, i], W[i, j] -> [l, j]) - outer(W @ x, x) + outer(v[1], x) } out y = W @ x` }, // prettier-ignore
  { name: "one number read with two keys is one read", class: "rank-one", text: `${usual} program { W <- W + einsum(dot(w, W @ k)[h], v[h, i], k2[h, j] -> [h, i, j]) } ${ask}` }, // prettier-ignore
];

const setOf = (text: string) => {
  const { graph } = stage(ruleStep(text));
  const sets = graph.nodes.flatMap((n) => (n.op === "recurrence" ? analyse(n.recurrence) : []));
  expect(sets).toHaveLength(1);
  return sets[0]!;
};
const named = <R extends Rule>(rules: readonly R[]) => rules.map((r) => [r.name, r] as const);

describe("decays", () => {
  test.each(named(RULES))("%s", (_, rule) => {
    const set = setOf(rule.text);
    expect([set.class, set.side]).toEqual([rule.class, rule.side ?? "key"]);
    if (rule.says !== undefined) expect(set.reason).toMatch(rule.says);
    else expect(set.reason).not.toMatch(/either side|of its own$/u);
    const both = bothForms(ruleStep(rule.text), 4);
    for (const time of [1, 7]) expectSame(both, { batch: 2, time, past: 0 });
  });
});

describe("reads from both sides", () => {
  test.each(named(BOTH))("%s", (_, rule) => {
    const set = setOf(rule.text);
    expect(set.class).toBe(rule.class);
    expect(set.form === null).toBe(rule.class !== "rank-one");
    if (rule.class === "two-sided") expect(set.reason).toContain("from the side of the values");
  });
});
