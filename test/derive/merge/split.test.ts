import { describe, expect, test } from "vitest";
import { chunk } from "../../../compiler/derive/chunk/index.ts";
import { stage } from "../../../compiler/derive/index.ts";
import { ruleStep } from "../../support/rules.ts";
import { bothForms, expectSame } from "../chunk/helpers.ts";

const states = (...list: string[]): string => `fast net { ${list.join("\n")} }`;
const [U, V, W] = ["U", "V", "W"].map((x) => `${x}: [heads, value, key] = 0`) as [string, string, string]; // prettier-ignore
const square = (x: string): string => `${x}: [heads, key, key] = 0`;

/** Rules whose states share a time loop because an output is made of all of them before it is small. */
const RULES: readonly { name: string; loops: number; text: string }[] = [
  { name: "a sum of two memories is asked", loops: 2, text: `${states(V, W)} program { V <- delta(V, key: k, value: v, rate: b)\n W <- sigmoid(g) * W + outer(w, k2) } out y = (V + W) @ q` }, // prettier-ignore
  { name: "of three, one of them weighed", loops: 3, text: `${states(U, V, W)} program { U <- U + outer(v3, k3)\n V <- delta(V, key: k, value: v, rate: b)\n W <- sigmoid(g) * W + outer(w, k2) } out y = (V - b2 * W + U) @ q` }, // prettier-ignore
  { name: "two that can share a loop over chunks", loops: 1, text: `${states(V, W)} s = (V + W) @ q program { V <- sigmoid(g) * V + outer(v, k)\n W <- sigmoid(g) * W + b * outer(w, k) } out y = s` }, // prettier-ignore
  { name: "one lies on its side", loops: 2, text: `${states(V, "T: [heads, key, value] = 0")} program { V <- V + outer(v, k)\n T <- T + b * outer(k2, w - transpose(T) @ k2) } out y = (V + transpose(T)) @ q` }, // prettier-ignore
  { name: "one writes what another says, and both are asked at once", loops: 2, text: `${states(V, W)} program { V <- delta(V, key: k, value: v, rate: b)\n W <- sigmoid(g) * W + outer(V @ k2, k3) } out y = (V + W) @ q` }, // prettier-ignore
  { name: "one erases where another says so", loops: 2, text: `${states(square("V"), square("W"))} program { V <- V + outer(p, k)\n W <- W + b * outer(p - W @ tanh(V @ q), tanh(V @ q)) } out y = (V + W) @ a` }, // prettier-ignore
  { name: "each asks with what the other says", loops: 2, text: `${states(square("V"), square("W"))} program { V <- V + outer(p, k)\n W <- 0.5 * W + outer(a, k2) } out y = (V + W) @ tanh(V @ tanh(W @ q)) + (V + W) @ tanh(W @ tanh(V @ q))` }, // prettier-ignore
  { name: "side by side where one writes what the other says and the other is asked what the one says", loops: 1, text: `${states(square("V"), square("W"))} program { V <- V + outer(p, k)\n W <- 0.5 * W + outer(V @ k2, k3) } out y = (V + W) @ tanh((V + W) @ q)` }, // prettier-ignore
];

describe("each state in a loop over chunks of its own", () => {
  test.each(RULES.map((r) => [r.name, r] as const))("%s", (_, rule) => {
    const step = ruleStep(rule.text);
    const staged = stage(step);
    const shared = staged.graph.nodes.filter((n) => n.op === "recurrence");
    expect(shared.length).toBe(1);
    const { program, kept } = chunk(staged, { length: 4 });
    expect(kept).toEqual([null]);
    const loops = program.graph.nodes.filter((n) => n.op === "recurrence");
    expect(loops.length).toBe(rule.loops);
    const both = bothForms(step, 4);
    for (const time of [1, 4, 13]) expectSame(both, { batch: 2, time, past: 0 });
    const other = bothForms(ruleStep(rule.text, { heads: 1, key: 5, value: 1 }), 7);
    expectSame(other, { batch: 1, time: 16, past: 0 });
  });
});

/** A stack of blocks with two fast matrices each (Delta MLP): reads of both take turns. */
const BLOCKS =
  "fast net { V: [heads, value, key] = 0\n W: [heads, key, value] = 0 } program { V <- delta(V, key: k, value: v, rate: b)\n W <- delta(W, key: v2, value: k2, rate: b2) } s = x + W[1] @ tanh(V[1] @ x) out y = s + W[2] @ tanh(V[2] @ s)";

test("blocks whose reads take turns: the states by chunks, then the answers one after the other", () => {
  const step = ruleStep(BLOCKS, { key: 5, value: 7 });
  const staged = stage(step);
  expect(staged.graph.nodes.filter((n) => n.op === "recurrence")).toHaveLength(1);
  const { program, kept } = chunk(staged, { length: 4 });
  expect(kept).toEqual([null]);
  expect(program.graph.nodes.filter((n) => n.op === "recurrence")).toHaveLength(2);
  const both = bothForms(step, 4);
  for (const time of [1, 4, 13]) expectSame(both, { batch: 2, time, past: 0 });
});

/** What must stay in one loop, and why. */
const SHARED: readonly { name: string; says: RegExp; text: string }[] = [
  { name: "a recurrent query (Delta RNN)", says: /^prev\.y is not affine in itself and asks W at every step, with a key that depends on prev\.y$/u, text: `${states(square("W"))} program { W <- delta(W, key: k, value: p, rate: sigmoid(b)) } y: [heads, key] = q + W @ softmax(prev(y)) out y` }, // prettier-ignore
  { name: "a recurrent query to two memories", says: /^prev\.y .* asks V, W at every step, with a key/u, text: `${states(square("V"), square("W"))} program { V <- V + outer(k2, k)\n W <- delta(W, key: k, value: p, rate: sigmoid(b)) } y: [heads, key] = tanh(V @ q + W @ softmax(prev(y)) + V @ prev(y)) out y` }, // prettier-ignore
  { name: "one of two is needed whole", says: /^the whole state is needed: V$/u, text: `${states(V, W)} program { V <- V + outer(v, k)\n W <- 0.5 * W + outer(w, k2) } out y = (tanh(V) + W) @ q` }, // prettier-ignore
];
test.each(SHARED.map((r) => [r.name, r] as const))("%s: one loop over time", (_, rule) => {
  const { program, kept } = chunk(stage(ruleStep(rule.text)), { length: 4 });
  expect(kept).toEqual([expect.stringMatching(rule.says)]);
  expect(program.graph.nodes.filter((n) => n.op === "recurrence")).toHaveLength(1);
});
