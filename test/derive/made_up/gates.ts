/** Other gates, other orders of decay, erase and write, rates on both sides, reads in between. */
import { add, delta, dot, mul, mv, relu, scale, sigmoid, softmax, sub } from "../../specs/arithmetic.ts"; // prettier-ignore
import { heads, map2, outer, plus, softplus, times, unit, type MadeUp } from "./made_up.ts";

const rule = (inputs: string, body: string): string =>
  `layer Rule(heads = 2, key = 3, value = 4) {
  in k: [heads, key]
  in q: [heads, key]
  in v: [heads, value]
  ${inputs}
  fast net { W: [heads, value, key] = 0 }
  ${body}
}`;

export const GATES: readonly MadeUp[] = [
  {
    name: "erase, write, then a decay with a trained time constant",
    text: rule(
      "in a: [heads] in b: [heads] weight A: [heads] weight dt: [heads]",
      `program {
        W <- W - sigmoid(b) * outer(W @ l2_norm(k), l2_norm(k))
        W <- W + sigmoid(b) * outer(v, l2_norm(k))
        W <- exp(-exp(A) * softplus(a + dt)) * W
      }
      out y = W @ q`,
    ),
    classes: { W: "scalar-delta" },
    chunks: true,
    step(x, s, p) {
      const W = heads(s.cube("W"), (h) => {
        const [k, b] = [unit(x.matrix("k")[h]!), sigmoid(x.vector("b")[h]!)];
        const rate = softplus(x.vector("a")[h]! + p.vector("dt")[h]!);
        const decay = Math.exp(-Math.exp(p.vector("A")[h]!) * rate);
        return times(decay, delta(s.cube("W")[h]!, k, x.matrix("v")[h]!, b));
      });
      return { y: W.map((w, h) => mv(w, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "a gate held by min and max, keys reflected",
    text: rule(
      "in a: [heads] in b: [heads]",
      `program {
        W <- max(min(a, 0.9), -0.9) * W
        W <- W + 2 * sigmoid(b) * outer(v - W @ l2_norm(k), l2_norm(k))
      }
      out y = W @ q`,
    ),
    classes: { W: "scalar-delta" },
    chunks: true,
    step(x, s) {
      const W = heads(s.cube("W"), (h) => {
        const gate = Math.max(Math.min(x.vector("a")[h]!, 0.9), -0.9);
        const rate = 2 * sigmoid(x.vector("b")[h]!);
        return delta(times(gate, s.cube("W")[h]!), unit(x.matrix("k")[h]!), x.matrix("v")[h]!, rate); // prettier-ignore
      });
      return { y: W.map((w, h) => mv(w, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "a reset gate that is exactly zero at some steps",
    text: rule(
      "in g: [heads]",
      `program {
        W <- min(relu(g), 1) * W
        W <- W + 0.5 * outer(v - W @ softmax(k), softmax(k))
      }
      out y = W @ q`,
    ),
    classes: { W: "scalar-delta" },
    chunks: true,
    step(x, s) {
      const W = heads(s.cube("W"), (h) => {
        const kept = times(Math.min(relu(x.vector("g")[h]!), 1), s.cube("W")[h]!);
        return delta(kept, softmax(x.matrix("k")[h]!), x.matrix("v")[h]!, 0.5);
      });
      return { y: W.map((w, h) => mv(w, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "a decay per value and one per key in one step",
    text: rule(
      "in r: [heads, value] in c: [heads, key]",
      `program {
        W <- sigmoid(r) * W
        W <- transpose(sigmoid(c) * transpose(W)) + outer(v, k)
      }
      out y = W @ q`,
    ),
    classes: { W: "elementwise" },
    chunks: true,
    step(x, s) {
      const W = heads(s.cube("W"), (h) => {
        const [r, c] = [x.matrix("r")[h]!.map(sigmoid), x.matrix("c")[h]!.map(sigmoid)];
        const kept = map2(s.cube("W")[h]!, (w, i, j) => r[i]! * w * c[j]!);
        return plus(kept, outer(x.matrix("v")[h]!, x.matrix("k")[h]!));
      });
      return { y: W.map((w, h) => mv(w, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "a rate per value and a rate per key, after a decay",
    text: rule(
      "in r: [heads, value] in c: [heads, key] in g: [heads]",
      `program {
        W <- sigmoid(g) * W
        error = sigmoid(r) * (v - W @ k)
        W <- W + 0.5 * outer(error, sigmoid(c) * k)
      }
      out y = W @ q`,
    ),
    classes: { W: "scalar-rank-one" },
    chunks: true,
    step(x, s) {
      const W = heads(s.cube("W"), (h) => {
        const [k, v] = [x.matrix("k")[h]!, x.matrix("v")[h]!];
        const kept = times(sigmoid(x.vector("g")[h]!), s.cube("W")[h]!);
        const error = mul(x.matrix("r")[h]!.map(sigmoid), sub(v, mv(kept, k)));
        return plus(kept, times(0.5, outer(error, mul(x.matrix("c")[h]!.map(sigmoid), k))));
      });
      return { y: W.map((w, h) => mv(w, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "a correction between two decays, read in the middle and at the end",
    text: rule(
      "in a: [heads] in c: [heads, key] in b: [heads]",
      `program {
        W <- sigmoid(a) * W
        W <- delta(W, key: l2_norm(k), value: v, rate: sigmoid(b))
      }
      middle = W @ q
      program { W <- einsum(W[h, i, j], sigmoid(c)[h, j] -> [h, i, j]) }
      out y = middle + W @ q`,
    ),
    classes: { W: "diagonal-rank-one" },
    chunks: true,
    step(x, s) {
      const both = heads(s.cube("W"), (h) => {
        const kept = times(sigmoid(x.vector("a")[h]!), s.cube("W")[h]!);
        const rate = sigmoid(x.vector("b")[h]!);
        const W = delta(kept, unit(x.matrix("k")[h]!), x.matrix("v")[h]!, rate);
        const c = x.matrix("c")[h]!.map(sigmoid);
        const end = map2(W, (w, _, j) => w * c[j]!);
        return { end, y: add(mv(W, x.matrix("q")[h]!), mv(end, x.matrix("q")[h]!)) };
      });
      return { y: both.map((h) => h.y), "next:W": both.map((h) => h.end) };
    },
  },
  {
    name: "decay per key, erase at a trained direction, gates per channel, a bonus for the new",
    text: rule(
      "in w: [heads, key] in a: [heads, key] weight xi: [heads, key] weight u: [heads, key]",
      `kappa = l2_norm(k * xi)
      y = W @ q + dot(u * k, q) * v
      program {
        W <- einsum(W[h, i, j], exp(-0.6 * sigmoid(w))[h, j] -> [h, i, j])
          - outer(W @ kappa, sigmoid(a) * kappa) + outer(v, k * sigmoid(a))
      }
      out y`,
    ),
    classes: { W: "diagonal-rank-one" },
    chunks: true,
    step(x, s, p) {
      const both = heads(s.cube("W"), (h) => {
        const [W, k, q] = [s.cube("W")[h]!, x.matrix("k")[h]!, x.matrix("q")[h]!];
        const [v, a] = [x.matrix("v")[h]!, x.matrix("a")[h]!.map(sigmoid)];
        const kappa = unit(mul(k, p.matrix("xi")[h]!));
        const w = x.matrix("w")[h]!.map((z) => Math.exp(-0.6 * sigmoid(z)));
        const erased = times(-1, outer(mv(W, kappa), mul(a, kappa)));
        const next = plus(map2(W, (z, _, j) => z * w[j]!), erased, outer(v, mul(k, a))); // prettier-ignore
        return { next, y: add(mv(W, q), scale(dot(mul(p.matrix("u")[h]!, k), q), v)) };
      });
      return { y: both.map((h) => h.y), "next:W": both.map((h) => h.next) };
    },
  },
  {
    name: "a choice between keeping with a write and erasing",
    text: rule(
      "in g: [heads]",
      `program {
        W <- where(g > 0, 0.9 * W + outer(v, k), W - 0.5 * outer(W @ softmax(k), softmax(k)))
      }
      out y = W @ q`,
    ),
    classes: { W: "scalar-delta" },
    chunks: true,
    step(x, s) {
      const W = heads(s.cube("W"), (h) => {
        const [w, k, v] = [s.cube("W")[h]!, x.matrix("k")[h]!, x.matrix("v")[h]!];
        if (x.vector("g")[h]! > 0) return plus(times(0.9, w), outer(v, k));
        return plus(w, times(-0.5, outer(mv(w, softmax(k)), softmax(k))));
      });
      return { y: W.map((w, h) => mv(w, x.matrix("q")[h]!)), "next:W": W };
    },
  },
  {
    name: "one step of implicit descent: a rate per value that knows the key's length",
    text: rule(
      "in b: [heads, value]",
      `rate = sigmoid(b) / (1 + sigmoid(b) * sum(k ^ 2))
      program { W <- W + rate * outer(v - W @ k, k) }
      out y = W @ q`,
    ),
    classes: { W: "delta" },
    chunks: true,
    step(x, s) {
      const W = heads(s.cube("W"), (h) => {
        const [w, k, b] = [s.cube("W")[h]!, x.matrix("k")[h]!, x.matrix("b")[h]!.map(sigmoid)];
        const rate = b.map((r) => r / (1 + r * dot(k, k)));
        return plus(w, outer(mul(rate, sub(x.matrix("v")[h]!, mv(w, k))), k));
      });
      return { y: W.map((w, h) => mv(w, x.matrix("q")[h]!)), "next:W": W };
    },
  },
];
