/** Several states that feed each other, and vectors beside matrices. */
import { add, delta, dot, mul, mv, scale, sigmoid, softmax, sub, transpose } from "../../specs/arithmetic.ts"; // prettier-ignore
import { map2, outer, plus, softplus, times, unit, type MadeUp } from "./made_up.ts";

const rule = (inputs: string, states: string, body: string): string =>
  `layer Rule(n = 3) { ${inputs}\n fast net { ${states} }\n ${body} }`;
const KVQ = "in k: [n] in v: [n] in q: [n]";

export const SEVERAL: readonly MadeUp[] = [
  {
    name: "a memory asked by the answer of another, and told of the past value",
    text: rule(
      KVQ,
      "A: [n, n] = 0 B: [n, n] = 0",
      `program { A <- delta(A, key: l2_norm(k), value: v, rate: 0.5) }
      a = A @ q
      program { B <- delta(B, key: l2_norm(a), value: prev(v), rate: 0.5) }
      out y = B @ l2_norm(a)`,
    ),
    classes: { A: "delta", B: "delta" },
    chunks: true,
    step(x, s) {
      const A = delta(s.matrix("A"), unit(x.vector("k")), x.vector("v"), 0.5);
      const a = unit(mv(A, x.vector("q")));
      const B = delta(s.matrix("B"), a, s.vector("prev.v"), 0.5);
      return { y: mv(B, a), "next:A": A, "next:B": B, "next:prev.v": x.vector("v") };
    },
  },
  {
    name: "two memories that write each other's answers",
    text: rule(
      `${KVQ} in g: []`,
      "A: [n, n] = 0 B: [n, n] = 0",
      `program {
        b = B @ k
        A <- 0.5 * A + 0.3 * outer(b, q)
        B <- sigmoid(g) * B + outer(v - 0.3 * A @ k, k)
      }
      out y = A @ q + B @ q`,
    ),
    chunks: false,
    step(x, s) {
      const [k, q, v] = [x.vector("k"), x.vector("q"), x.vector("v")];
      const A = plus(times(0.5, s.matrix("A")), times(0.3, outer(mv(s.matrix("B"), k), q)));
      const told = outer(sub(v, scale(0.3, mv(A, k))), k);
      const B = plus(times(sigmoid(x.number("g")), s.matrix("B")), told);
      return { y: add(mv(A, q), mv(B, q)), "next:A": A, "next:B": B };
    },
  },
  {
    name: "momentum that looks ahead, with a decay of the weights",
    text: rule(
      `${KVQ} in b: [] in m: [] in a: []`,
      "W: [n, n] = 0 S: [n, n] = 0",
      `program {
        ahead = W + sigmoid(m) * S
        S <- sigmoid(m) * S - sigmoid(b) * grad(0.5 * sum((ahead @ k - v) ^ 2), ahead)
        W <- sigmoid(a) * W + S
      }
      out y = W @ q`,
    ),
    chunks: false,
    step(x, s) {
      const [k, m, b] = [x.vector("k"), sigmoid(x.number("m")), sigmoid(x.number("b"))];
      const error = sub(mv(plus(s.matrix("W"), times(m, s.matrix("S"))), k), x.vector("v"));
      const S = plus(times(m, s.matrix("S")), times(-b, outer(error, k)));
      const W = plus(times(sigmoid(x.number("a")), s.matrix("W")), S);
      return { y: mv(W, x.vector("q")), "next:W": W, "next:S": S };
    },
  },
  {
    name: "a fast net that programs another, and is itself rewritten",
    text: rule(
      "in x: [n] in v: [n]",
      "F: [2 * n + 1, n] = learned normal(0, 0.5) G: [n, n] = 0",
      `k, q, b = split(F @ x, [n, n, 1])
      program {
        G <- delta(G, key: softmax(k), value: v, rate: sigmoid(b[1]))
        F <- 0.9 * F + 0.1 * outer(concat(v, v, ones([1])), x)
      }
      out y = G @ softmax(q)`,
    ),
    classes: { F: "scalar", G: "delta" },
    chunks: true,
    step(x, s) {
      const [v, asked] = [x.vector("v"), mv(s.matrix("F"), x.vector("x"))];
      const G = delta(s.matrix("G"), softmax(asked.slice(0, 3)), v, sigmoid(asked[6]!));
      const told = times(0.1, outer([...v, ...v, 1], x.vector("x")));
      const F = plus(times(0.9, s.matrix("F")), told);
      return { y: mv(G, softmax(asked.slice(3, 6))), "next:F": F, "next:G": G };
    },
  },
  {
    name: "position and velocity",
    text: rule(
      "in a: [n] in g: []",
      "v: [n] = 0 p: [n] = 0",
      "program { v <- sigmoid(g) * v + a\n p <- 0.9 * p + 0.1 * v }\n out y = p * a",
    ),
    classes: { v: "scalar", p: "scalar" },
    chunks: false,
    step(x, s) {
      const v = add(scale(sigmoid(x.number("g")), s.vector("v")), x.vector("a"));
      const p = add(scale(0.9, s.vector("p")), scale(0.1, v));
      return { y: mul(p, x.vector("a")), "next:v": v, "next:p": p };
    },
  },
  {
    name: "complex eigenvalues as two vectors",
    text: rule(
      "in x: [] in w: [n] in a: [n]",
      "re: [n] = 0 im: [n] = 0",
      `old = re
      program {
        re <- sigmoid(a) * (cos(w) * re - sin(w) * im) + x
        im <- sigmoid(a) * (sin(w) * old + cos(w) * im)
      }
      out y = re * im`,
    ),
    chunks: false,
    step(x, s) {
      const [a, c] = [x.vector("a").map(sigmoid), x.vector("w").map(Math.cos)];
      const [sin, re, im] = [x.vector("w").map(Math.sin), s.vector("re"), s.vector("im")];
      const turned = mul(a, sub(mul(c, re), mul(sin, im))).map((r) => r + x.number("x"));
      const other = mul(a, add(mul(sin, re), mul(c, im)));
      return { y: mul(turned, other), "next:re": turned, "next:im": other };
    },
  },
  {
    name: "exponential gates held by a running maximum, with a normaliser",
    text: rule(
      `${KVQ} in i: [] in f: []`,
      "C: [n, n] = 0 z: [n] = 0 m: [] = 0",
      `held = logsigmoid(f)
      old = m
      program {
        m <- max(held + m, i)
        C <- exp(held + old - m) * C + exp(i - m) * outer(v, k)
        z <- exp(held + old - m) * z + exp(i - m) * k
      }
      out y = C @ q / max(abs(dot(z, q)), exp(-m))`,
    ),
    classes: { m: "nonlinear", C: "scalar", z: "scalar" },
    chunks: false,
    step(x, s) {
      const [k, q, i] = [x.vector("k"), x.vector("q"), x.number("i")];
      const held = -softplus(-x.number("f")) + s.number("m");
      const m = Math.max(held, i);
      const [keep, take] = [Math.exp(held - m), Math.exp(i - m)];
      const C = plus(times(keep, s.matrix("C")), times(take, outer(x.vector("v"), k)));
      const z = add(scale(keep, s.vector("z")), scale(take, k));
      const y = scale(1 / Math.max(Math.abs(dot(z, q)), Math.exp(-m)), mv(C, q));
      return { y, "next:C": C, "next:z": z, "next:m": m };
    },
  },
  {
    name: "recursive least squares: a gain from a covariance",
    text: rule(
      KVQ,
      "P: [n, n] = 0 W: [n, n] = 0",
      `pk = P @ k
      gain = pk / (2 + dot(k, pk) ^ 2)
      program {
        P <- P - outer(gain, pk) + 0.5 * eye(n)
        W <- W + outer(v - W @ k, gain)
      }
      out y = W @ q`,
    ),
    classes: { P: "nonlinear", W: "rank-one" },
    chunks: false,
    step(x, s) {
      const [k, pk] = [x.vector("k"), mv(s.matrix("P"), x.vector("k"))];
      const gain = scale(1 / (2 + dot(k, pk) ** 2), pk);
      const P = map2(s.matrix("P"), (p, i, j) => p - gain[i]! * pk[j]! + (i === j ? 0.5 : 0));
      const W = plus(s.matrix("W"), outer(sub(x.vector("v"), mv(s.matrix("W"), k)), gain));
      return { y: mv(W, x.vector("q")), "next:P": P, "next:W": W };
    },
  },
  {
    name: "a memory written with a state on both sides",
    text: rule(
      KVQ,
      "u: [n] = 0 W: [n, n] = 0",
      "program { u <- 0.5 * u + v\n W <- 0.9 * W + outer(u, k * u) }\n out y = W @ q\n out z = transpose(W) @ q",
    ),
    classes: { u: "scalar", W: "scalar" },
    chunks: true,
    step(x, s) {
      const u = add(scale(0.5, s.vector("u")), x.vector("v"));
      const W = plus(times(0.9, s.matrix("W")), outer(u, mul(x.vector("k"), u)));
      const [y, z] = [mv(W, x.vector("q")), mv(transpose(W), x.vector("q"))];
      return { y, z, "next:u": u, "next:W": W };
    },
  },
];
