/** Rules whose outputs ask the memory with its own answers, or ask it otherwise than with one key; made up for the purpose. */
import type { Rule } from "../analyse/rules.ts";

const square = "fast net { W: [heads, key, key] = 0 }";
const oblong = "fast net { W: [heads, value, key] = 0 }";
const delta = "program { W <- delta(W, key: k, value: p, rate: sigmoid(b)) }";
const gated = "program { W <- gated_delta(W, key: k, value: v, rate: sigmoid(b), decay: sigmoid(g)) }"; // prettier-ignore
const perKey = "program { W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j])\n W <- delta(W, key: k, value: v, rate: b) }"; // prettier-ignore

/** The answers to answers: reads whose keys depend on other reads of the same state. */
export const NESTED: readonly Rule[] = [
  { name: "one hop", class: "delta", text: `${square} ${delta} out y = W @ softmax(W @ q)` },
  {
    name: "three hops, sums only",
    class: "identity",
    text: `${square} n = q program { W <- W + outer(p, k) } repeat 3 { n = norm(W @ n, affine: false) } out y = n`,
  },
  {
    name: "hops before, between and after two writes",
    class: "low-rank",
    text: `${square} s = W @ tanh(W @ q) ${delta} t = W @ tanh(s) program { W <- delta(W, key: k2, value: k3, rate: b2) } out y = W @ (t + sigmoid(W @ t))`,
  },
  {
    name: "hops with a key added at each, decayed",
    class: "scalar-delta",
    text: `${square} program { W <- gated_delta(W, key: k, value: p, rate: b, decay: sigmoid(g)) } s = W @ q t = W @ tanh(s + a) out y = W @ (s * t)`,
  },
  {
    name: "down and up again: keys from the side of the values",
    class: "scalar-delta",
    text: `${oblong} ${gated} s = transpose(W) @ tanh(W @ q) out y = W @ tanh(s)`,
  },
  {
    name: "up and down again, decay per key",
    class: "diagonal-delta",
    text: `${oblong} ${perKey} s = W @ sigmoid(transpose(W) @ w) out y = transpose(W) @ tanh(s)`,
  },
  {
    name: "decay per value, hops",
    class: "diagonal",
    text: `${square} program { W <- sigmoid(a) * W + outer(p, k) } out y = W @ tanh(W @ q)`,
  },
  {
    name: "Oja, hops",
    class: "delta",
    side: "value",
    text: `${square} program { W <- oja(W, key: k, value: p, rate: 0.3 * sigmoid(b)) } out y = W @ tanh(W @ q)`,
  },
  {
    name: "one head asks with what another says",
    class: "delta",
    text: `weight H: [heads, heads] = normal(0, 1)\n ${square} ${delta} s = einsum(H[g, h], (W @ q)[h, i] -> [g, i]) out y = W @ tanh(s)`,
  },
  {
    name: "from head to head",
    class: "delta",
    text: `${square} ${delta} s = W[1] @ tanh(W[2] @ x) out y = W[2] @ tanh(s) + s`,
  },
  {
    name: "a trained product between the hops",
    class: "delta",
    text: `weight M: [key, value] = normal(0, 1)\n ${oblong} program { W <- delta(W, key: k, value: v, rate: sigmoid(b)) } out y = W @ einsum(M[j, i], (W @ q)[h, i] -> [h, j])`,
  },
  {
    name: "third order, two hops",
    class: "delta",
    text: `fast net { F: [key, key, key] = 0 }
      s = einsum(F[s, r, t], x[s], k[1][r] -> [t])
      program { F <- F + einsum(x[s], k[1][r], (p[1] - s)[t] -> [s, r, t]) }
      n = einsum(F[s, r, t], x[s], q[1][r] -> [t])
      n = einsum(F[s, r, t], tanh(n)[s], q[2][r] -> [t])
      out y = einsum(F[s, r, t], q[1][s], tanh(n)[r] -> [t])`,
  },
  {
    name: "a keyed vector asks for its own key",
    class: "delta",
    text: "fast net { z: [heads, key] = 0 } program { z <- z + b * (g - dot(z, k)) * k } out y = dot(z, sigmoid(dot(z, q)) * p)",
  },
  {
    name: "several questions at once, then one with all answers",
    class: "delta",
    text: `weight Q: [heads, 2, key] = normal(0, 1)\n ${square} ${delta} s = einsum(W[h, i, j], Q[h, g, j], q[h, j] -> [h, g, i]) out y = W @ tanh(einsum(s[h, g, i] -> [h, i]))`,
  },
  {
    name: "the way there depends on what is read",
    class: "delta",
    text: `${square} ${delta} s = W @ q out y = W @ where(s > 0, s, q)`,
  },
];

/** What one number or vector says of the whole memory without a look at every element of it at every step. */
export const SUMMARIES: readonly Rule[] = [
  {
    name: "a quadratic form",
    class: "scalar-delta",
    text: `${oblong} ${gated} out y = dot(w, W @ q)`,
  },
  { name: "a quadratic form, as einsum", class: "scalar-delta", text: `${oblong} ${gated} out y = einsum(W[h, i, j], w[h, i], q[h, j] -> [h])` }, // prettier-ignore
  { name: "a quadratic form of answers", class: "scalar-delta", text: `${oblong} ${gated} out y = einsum(W[h, i, j], (W @ p)[h, i], tanh(transpose(W) @ w)[h, j] -> [h])` }, // prettier-ignore
  {
    name: "the sum of all weights",
    class: "scalar-delta",
    text: `${oblong} ${gated} out y = sum(W)`,
  },
  {
    name: "sums of rows",
    class: "scalar-delta",
    text: `${oblong} ${gated} out y = einsum(W[h, i, j] -> [h, i])`,
  },
  {
    name: "sums of columns",
    class: "scalar-delta",
    text: `${oblong} ${gated} out y = einsum(W[h, i, j] -> [h, j])`,
  },
  {
    name: "the norm of an answer",
    class: "scalar-delta",
    text: `${oblong} ${gated} out y = sum((W @ q) ^ 2)`,
  },
  { name: "the trace against a trained matrix", class: "scalar-delta", text: `weight M: [value, key] = normal(0, 1)\n ${oblong} ${gated} out y = einsum(W[h, i, j], M[i, j] -> [h])` }, // prettier-ignore
];

/** What needs every element at every step. */
export const WHOLE: readonly Rule[] = [
  {
    name: "squashed weights",
    class: "scalar-delta",
    text: `${oblong} ${gated} out y = tanh(W) @ q`,
  },
  { name: "squashed weights of a sum", class: "scalar", text: `${oblong} program { W <- 0.9 * W + outer(v, k) } out y = tanh(W) @ q` }, // prettier-ignore
  { name: "the norm of the weights", class: "scalar-delta", text: `${oblong} ${gated} out y = (W @ q) / sqrt(1 + sum(W ^ 2))` }, // prettier-ignore
  { name: "squashed weights, asked with an answer", class: "delta", text: `${square} ${delta} out y = tanh(W) @ (W @ q)` }, // prettier-ignore
  { name: "the weights multiplied with themselves", class: "delta", text: `${square} ${delta} out y = einsum(W[h, i, j], W[h, j, i] -> [h])` }, // prettier-ignore
];
