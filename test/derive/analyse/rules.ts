/** Rules made up for the purpose, with their class worked out by hand. */
import type { ClassName } from "../../../compiler/derive/analyse/index.ts";
import { COUPLED } from "./coupled.ts";

export interface Rule {
  readonly name: string;
  readonly class: ClassName;
  readonly side?: "value";
  readonly text: string;
  /** Whether a chunkwise form is to be had; true unless said otherwise. */
  readonly chunk?: false;
}

const matrix = "fast net { W: [heads, value, key] = 0 }";
/** A rule for one matrix that is read at q after all writes. */
const rule = (program: string, out = "W @ q"): string =>
  `${matrix}\n program { ${program} }\n out y = ${out}`;

export const RULES: readonly Rule[] = [
  { name: "sum", class: "identity", text: rule("W <- W + outer(v, k)") },
  {
    name: "two sums, read between",
    class: "identity",
    text: `${matrix} program { W <- W + outer(v, k) } s = W @ q program { W <- W + b * outer(w, k2) } out y = s`,
  },
  { name: "decay and sum", class: "scalar", text: rule("W <- sigmoid(g) * W + outer(v, k)") },
  { name: "moving average", class: "scalar", text: rule("W <- average(W, key: k, value: v, rate: sigmoid(b))") }, // prettier-ignore
  { name: "constant decay, after the write", class: "scalar", text: rule("W <- W + outer(v, k)\n W <- 0.9 * W") }, // prettier-ignore
  { name: "sign flips", class: "scalar", text: rule("W <- tanh(g) * W + outer(v, k)") },
  { name: "forget everything", class: "scalar", text: rule("W <- relu(g) * W + outer(v, k)") },
  { name: "decay per key", class: "diagonal", text: rule("W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j]) + outer(v, k)") }, // prettier-ignore
  { name: "decay per key twice, read first", class: "diagonal", text: `${matrix} y = W @ q program { W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j])\n W <- sigmoid(g) * W + outer(v, 1 - sigmoid(d)) } out y` }, // prettier-ignore
  {
    name: "decay per value",
    class: "diagonal",
    side: "value",
    text: rule("W <- sigmoid(r) * W + outer(v, k)"),
  },
  { name: "delta", class: "delta", text: rule("W <- delta(W, key: k, value: v, rate: b)") },
  { name: "descent on the squared error", class: "delta", text: rule("W <- descend(W, key: k, value: v, rate: b)") }, // prettier-ignore
  { name: "descent on a weighted error of two", class: "low-rank", text: rule("W <- W - b * grad(0.5 * sum((W @ k - v) ^ 2) + 0.5 * sum((W @ k2 - v2) ^ 2), W)") }, // prettier-ignore
  { name: "forget what a key says", class: "delta", text: rule("W <- W - b * outer(W @ k, k)") },
  { name: "delta, a rate for every row", class: "delta", text: rule("W <- W + sigmoid(r) * outer(v - W @ k, k)") }, // prettier-ignore
  { name: "delta with weight decay", class: "scalar-delta", text: rule("W <- (1 - 0.1 * sigmoid(g)) * W + b * outer(v - W @ k, k)") }, // prettier-ignore
  { name: "gated delta", class: "scalar-delta", text: rule("W <- gated_delta(W, key: k, value: v, rate: b, decay: sigmoid(g))") }, // prettier-ignore
  { name: "descent on an error with a penalty", class: "scalar-delta", text: rule("W <- W - 0.3 * grad(0.5 * sum((W @ k - v) ^ 2) + 0.05 * sum(W ^ 2), W)") }, // prettier-ignore
  { name: "decay per key, then delta", class: "diagonal-delta", text: rule("W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j])\n W <- delta(W, key: k, value: v, rate: b)") }, // prettier-ignore
  { name: "delta read before a decay per key", class: "diagonal-rank-one", text: rule("W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j]) + b * outer(v - W @ k, k)") }, // prettier-ignore
  { name: "decay per key, erase here, write there", class: "diagonal-rank-one", text: rule("W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j]) - outer(W @ a, p)\n W <- W + outer(v, k)") }, // prettier-ignore
  { name: "move an answer to another key", class: "rank-one", text: rule("W <- W + b * outer(W @ a - v, k)") }, // prettier-ignore
  { name: "decay, read at one key, write at another", class: "scalar-rank-one", text: rule("W <- sigmoid(g) * W\n W <- W + b * outer(v - W @ p, k)") }, // prettier-ignore
  { name: "two deltas in a row", class: "low-rank", text: rule("W <- delta(W, key: k, value: v, rate: b)\n W <- delta(W, key: k2, value: v2, rate: b2)") }, // prettier-ignore
  { name: "decay, three deltas, a read inside", class: "low-rank", text: `${matrix} program { W <- sigmoid(g) * W\n W <- delta(W, key: k, value: v, rate: b)\n W <- delta(W, key: k2, value: v2, rate: b2) } s = W @ p program { W <- delta(W, key: k3, value: v3, rate: b3) } out y = W @ q + s` }, // prettier-ignore
  { name: "erase, move, write at once", class: "low-rank", text: rule("s = W @ k\n t = W @ k2\n W <- W + outer(v - s, k) + outer(s - t, k2) + outer(t, k3)") }, // prettier-ignore
  {
    name: "Oja",
    class: "delta",
    side: "value",
    text: rule("W <- oja(W, key: k, value: v, rate: b)"),
  },
  { name: "Oja with a decay", class: "scalar-delta", side: "value", text: rule("W <- sigmoid(g) * W\n W <- oja(W, key: k, value: v, rate: b)") }, // prettier-ignore
  { name: "Oja with a decay per value", class: "diagonal-delta", side: "value", text: rule("W <- sigmoid(r) * W\n W <- oja(W, key: k, value: v, rate: b)") }, // prettier-ignore
  { name: "Oja, then a decay per value", class: "diagonal-rank-one", side: "value", text: rule("W <- oja(W, key: k, value: v, rate: b)\n W <- sigmoid(r) * W") }, // prettier-ignore
  { name: "a bonus for what has just been written", class: "diagonal", text: rule("W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j]) + outer(v, k)").replace("program", "s = (W + outer(v, p * k)) @ q\n program").replace("out y = W @ q", "out y = s") }, // prettier-ignore
  { name: "erase some channels, write others", class: "diagonal-rank-one", text: rule("W <- einsum(W[h, i, j], sigmoid(d)[h, j] -> [h, i, j])\n W <- W - outer(W @ (sigmoid(a) * k), k) + outer(sigmoid(w) * v, k)") }, // prettier-ignore
  { name: "descent on the error of a residual, decayed", class: "scalar-delta", text: rule("W <- 0.9 * W - b * grad(0.5 * sum((W @ k + v - w) ^ 2), W)") }, // prettier-ignore
  { name: "a keyed vector", class: "delta", text: "fast net { z: [heads, key] = 0 } s = dot(z, k) program { z <- z + b * (g - s) * k } out y = dot(z, q)" }, // prettier-ignore
  { name: "several queries per head", class: "delta", text: `weight Q: [heads, 2, key] = normal(0, 1)\n${rule("W <- delta(W, key: k, value: v, rate: b)", "einsum(W[h, i, j], Q[h, g, j], q[h, j] -> [h, g, i])")}` }, // prettier-ignore
  { name: "only forget", class: "scalar", text: rule("W <- sigmoid(g) * W") },
  { name: "only erase", class: "delta", text: rule("W <- W - 0.5 * outer(W @ k, k)") },
  { name: "keep nothing but one answer", class: "scalar-rank-one", text: rule("W <- outer(W @ k, k2) + outer(v, k)") }, // prettier-ignore
  { name: "a counter", class: "identity", text: "fast net { c: [] = 0 } program { c <- c + 1 } out y = c * q" }, // prettier-ignore
  { name: "a decayed counter, read before", class: "scalar", text: "fast net { c: [] = 0 } y = c * q program { c <- 0.5 * c + 1 } out y" }, // prettier-ignore
  { name: "the same write everywhere", class: "scalar", text: rule("W <- 0.9 * W + sigmoid(b)") },
  { name: "a rate that depends on time", class: "scalar-delta", text: rule("n = 1 / (1 + sum(k ^ 2))\n W <- sigmoid(g) * W\n W <- W + n * outer(v - W @ k, k)") }, // prettier-ignore
  { name: "select", class: "scalar", text: rule("W <- where(g > 0, W, 0.5 * W) + outer(v, k)") },
  { name: "erase from both sides", class: "two-sided", text: rule("W <- W - outer(W @ k, k) - outer(v, transpose(W) @ v)"), chunk: false }, // prettier-ignore
  { name: "rotated keys", class: "matrix", text: `weight R: [key, key] = normal(0, 1)\n fast net { W: [value, key] = 0 } program { W <- W @ R + outer(w[1], x) } out y = W @ x` }, // prettier-ignore
  { name: "every element its own decay", class: "elementwise", text: rule("W <- outer(sigmoid(r), sigmoid(d)) * W + outer(v, k)") }, // prettier-ignore
  { name: "a vector with gates", class: "elementwise", text: "fast net { h: [heads, key] = 0 } program { h <- sigmoid(d) * h + (1 - sigmoid(d)) * k } out y = tanh(h) * q" }, // prettier-ignore
  { name: "a normaliser with decay", class: "scalar", text: "fast net { z: [heads, key] = 0 } program { z <- sigmoid(g) * z + k } out y = dot(z, q)" }, // prettier-ignore
  { name: "third order", class: "delta", text: "fast net { F: [key, key, value] = 0 }\n s = einsum(F[s, r, t], x[s], k[1][r] -> [t]) program { F <- F + einsum(x[s], k[1][r], (v[1] - s)[t] -> [s, r, t]) } out y = einsum(F[s, r, t], x[s], q[1][r] -> [t])" }, // prettier-ignore
  { name: "third order, written where the two keys change places", class: "rank-one", text: "fast net { F: [key, key, value] = 0 }\n s = einsum(F[s, r, t], x[s], k[1][r] -> [t]) program { F <- F + einsum(k[1][s], x[r], (v[1] - s)[t] -> [s, r, t]) } out y = einsum(F[s, r, t], x[s], q[1][r] -> [t])" }, // prettier-ignore
  { name: "third order, one axis decays first", class: "diagonal-delta", text: "fast net { F: [key, key, value] = 0 } program { F <- einsum(F[s, r, t], sigmoid(d)[1][s] -> [s, r, t])\n s = einsum(F[s, r, t], x[s], k[1][r] -> [t])\n F <- F + einsum(x[s], k[1][r], (v[1] - s)[t] -> [s, r, t]) } out y = einsum(F[s, r, t], x[s], q[1][r] -> [t])" }, // prettier-ignore
  { name: "delta, read from both sides", class: "delta", text: rule("W <- delta(W, key: k, value: v, rate: b)", "W @ q\n out z = transpose(W) @ v") }, // prettier-ignore
  { name: "one number for every row and key, inside one function", class: "elementwise", text: "fast net { h: [value, key] = 0 } program { h <- exp(-outer(softplus(r[1]), sigmoid(d[1]))) * h + outer(v[1], x) } out y = h @ q[1]" }, // prettier-ignore
  { name: "keys from the memory", class: "nonlinear", text: rule("W <- delta(W, key: softmax(W @ q)[1..key], value: v, rate: b)").replace("[1..key]", "").replace("value, key]", "key, key]").replace("value: v", "value: p"), chunk: false }, // prettier-ignore
  { name: "clipped", class: "nonlinear", text: rule("W <- clipped_delta(W, key: k, value: v, rate: b)"), chunk: false }, // prettier-ignore
  { name: "squashed", class: "nonlinear", text: rule("W <- logistic(W + outer(v, k))"), chunk: false }, // prettier-ignore
  { name: "its own square", class: "nonlinear", text: rule("W <- W + outer(v, k) - 0.1 * W ^ 2"), chunk: false }, // prettier-ignore
  { name: "a rate from the error", class: "nonlinear", text: rule("s = v - W @ k\n W <- W + sigmoid(sum(s ^ 2)) * outer(s, k)"), chunk: false }, // prettier-ignore
  ...COUPLED,
];
