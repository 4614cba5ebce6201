/** Memories of other shapes, features, positions, and rows that grow. */
import { add, delta, dot, mul, mv, plusOuter, scale, sigmoid, softmax, sub, total, transpose, zeros, type M, type V } from "../../specs/arithmetic.ts"; // prettier-ignore
import { outer, plus, silu, softplus, times, unit, type MadeUp } from "./made_up.ts";

const squares = (z: V): V => unit(outer(z, z).flat());
/** Σ_ij F[i, j, ·] a_i b_j */
const read = (F: readonly M[], a: V, b: V): V =>
  F.reduce<V>((sum, rows, i) => add(sum, scale(a[i]!, mv(transpose(rows), b))), zeros(F[0]![0]!.length)); // prettier-ignore

export const MEMORIES: readonly MadeUp[] = [
  {
    name: "third order: one key axis decays, then the product of two keys is corrected",
    text: `layer Rule(a = 4, b = 3, c = 2) {
      in k1: [a] in k2: [b] in v: [c] in w: [a] in r: [] in q1: [a] in q2: [b]
      fast net { F: [a, b, c] = 0 }
      program {
        F <- einsum(F[i, j, l], sigmoid(w)[i] -> [i, j, l])
        old = einsum(F[i, j, l], k1[i], k2[j] -> [l])
        F <- F + sigmoid(r) * einsum(k1[i], k2[j], (v - old)[l] -> [i, j, l])
      }
      out y = einsum(F[i, j, l], q1[i], q2[j] -> [l])
    }`,
    classes: { F: "diagonal-delta" },
    chunks: true,
    step(x, s) {
      const [k1, k2] = [x.vector("k1"), x.vector("k2")];
      const kept = s.cube("F").map((rows, i) => times(sigmoid(x.vector("w")[i]!), rows));
      const error = scale(sigmoid(x.number("r")), sub(x.vector("v"), read(kept, k1, k2)));
      const F = kept.map((rows, i) => plusOuter(rows, scale(k1[i]!, k2), error));
      return { y: read(F, x.vector("q1"), x.vector("q2")), "next:F": F };
    },
  },
  {
    name: "one key for all heads",
    text: `layer Rule(heads = 2, key = 3, value = 4) {
      in k: [key] in q: [heads, key] in v: [heads, value] in b: [heads]
      fast net { W: [heads, value, key] = 0 }
      error = v - einsum(W[h, i, j], softmax(k)[j] -> [h, i])
      program { W <- W + einsum((sigmoid(b) * error)[h, i], softmax(k)[j] -> [h, i, j]) }
      out y = W @ q
    }`,
    classes: { W: "delta" },
    chunks: true,
    step(x, s) {
      const W = s.cube("W").map((w, h) => delta(w, softmax(x.vector("k")), x.matrix("v")[h]!, sigmoid(x.vector("b")[h]!))); // prettier-ignore
      return { y: W.map((w, h) => mv(w, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "every row and column its own time constant",
    text: `layer Rule(d = 4, n = 3) {
      in x: [d] in dt: [d] in B: [n] in C: [n]
      weight A: [d, n]
      step = softplus(dt)
      fast net { h: [d, n] = 0 }
      program { h <- exp(-step * exp(A)) * h + outer(step * x, B) }
      out y = h @ C + x
    }`,
    classes: { h: "elementwise" },
    chunks: true,
    step(x, s, p) {
      const [dt, B] = [x.vector("dt").map(softplus), x.vector("B")];
      const h = s.matrix("h").map((row, i) => {
        const kept = row.map((z, j) => z * Math.exp(-dt[i]! * Math.exp(p.matrix("A")[i]![j]!)));
        return add(kept, scale(dt[i]! * x.vector("x")[i]!, B));
      });
      return { y: add(mv(h, x.vector("C")), x.vector("x")), "next:h": h };
    },
  },
  {
    name: "keys turned by their position",
    text: `layer Rule(half = 2, value = 3) {
      in k: [2 * half] in q: [2 * half] in v: [value]
      fast net { t: [] = 0 W: [value, 2 * half] = 0 }
      program { t <- t + 1 }
      angle = t * exp(-iota(half))
      first(x) = take(x, 1, half)
      last(x) = take(x, half + 1, half)
      turn(x) = concat(first(x) * cos(angle) - last(x) * sin(angle), first(x) * sin(angle) + last(x) * cos(angle))
      program { W <- W + outer(v, turn(k)) }
      out y = W @ turn(q)
    }`,
    classes: { t: "identity", W: "identity" },
    chunks: true,
    step(x, s) {
      const t = s.number("t") + 1;
      const [c, d] = [Math.cos, Math.sin].map((f) => [1, 2].map((i) => f(t * Math.exp(-i))));
      const turn = (z: V): V => {
        const [a, b] = [z.slice(0, 2), z.slice(2)];
        return [...sub(mul(a, c!), mul(b, d!)), ...add(mul(a, d!), mul(b, c!))];
      };
      const W = plus(s.matrix("W"), outer(x.vector("v"), turn(x.vector("k"))));
      return { y: mv(W, turn(x.vector("q"))), "next:t": t, "next:W": W };
    },
  },
  {
    name: "all products of two coordinates as features",
    text: `layer Rule(n = 3, value = 2) {
      in k: [n] in v: [value] in q: [n]
      psi(x) = l2_norm(flatten(outer(x, x)))
      fast net { W: [value, n * n] = 0 }
      program { W <- delta(W, key: psi(k), value: v, rate: 0.7) }
      out y = W @ psi(q)
    }`,
    classes: { W: "delta" },
    chunks: true,
    step(x, s) {
      const W = delta(s.matrix("W"), squares(x.vector("k")), x.vector("v"), 0.7);
      return { y: mv(W, squares(x.vector("q"))), "next:W": W };
    },
  },
  {
    name: "features with an offset, normalised by their sum, one head of width one",
    text: `layer Rule(h = 1, n = 4) {
      in x: [h]
      weight K: [h, n, h]
      k = einsum(K[g, j, i], x[i] -> [g, j])
      fast net { W: [h, h, n] = 0 }
      program { W <- W + 0.5 * outer(x, (tanh(k) + 2) / sum(tanh(k) + 2)) - 0.1 * W }
      out y = W @ k
      out offset: [] = mean(flatten(tanh(k)) + 0.5)
    }`,
    classes: { W: "scalar" },
    chunks: true,
    step(x, s, p) {
      const k = p.cube("K")[0]!.map((row) => row[0]! * x.vector("x")[0]!);
      const features = k.map((z) => Math.tanh(z) + 2);
      const key = scale(1 / total(features), features);
      const W = plus(times(0.9, s.cube("W")[0]!), times(0.5, outer(x.vector("x"), key)));
      const offset = total(k.map(Math.tanh)) / 4 + 0.5;
      return { y: [mv(W, k)], offset, "next:W": [W] };
    },
  },
  {
    name: "keys from a short convolution",
    text: `layer Rule(n = 3) {
      in x: [n]
      weight c0: [n] weight c1: [n] weight c2: [n]
      u = prev(x)
      k = l2_norm(silu(c0 * x + c1 * u + c2 * prev(u)))
      fast net { W: [n, n] = 0 }
      program { W <- delta(W, key: k, value: x, rate: 0.5) }
      out y = W @ k
    }`,
    classes: { W: "delta" },
    chunks: true,
    step(x, s, p) {
      const [c0, c1, c2] = ["c0", "c1", "c2"].map((n) => p.vector(n));
      const [now, u] = [x.vector("x"), s.vector("prev.x")];
      const sum = add(add(mul(c0!, now), mul(c1!, u)), mul(c2!, s.vector("prev.u")));
      const k = unit(sum.map(silu));
      const W = delta(s.matrix("W"), k, now, 0.5);
      return { y: mv(W, k), "next:W": W, "next:prev.x": now, "next:prev.u": u };
    },
  },
  {
    name: "attention over the past only: nothing at the first step",
    text: `layer Rule(n = 3) {
      in k: [n] in v: [n] in q: [n]
      fast net { K: [past, n] = empty V: [past, n] = empty }
      a = softmax(einsum(K[t, j], q[j] -> [t]))
      y = einsum(a[t], V[t, i] -> [i])
      program { K <- append(K, k) V <- append(V, v) }
      out y
    }`,
    classes: {},
    chunks: true,
    step(x, s) {
      const [K, rows] = [s.matrix("K"), s.matrix("V")];
      const a = K.length === 0 ? [] : softmax(mv(K, x.vector("q")));
      const y = rows.reduce<V>((sum, row, t) => add(sum, scale(a[t]!, row)), zeros(3));
      return { y, "next:K": [...K, x.vector("k")], "next:V": [...rows, x.vector("v")] };
    },
  },
  {
    name: "attention with a decaying bias to the answers of a delta memory",
    text: `layer Rule(n = 3) {
      in k: [n] in v: [n] in q: [n] in f: []
      fast net { W: [n, n] = 0 F: [] = 0 A: [past, n] = empty L: [past] = empty }
      program {
        W <- delta(W, key: softmax(k), value: v, rate: 0.5)
        F <- F + logsigmoid(f)
      }
      a = W @ softmax(q)
      program { A <- append(A, a) L <- append(L, F) }
      out y = einsum(softmax(einsum(A[t, j], q[j] -> [t]) + F - L)[t], A[t, i] -> [i])
    }`,
    classes: { W: "delta", F: "identity" },
    chunks: true,
    step(x, s) {
      const W = delta(s.matrix("W"), softmax(x.vector("k")), x.vector("v"), 0.5);
      const F = s.number("F") - softplus(-x.number("f"));
      const A = [...s.matrix("A"), mv(W, softmax(x.vector("q")))];
      const L = [...s.vector("L"), F];
      const score = softmax(A.map((a, t) => dot(a, x.vector("q")) + F - L[t]!));
      const y = [0, 1, 2].map((i) => total(A.map((a, t) => score[t]! * a[i]!)));
      return { y, "next:W": W, "next:F": F, "next:A": A, "next:L": L };
    },
  },
];
