/** Instructions that are the gradient of a loss. */
import { dot, mul, mv, scale, sigmoid, softmax, standard, sub, total, transpose } from "../../specs/arithmetic.ts"; // prettier-ignore
import { map2, outer, plus, times, unit, type MadeUp } from "./made_up.ts";

const rule = (inputs: string, states: string, body: string): string =>
  `layer Rule(n = 3) { in k: [n] in v: [n] in q: [n] ${inputs}\n fast net { ${states} }\n ${body} }`;
const W0 = "W: [n, n] = learned normal(0, 1)";

export const LOSSES: readonly MadeUp[] = [
  {
    name: "an error that counts less where it is large",
    text: rule(
      "",
      W0,
      `program {
        e = W @ l2_norm(k) - v
        W <- W - 0.4 * grad(where(abs(e) < 0.5, 0.5 * e ^ 2, 0.5 * (abs(e) - 0.25)), W)
      }
      out y = W @ q`,
    ),
    classes: { W: "nonlinear" },
    chunks: false,
    step(x, s) {
      const k = unit(x.vector("k"));
      const error = sub(mv(s.matrix("W"), k), x.vector("v"));
      const slope = error.map((e) => (Math.abs(e) < 0.5 ? e : 0.5 * Math.sign(e)));
      const W = plus(s.matrix("W"), times(-0.4, outer(slope, k)));
      return { y: mv(W, x.vector("q")), "next:W": W };
    },
  },
  {
    name: "a cross-entropy and a penalty on the weights; the loss itself is an output",
    text: rule(
      "",
      W0,
      `program {
        loss = 0.05 * sum(flatten(W ^ 2)) - dot(softmax(v), log_softmax(W @ k))
        W <- W - 0.5 * grad(loss, W)
      }
      out y = softmax(W @ q)
      out loss`,
    ),
    classes: { W: "nonlinear" },
    chunks: false,
    step(x, s) {
      const [old, k, wanted] = [s.matrix("W"), x.vector("k"), softmax(x.vector("v"))];
      const said = softmax(mv(old, k));
      const slope = plus(times(0.1, old), outer(sub(said, wanted), k));
      const W = plus(old, times(-0.5, slope));
      const loss = 0.05 * total(old.map((r) => dot(r, r))) - dot(wanted, said.map(Math.log));
      return { y: softmax(mv(W, x.vector("q"))), loss, "next:W": W };
    },
  },
  {
    name: "a fast net of two layers that descends in both",
    text: rule(
      "",
      "U: [4, n] = learned normal(0, 1) V: [n, 4] = learned normal(0, 1)\n net(x) = V @ tanh(U @ x)",
      `program {
        loss = 0.5 * sum((net(k) - v) ^ 2)
        dU = grad(loss, U)
        dV = grad(loss, V)
        U <- U - 0.3 * dU
        V <- V - 0.3 * dV
      }
      out y = net(q)`,
    ),
    classes: { "U+V": "nonlinear" },
    chunks: false,
    step(x, s) {
      const hidden = mv(s.matrix("U"), x.vector("k")).map(Math.tanh);
      const error = sub(mv(s.matrix("V"), hidden), x.vector("v"));
      const back = mv(transpose(s.matrix("V")), error);
      const slope = mul(back, hidden.map((h) => 1 - h * h)); // prettier-ignore
      const U = plus(s.matrix("U"), times(-0.3, outer(slope, x.vector("k"))));
      const V = plus(s.matrix("V"), times(-0.3, outer(error, hidden)));
      return { y: mv(V, mv(U, x.vector("q")).map(Math.tanh)), "next:U": U, "next:V": V };
    },
  },
  {
    name: "descent on the length of a gradient",
    text: rule(
      "",
      W0,
      `program {
        g = grad(0.5 * sum((W @ k - v) ^ 2), W)
        W <- W - 0.2 * grad(0.5 * sum(flatten(g ^ 2)), W)
      }
      out y = W @ q`,
    ),
    classes: { W: "delta" },
    chunks: true,
    step(x, s) {
      // g = e kᵀ, so ½ ‖g‖² = ½ ‖e‖² ‖k‖².
      const k = x.vector("k");
      const error = sub(mv(s.matrix("W"), k), x.vector("v"));
      const W = plus(s.matrix("W"), times(-0.2 * dot(k, k), outer(error, k)));
      return { y: mv(W, x.vector("q")), "next:W": W };
    },
  },
  {
    name: "a loss handed to an instruction",
    text: `instruction descend_on(W: [m, n], loss: [], rate: [..] = 1) { W <- W - rate * grad(loss, W) }
      layer Rule(heads = 2, n = 3) {
        in k: [heads, n] in v: [heads, n] in b: [heads]
        fast net { W: [heads, n, n] = 0 }
        program { W <- descend_on(W, loss: sum(flatten((W @ k - v) ^ 2)), rate: 0.2 * b) }
        out y = W @ k
      }`,
    classes: { W: "delta" },
    chunks: true,
    step(x, s) {
      const W = s.cube("W").map((w, h) => {
        const [k, v] = [x.matrix("k")[h]!, x.matrix("v")[h]!];
        return plus(w, times(-0.4 * x.vector("b")[h]!, outer(sub(mv(w, k), v), k)));
      });
      return { y: W.map((w, h) => mv(w, x.matrix("k")[h]!)), "next:W": W };
    },
  },
  {
    name: "a residual and a normalisation inside the loss, their gain trained from outside",
    text: rule(
      "in b: [] weight gain: [n]",
      W0,
      `f(x, W) = x + gain * norm(W @ x, affine: false)
      program { W <- W - sigmoid(b) * grad(0.5 * sum((f(k, W) - v) ^ 2), W) }
      out y = f(q, W)`,
    ),
    classes: { W: "nonlinear" },
    chunks: false,
    step(x, s, p) {
      const [k, gain, u] = [x.vector("k"), p.vector("gain"), mv(s.matrix("W"), x.vector("k"))];
      const [z, mean] = [standard(u), total(u) / 3];
      const deviation = Math.sqrt(total(u.map((a) => (a - mean) ** 2)) / 3 + 1e-5);
      const d = z.map((a, i) => (k[i]! + gain[i]! * a - x.vector("v")[i]!) * gain[i]!);
      const back = d.map((a, i) => (a - total(d) / 3 - (z[i]! * dot(d, z)) / 3) / deviation);
      const W = plus(s.matrix("W"), times(-sigmoid(x.number("b")), outer(back, k)));
      const read = standard(mv(W, x.vector("q")));
      return { y: read.map((a, i) => x.vector("q")[i]! + gain[i]! * a), "next:W": W };
    },
  },
  {
    name: "an error over three keys at once",
    text: `layer Rule(p = 3, n = 3) {
      in k: [p, n] in v: [p, n] in q: [n]
      fast net { W: [n, n] = 0 }
      program { W <- W - 0.2 * grad(0.5 * sum(flatten((einsum(W[i, j], k[p, j] -> [p, i]) - v) ^ 2)), W) }
      out y = W @ q
    }`,
    chunks: false,
    step(x, s) {
      const told = x.matrix("k").map((k, p) => {
        const error = sub(mv(s.matrix("W"), k), x.matrix("v")[p]!);
        return times(-0.2, outer(error, k));
      });
      const W = plus(s.matrix("W"), ...told);
      return { y: mv(W, x.vector("q")), "next:W": W };
    },
  },
  {
    name: "an error that is divided by its own length",
    text: rule(
      "",
      W0,
      `program {
        e = v - W @ l2_norm(k)
        W <- W + outer(e / (1 + frobenius(e)), l2_norm(k))
      }
      out y = W @ q`,
    ),
    classes: { W: "nonlinear" },
    chunks: false,
    step(x, s) {
      const k = unit(x.vector("k"));
      const e = sub(x.vector("v"), mv(s.matrix("W"), k));
      const W = map2(s.matrix("W"), (w, i, j) => w + (e[i]! / (1 + Math.sqrt(dot(e, e)))) * k[j]!);
      return { y: scale(1, mv(W, x.vector("q"))), "next:W": W };
    },
  },
];
