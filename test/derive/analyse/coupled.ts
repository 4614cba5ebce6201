/** Rules made up for the purpose: states that are affine in each other, and matrices on the side of the keys. */
import type { Rule } from "./rules.ts";

const pair = "fast net { S: [heads, value, key] = 0\n W: [heads, value, key] = 0 }";
const both = (program: string, out = "W @ q"): string =>
  `${pair}\n program { ${program} }\n out y = ${out}`;
const one = (program: string, out = "W @ q"): string =>
  `fast net { W: [heads, value, key] = 0 }\n program { ${program} }\n out y = ${out}`;
const vectors = (program: string, out: string): string =>
  `fast net { h: [heads, key] = 0\n c: [heads, key] = 0 }\n program { ${program} }\n out y = ${out}`;

const GRADIENT = "grad(0.5 * sum((W @ l2_norm(k) - v) ^ 2), W)";
/** A matrix per head and step that is no product of vectors. */
const MATRIX = "0.6 * tanh(outer(k2, p))";
/** W <- W R */
const TURN = `W <- einsum(W[h, i, j], (${MATRIX})[h, j, l] -> [h, i, l])`;
const DELTA = "W <- delta(W, key: l2_norm(k), value: v, rate: sigmoid(b))";
const PER_KEY = (state: string, by = "d"): string =>
  `einsum(${state}[h, i, j], sigmoid(${by})[h, j] -> [h, i, j])`;

