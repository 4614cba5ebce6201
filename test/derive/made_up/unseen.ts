/** Keys in groups, conditionals in conditionals, memories in circles, memories mixed by a matrix. */
import { add, dot, mul, mv, scale, sigmoid, sub, zeros, type M, type V } from "../../specs/arithmetic.ts"; // prettier-ignore
import { heads, map2, outer, plus, softplus, times, unit, type MadeUp } from "./made_up.ts";

const columns = (W: M, d: V): M => W.map((row) => mul(row, d));
const rows = (W: M, d: V): M => W.map((row, i) => scale(d[i]!, row));

/** What a third order memory says to two keys. */
const ask = (F: readonly M[], p: V, r: V): V =>
  F.reduce<V>((sum, M, i) => M.reduce<V>((all, row, j) => add(all, scale(p[i]! * r[j]!, row)), sum), zeros(4)); // prettier-ignore

export const UNSEEN: readonly MadeUp[] = [
  {
    name: "two keys handed over together, each with a rate, in one sum",
    text: `layer Rule(n = 3) {
      in keys: [2, n] in values: [2, 4] in q: [n] in b: [2] in g: []
      fast net { W: [4, n] = 0 }
      err = values - einsum(W[i, j], keys[l, j] -> [l, i])
      program { W <- sigmoid(g) * W + einsum(err[l, i], keys[l, j], sigmoid(b)[l] -> [i, j]) }
      out y = W @ q
    }`,
    classes: { W: "low-rank" },
    chunks: true,
    step(x, s) {
      const [old, keys, b] = [s.matrix("W"), x.matrix("keys"), x.vector("b")];
      const err = keys.map((k, l) => sub(x.matrix("values")[l]!, mv(old, k)));
      const W = plus(times(sigmoid(x.number("g")), old), ...keys.map((k, l) => times(sigmoid(b[l]!), outer(err[l]!, k)))); // prettier-ignore
      return { y: mv(W, x.vector("q")), "next:W": W };
    },
  },
  {
    name: "a decay per value, then some channels of a key erased, the answer from before it all corrected",
    text: `layer Rule(heads = 2, key = 3, value = 4) {
      in k: [heads, key] in q: [heads, key] in m: [heads, key]
      in v: [heads, value] in r: [heads, value] in b: [heads]
      fast net { W: [heads, value, key] = 0 }
      before = W @ q
      program {
        W <- sigmoid(r) * W
        W <- W - sigmoid(b) * outer(W @ (sigmoid(m) * k), l2_norm(k))
        W <- W + outer(v - before, k)
      }
      out y = W @ q + before
    }`,
    classes: { W: "low-rank" },
    chunks: true,
    step(x, s) {
      const of = (name: string, h: number): V => x.matrix(name)[h]!;
      const old = s.cube("W");
      const before = heads(old, (h) => mv(old[h]!, of("q", h)));
      const W = heads(old, (h) => {
        const kept = rows(old[h]!, of("r", h).map(sigmoid));
        const asked = mv(kept, mul(of("m", h).map(sigmoid), of("k", h)));
        const erased = outer(scale(-sigmoid(x.vector("b")[h]!), asked), unit(of("k", h)));
        return plus(kept, erased, outer(sub(of("v", h), before[h]!), of("k", h)));
      });
      return { y: heads(W, (h) => add(mv(W[h]!, of("q", h)), before[h]!)), "next:W": W };
    },
  },
  {
    name: "conditionals in conditionals: halve and write, erase, forget, keep",
    text: `layer Rule(heads = 2, key = 3, value = 4) {
      in k: [heads, key] in q: [heads, key] in v: [heads, value] in g: [heads] in b: [heads]
      fast net { W: [heads, value, key] = 0 }
      u = l2_norm(k)
      program {
        W <- where(g > 0, where(b > 0, 0.5 * W + outer(v, k), W - outer(W @ u, u)), where(b > 0.3, 0, W))
      }
      out y = W @ q
    }`,
    classes: { W: "scalar-delta" },
    chunks: true,
    step(x, s) {
      const W = heads(s.cube("W"), (h) => {
        const old = s.cube("W")[h]!;
        const [k, b] = [x.matrix("k")[h]!, x.vector("b")[h]!];
        if (x.vector("g")[h]! <= 0) return b > 0.3 ? times(0, old) : old;
        if (b > 0) return plus(times(0.5, old), outer(x.matrix("v")[h]!, k));
        return plus(old, times(-1, outer(mv(old, unit(k)), unit(k))));
      });
      return { y: heads(W, (h) => mv(W[h]!, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "three memories in a circle, each written with what the one before it says, new or old",
    text: `layer Rule() {
      in k: [3] in q: [3] in v: [4] in g: []
      fast net { A: [4, 3] = 0 B: [4, 3] = 0 C: [4, 3] = 0 }
      a = A @ k
      program {
        A <- 0.9 * A + outer(v - C @ k, k)
        B <- B + 0.5 * outer(A @ q, k)
        C <- sigmoid(g) * C + 0.3 * outer(B @ k - a, q)
      }
      out y = C @ q + B @ k
    }`,
    chunks: true,
    step(x, s) {
      const [k, q] = [x.vector("k"), x.vector("q")];
      const a = mv(s.matrix("A"), k);
      const A = plus(times(0.9, s.matrix("A")), outer(sub(x.vector("v"), mv(s.matrix("C"), k)), k));
      const B = plus(s.matrix("B"), times(0.5, outer(mv(A, q), k)));
      const C = plus(times(sigmoid(x.number("g")), s.matrix("C")), times(0.3, outer(sub(mv(B, k), a), q))); // prettier-ignore
      return { y: add(mv(C, q), mv(B, k)), "next:A": A, "next:B": B, "next:C": C };
    },
  },
  {
    name: "third order: all three axes decay, then the product of two keys is corrected",
    text: `layer Rule() {
      in k: [3] in q: [3] in v: [4] in a: [3] in d: [3] in e: [4]
      fast net { F: [3, 3, 4] = 0 }
      program {
        F <- einsum(F[s, r, t], sigmoid(a)[s], sigmoid(d)[r], sigmoid(e)[t] -> [s, r, t])
        err = v - einsum(F[s, r, t], k[s], q[r] -> [t])
        F <- F + einsum(k[s], q[r], err[t] -> [s, r, t])
      }
      out y = einsum(F[s, r, t], q[s], k[r] -> [t])
    }`,
    chunks: true,
    step(x, s) {
      const [k, q, a, d, e] = ["k", "q", "a", "d", "e"].map((n) => x.vector(n)) as [V, V, V, V, V];
      const kept = s.cube("F").map((M, i) => map2(M, (y, j, t) => y * sigmoid(a[i]!) * sigmoid(d[j]!) * sigmoid(e[t]!))); // prettier-ignore
      const err = sub(x.vector("v"), ask(kept, k, q));
      const F = kept.map((M, i) => map2(M, (y, j, t) => y + k[i]! * q[j]! * err[t]!));
      return { y: ask(F, q, k), "next:F": F };
    },
  },
  {
    name: "the gradient at a point ahead, momentum and weights both read",
    text: `layer Rule() {
      in k: [3] in q: [3] in v: [4] in a: [] in b: []
      fast net { W: [4, 3] = 0 M: [4, 3] = 0 }
      look = W + sigmoid(a) * M
      g = grad(0.5 * sum((look @ k - v) ^ 2), look)
      program {
        M <- sigmoid(a) * M - sigmoid(b) * g
        W <- 0.95 * W + M
      }
      out y = W @ q + M @ k
    }`,
    chunks: true,
    step(x, s) {
      const [k, a] = [x.vector("k"), sigmoid(x.number("a"))];
      const look = plus(s.matrix("W"), times(a, s.matrix("M")));
      const g = outer(sub(mv(look, k), x.vector("v")), k);
      const M = plus(times(a, s.matrix("M")), times(-sigmoid(x.number("b")), g));
      const W = plus(times(0.95, s.matrix("W")), M);
      return { y: add(mv(W, x.vector("q")), mv(M, k)), "next:W": W, "next:M": M };
    },
  },
  {
    name: "a number for an error: what the memory says of a key and a value at once",
    text: `layer Rule() {
      in k: [3] in q: [3] in v: [4] in g: [] in b: []
      fast net { W: [4, 3] = 0 }
      s = dot(v, W @ k)
      program { W <- sigmoid(g) * W + (b - s) * outer(v, k) }
      out y = W @ q
    }`,
    classes: { W: "scalar-delta" },
    chunks: false,
    step(x, s) {
      const [k, v] = [x.vector("k"), x.vector("v")];
      const off = x.number("b") - dot(v, mv(s.matrix("W"), k));
      const W = plus(times(sigmoid(x.number("g")), s.matrix("W")), times(off, outer(v, k)));
      return { y: mv(W, x.vector("q")), "next:W": W };
    },
  },
  {
    name: "two memories that turn into each other and shrink, one error written into both",
    text: `layer Rule() {
      in k: [3] in q: [3] in v: [4] in a: [] in g: []
      fast net { A: [4, 3] = 0 B: [4, 3] = 0 }
      c = cos(a) * sigmoid(g)
      s = sin(a) * sigmoid(g)
      old = A + 0
      program {
        A <- c * A - s * B
        B <- s * old + c * B
      }
      e = v - A @ k
      program {
        A <- A + 0.5 * outer(e, k)
        B <- B - 0.25 * outer(e, k)
      }
      out y = A @ q + B @ k
    }`,
    chunks: true,
    step(x, state) {
      const [k, angle] = [x.vector("k"), x.number("a")];
      const by = sigmoid(x.number("g"));
      const [c, s] = [by * Math.cos(angle), by * Math.sin(angle)];
      const [oldA, oldB] = [state.matrix("A"), state.matrix("B")];
      const turned = plus(times(c, oldA), times(-s, oldB));
      const e = sub(x.vector("v"), mv(turned, k));
      const A = plus(turned, times(0.5, outer(e, k)));
      const B = plus(times(s, oldA), times(c, oldB), times(-0.25, outer(e, k)));
      return { y: add(mv(A, x.vector("q")), mv(B, k)), "next:A": A, "next:B": B };
    },
  },
  {
    name: "answers of all heads mixed by a trained matrix before they are written back",
    text: `layer Rule() {
      in k: [2, 3] in q: [2, 3] in v: [2, 4] in g: [2]
      weight M: [2, 2] = normal(0, 1)
      fast net { W: [2, 4, 3] = 0 }
      m = einsum(M[h, l], (W @ k)[l, i] -> [h, i])
      program { W <- sigmoid(g) * W + outer(v - m, k) }
      out y = W @ q
    }`,
    chunks: false,
    step(x, s, p) {
      const said = heads(s.cube("W"), (h) => mv(s.cube("W")[h]!, x.matrix("k")[h]!));
      const W = heads(said, (h) => {
        const mixed = said.reduce<V>((sum, r, l) => add(sum, scale(p.matrix("M")[h]![l]!, r)), zeros(4)); // prettier-ignore
        const kept = times(sigmoid(x.vector("g")[h]!), s.cube("W")[h]!);
        return plus(kept, outer(sub(x.matrix("v")[h]!, mixed), x.matrix("k")[h]!));
      });
      return { y: heads(W, (h) => mv(W[h]!, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "reflected from the left, then from the right, then written",
    text: `layer Rule() {
      in k: [3] in q: [3] in v: [4]
      fast net { W: [4, 3] = 0 }
      u = l2_norm(v)
      w = l2_norm(k)
      program {
        W <- W - 2 * outer(u, transpose(W) @ u)
        W <- W - 2 * outer(W @ w, w)
        W <- W + outer(v, q)
      }
      out y = W @ q
    }`,
    classes: { W: "two-sided" },
    chunks: false,
    step(x, s) {
      const [u, w] = [unit(x.vector("v")), unit(x.vector("k"))];
      const old = s.matrix("W");
      const said = old[0]!.map((_, j) => dot(u, old.map((row) => row[j]!))); // prettier-ignore
      const left = plus(old, times(-2, outer(u, said)));
      const right = plus(left, times(-2, outer(mv(left, w), w)));
      const W = plus(right, outer(x.vector("v"), x.vector("q")));
      return { y: mv(W, x.vector("q")), "next:W": W };
    },
  },
  {
    name: "rates per value and per key, then a decay per value, then the answer erased",
    text: `layer Rule() {
      in k: [3] in q: [3] in v: [4] in r: [4] in a: [3]
      fast net { W: [4, 3] = 0 }
      program {
        W <- W + outer(sigmoid(r) * (v - W @ k), softplus(a) * k)
        W <- (1 - 0.1 * sigmoid(r)) * W
      }
      u = W @ q
      program { W <- W - 0.5 * outer(u, l2_norm(q)) }
      out y = u
    }`,
    classes: { W: "low-rank" },
    chunks: true,
    step(x, s) {
      const [k, q, r] = [x.vector("k"), x.vector("q"), x.vector("r").map(sigmoid)];
      const err = mul(r, sub(x.vector("v"), mv(s.matrix("W"), k)));
      const corrected = plus(s.matrix("W"), outer(err, mul(x.vector("a").map(softplus), k)));
      const kept = rows(corrected, r.map((y) => 1 - 0.1 * y)); // prettier-ignore
      const u = mv(kept, q);
      return { y: u, "next:W": plus(kept, times(-0.5, outer(u, unit(q)))) };
    },
  },
  {
    name: "a decay per key and its normaliser, a vector that feeds a matrix",
    text: `layer Rule() {
      in k: [3] in q: [3] in v: [4] in d: [3] in b: []
      fast net { z: [3] = 0 W: [4, 3] = 0 }
      s = dot(z, q)
      program {
        z <- max(min(sigmoid(d), 0.9), 0.2) * z + exp(k - 1)
        W <- einsum(W[i, j], sigmoid(d)[j] -> [i, j]) + outer(v, exp(k - 1)) + abs(tanh(b)) * outer(v * s, q)
      }
      out y = W @ q + s * v
    }`,
    classes: { z: "elementwise", W: "diagonal" },
    chunks: true,
    step(x, state) {
      const [k, q, v, d] = ["k", "q", "v", "d"].map((n) => x.vector(n)) as [V, V, V, V];
      const s = dot(state.vector("z"), q);
      const features = k.map((y) => Math.exp(y - 1));
      const gate = d.map((y) => Math.max(Math.min(sigmoid(y), 0.9), 0.2));
      const bonus = Math.abs(Math.tanh(x.number("b"))) * s;
      const W = plus(columns(state.matrix("W"), d.map(sigmoid)), outer(v, features), times(bonus, outer(v, q))); // prettier-ignore
      return { y: add(mv(W, q), scale(s, v)), "next:z": add(mul(gate, state.vector("z")), features), "next:W": W }; // prettier-ignore
    },
  },
];