export const COUPLED: readonly Rule[] = [
  {
    name: "momentum: the gradient is gathered, then applied with a weight decay",
    class: "matrix-rank-one",
    text: both(`S <- sigmoid(g) * S - sigmoid(b) * ${GRADIENT}\n W <- (1 - 0.1 * sigmoid(b2)) * W + S`), // prettier-ignore
  },
  {
    name: "momentum, applied before it is gathered",
    class: "matrix-rank-one",
    text: both(`W <- 0.9 * W + S\n S <- tanh(g) * S - sigmoid(b) * ${GRADIENT}`),
  },
  {
    name: "momentum, the gradient measured ahead of the weights",
    class: "matrix-rank-one",
    text: both("S <- sigmoid(g) * S - sigmoid(b) * grad(0.5 * sum(((W + 0.5 * S) @ l2_norm(k) - v) ^ 2), W)\n W <- 0.9 * W + S"), // prettier-ignore
  },
  {
    name: "momentum that decays per key",
    class: "matrix-rank-one",
    text: both(`S <- ${PER_KEY("S")} - sigmoid(b) * ${GRADIENT}\n W <- ${PER_KEY("W", "a")} + 0.5 * S`), // prettier-ignore
  },
  {
    name: "momentum that decays per row",
    class: "matrix-rank-one",
    text: both(`S <- sigmoid(r) * S - sigmoid(b) * ${GRADIENT}\n W <- 0.9 * W + S`),
  },
  {
    name: "momentum of two gradients",
    class: "low-rank",
    text: both(`S <- sigmoid(g) * S - 0.5 * ${GRADIENT} - sigmoid(b) * outer(W @ l2_norm(k2) - v2, l2_norm(k2))\n W <- 0.9 * W + S`), // prettier-ignore
  },
  {
    name: "a fast and a slow memory that leak into each other",
    class: "matrix",
    text: both("S <- sigmoid(g) * S + 0.2 * W + outer(v, k)\n W <- 0.5 * W + 0.3 * sigmoid(b) * S", "W @ q + S @ p"), // prettier-ignore
  },
  {
    name: "a fast and a slow memory that change places",
    class: "matrix",
    text: both("was = S\n S <- W + outer(v, k)\n W <- 0.9 * was"),
  },
  {
    name: "two delta rules, each corrected by what the other says",
    class: "low-rank",
    text: both("s = S @ l2_norm(k)\n S <- S + 0.5 * sigmoid(b) * outer(v - W @ l2_norm(k2), l2_norm(k2))\n W <- W + 0.5 * sigmoid(b2) * outer(s - W @ l2_norm(k), l2_norm(k))", "W @ q + S @ q"), // prettier-ignore
  },
  {
    name: "one writes what it reads into the other, which writes it back",
    class: "low-rank",
    text: both("S <- sigmoid(g) * S + 0.4 * outer(W @ l2_norm(k), l2_norm(k2))\n W <- sigmoid(b) * W + 0.4 * outer(S @ l2_norm(p) + v, l2_norm(a))"), // prettier-ignore
  },
  {
    name: "three delta rules in a circle",
    class: "low-rank",
    text: `fast net { A: [heads, value, key] = 0\n B: [heads, value, key] = 0\n C: [heads, value, key] = 0 }
      program { A <- A + 0.5 * outer(v - C @ l2_norm(k), l2_norm(k))
        B <- 0.9 * B + 0.5 * outer(A @ l2_norm(k2) - v2, l2_norm(k2))
        C <- 0.8 * C + 0.3 * outer(B @ l2_norm(k3), l2_norm(k3)) }
      out y = C @ q + A @ p`,
  },
  {
    name: "momentum of momentum",
    class: "matrix-rank-one",
    text: `fast net { R: [heads, value, key] = 0\n S: [heads, value, key] = 0\n W: [heads, value, key] = 0 }
      program { R <- 0.5 * R - 0.5 * sigmoid(b) * ${GRADIENT}
        S <- sigmoid(g) * S + R
        W <- 0.7 * W + S }
      out y = W @ q`,
  },
  {
    name: "gathered corrections of Oja's rule",
    class: "matrix-rank-one",
    side: "value",
    text: both("S <- 0.5 * sigmoid(g) * S + sigmoid(b) * outer(l2_norm(v), k - transpose(W) @ l2_norm(v))\n W <- 0.6 * W + S"), // prettier-ignore
  },
  {
    name: "two gated vectors that feed each other",
    class: "matrix",
    text: vectors("h <- sigmoid(d) * h + 0.3 * k * c\n c <- sigmoid(a) * c + 0.3 * q * h + p", "tanh(h) * k2 + c"), // prettier-ignore
  },
  {
    name: "a turning vector, real and imaginary part",
    class: "matrix",
    text: vectors("was = h\n h <- 0.95 * (cos(d) * h - sin(d) * c) + k\n c <- 0.95 * (sin(d) * was + cos(d) * c)", "h * q"), // prettier-ignore
  },
  {
    name: "a vector and its running change",
    class: "matrix",
    text: vectors("c <- sigmoid(g) * c + sigmoid(b) * (k - h)\n h <- h + 0.5 * c", "dot(h, q)"),
  },
  {
    name: "three vectors, each the next one's input",
    class: "matrix",
    text: `fast net { a1: [heads, key] = 0\n a2: [heads, key] = 0\n a3: [heads, key] = 0 }
      program { a1 <- sigmoid(d) * a1 + 0.2 * a3 + k\n a2 <- 0.5 * a2 + sigmoid(g) * a1\n a3 <- relu(p) * 0.1 * a3 + 0.5 * a2 }
      out y = a3 + q * a2`,
  },
  {
    name: "two counters",
    class: "matrix",
    text: "fast net { c: [] = 0\n m: [] = 1 } program { c <- 0.9 * c + 0.1 * m\n m <- 0.5 * m + 0.2 * c + x[1] } out y = c + x[1] * m", // prettier-ignore
  },
  {
    name: "a matrix per step on the side of the keys",
    class: "matrix",
    text: one(`${TURN}\n W <- W + outer(v, k)`),
  },
  {
    name: "a matrix on the side of the keys, then a delta rule",
    class: "matrix",
    text: one(`${TURN}\n ${DELTA}`),
  },
  {
    name: "a delta rule, then a matrix and a decay per key",
    class: "matrix",
    text: one(`${DELTA}\n ${TURN}\n W <- ${PER_KEY("W")}`),
  },
  {
    name: "a decay beside a matrix, read before",
    class: "matrix",
    text: `fast net { W: [heads, value, key] = 0 } y = W @ q program { W <- 0.5 * sigmoid(g) * W + einsum(W[h, i, j], (${MATRIX})[h, j, l] -> [h, i, l]) + outer(v, k) } out y`, // prettier-ignore
  },
  {
    name: "a trained matrix on the side of the keys",
    class: "matrix",
    text: "weight R: [key, key] = normal(0, 0.4)\n fast net { W: [heads, value, key] = 0 } program { W <- 0.4 * einsum(W[h, i, j], R[j, l] -> [h, i, l]) + outer(v, k) } out y = W @ q", // prettier-ignore
  },
  {
    name: "a matrix on the side of the values",
    class: "matrix",
    side: "value",
    text: one("W <- einsum((0.5 * tanh(outer(v2, w)))[h, i, l], W[h, l, j] -> [h, i, j]) + outer(v, k)"), // prettier-ignore
  },
  {
    name: "pairs of keys, each turned in its own way",
    class: "matrix",
    text: `weight R: [key, 2, 2] = normal(0, 0.4)\n weight u: [2] = normal(0, 1)
      fast net { W: [heads, value, key, 2] = 0 }
      program { W <- einsum(W[h, i, j, e], tanh(einsum(R[j, e, g], d[h, j] -> [h, j, e, g]))[h, j, e, g] -> [h, i, j, g]) * 0.6 + einsum(v[h, i], k[h, j], u[e] -> [h, i, j, e]) }
      out y = einsum(W[h, i, j, e], tanh(einsum(q[h, j], u[e] -> [h, j, e]))[h, j, e] -> [h, i])`,
  },
  {
    name: "pairs of keys, turned, then a delta rule over all of them",
    class: "matrix-rank-one",
    text: `weight R: [key, 2, 2] = normal(0, 0.4)\n weight u: [2] = constant(0.7)
      fast net { W: [heads, value, key, 2] = 0 }
      two = einsum(l2_norm(k)[h, j], u[e] -> [h, j, e])
      program { W <- einsum(W[h, i, j, e], tanh(einsum(R[j, e, g], d[h, j] -> [h, j, e, g]))[h, j, e, g] -> [h, i, j, g]) * 0.6
        W <- W + sigmoid(b) * einsum((v - einsum(W[h, i, j, e], two[h, j, e] -> [h, i]))[h, i], two[h, j, e] -> [h, i, j, e]) }
      out y = einsum(W[h, i, j, e], tanh(einsum(q[h, j], u[e] -> [h, j, e]))[h, j, e] -> [h, i])`,
  },
  {
    name: "momentum and a matrix on the side of the keys",
    class: "matrix",
    text: both(`S <- 0.5 * S - 0.5 * sigmoid(b) * ${GRADIENT}\n ${TURN}\n W <- W + 0.3 * S`),
  },
  {
    name: "a linear recurrent net",
    class: "matrix",
    text: "weight A: [key, key] = normal(0, 0.4)\n fast net { z: [key] = 0 } program { z <- 0.4 * (A @ z) + x } out y = tanh(z)", // prettier-ignore
  },
  {
    name: "two memories, each the other's keys and values exchanged",
    class: "low-rank",
    text: `fast net { W: [heads, value, key] = 0\n R: [heads, key, value] = 0 }
      program { W <- W + 0.5 * outer(v - transpose(R) @ l2_norm(k), l2_norm(k))
        R <- 0.9 * R + 0.3 * outer(l2_norm(p), W @ l2_norm(a)) }
      out y = W @ q + transpose(R) @ p`,
  },
  {
    name: "the same with as many keys as values",
    class: "matrix",
    text: `fast net { W: [heads, key, key] = 0\n R: [heads, key, key] = 0 }
      program { W <- 0.5 * W + sigmoid(g) * 0.3 * transpose(R) + outer(a, k)
        R <- 0.9 * R + 0.2 * transpose(W) }
      out y = W @ q`,
  },
  {
    name: "a product of two states",
    class: "nonlinear",
    text: both("S <- 0.9 * S + outer(W @ k, k2)\n W <- W + outer((S @ p) * (W @ p), k)"),
    chunk: false,
  },
  {
    name: "one state as the other's gate",
    class: "nonlinear",
    text: both("S <- sigmoid(sum(W @ k)) * S + outer(v, k)\n W <- W + S"),
    chunk: false,
  },
  {
    name: "one state's answer, squashed, written to the other",
    class: "nonlinear",
    text: both("S <- S + outer(tanh(W @ k), k2)\n W <- 0.9 * W + outer(S @ q, p)"),
    chunk: false,
  },
  {
    name: "a matrix made of the other state",
    class: "nonlinear",
    text: "fast net { S: [heads, key, key] = 0\n W: [heads, key, key] = 0 } program { S <- 0.5 * S + 0.1 * W + outer(p, k)\n W <- 0.1 * einsum(W[h, i, j], S[h, j, l] -> [h, i, l]) + outer(p, k) } out y = W @ q", // prettier-ignore
    chunk: false,
  },
  {
    name: "a matrix and a vector that feed each other",
    class: "several",
    text: "fast net { W: [heads, value, key] = 0\n z: [heads, key] = 0 } program { W <- 0.9 * W + outer(v, z)\n z <- 0.5 * z + transpose(W) @ l2_norm(v) } out y = W @ q", // prettier-ignore
    chunk: false,
  },
];
