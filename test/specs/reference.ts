/**
 * The systems of specs/ written a second time, by hand, as recurrences over one sequence: from the papers' equations,
 * without the compiler. Weights and first states are looked up by name; `step` maps an input to an output and changes the
 * states it closes over.
 */
import {
  add,
  delta,
  dot,
  dpfp,
  each,
  elu1,
  mul,
  mv,
  plusOuter,
  relu,
  scale,
  sigmoid,
  softmax,
  standard,
  sub,
  sumNorm,
  total,
  transpose,
  zeros,
  type M,
  type V,
} from "./arithmetic.ts";
import type { Given } from "../support/given.ts";

export type { Given } from "../support/given.ts";

/** Inputs of one step in the order of their declaration; the output flattened. */
export type Step = (...inputs: readonly V[]) => V;
export interface Reference {
  readonly file: string;
  readonly name: string;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly make: (weights: Given, states: Given) => Step;
}

/** Σ over heads of `weight[o][h] · y[h]`. */
const merge = (weight: readonly M[], y: M): V =>
  weight.map((heads) => total(heads.map((row, h) => dot(row, y[h]!))));

/** elu + 1, with sum normalisation. */
const positive = (x: V) => sumNorm(elu1(x));

/** B.11: W ← W + β (v − W φ(k)) φ(k)ᵀ, y = W φ(q), φ with sum normalisation. */
const deltaNet =
  (phi: (x: V) => V): Reference["make"] =>
  (w, s) => {
    const W = [...s.cube("W")];
    return (x) => {
      const y = W.map((_, h) => {
        const [k, v, q] = ["k", "v", "q"].map((n) => mv(w.cube(`${n}.weight`)[h]!, x));
        W[h] = delta(W[h]!, phi(k!), v!, sigmoid(dot(w.matrix("rate.weight")[h]!, x)));
        return mv(W[h]!, phi(q!));
      });
      return merge(w.cube("y.weight"), y);
    };
  };

/** B.9, TR5: W ← W + v φ(k)ᵀ, z ← z + φ(k), y = W φ(q) / (z · φ(q) + ε). */
const linearTransformer: Reference["make"] = (w, s) => {
  const W = [...s.cube("W")];
  const z = [...s.matrix("z")];
  return (x) => {
    const y = W.map((_, h) => {
      const [k, v, q] = ["k", "v", "q"].map((n) => mv(w.cube(`${n}.weight`)[h]!, x));
      W[h] = plusOuter(W[h]!, v!, elu1(k!));
      z[h] = add(z[h]!, elu1(k!));
      return scale(1 / (dot(z[h], elu1(q!)) + 1e-6), mv(W[h], elu1(q!)));
    });
    return merge(w.cube("o.weight"), y);
  };
};

/** B.12, RDN: ỹ = tanh(y_{t−1}); every head of the slow net sees its own ỹ. */
const recurrentDeltaNet: Reference["make"] = (w, s) => {
  const W = [...s.cube("W")];
  let y = [...s.matrix("prev.y")];
  return (x) => {
    y = W.map((_, h) => {
      const r = y[h]!.map(Math.tanh);
      const [k, v, q] = ["k", "v", "q"].map((n) =>
        add(mv(w.cube(`${n}.weight`)[h]!, x), mv(w.cube(`${n}.r.weight`)[h]!, r)),
      );
      const b = dot(w.matrix("b.weight")[h]!, x) + dot(w.matrix("b.r.weight")[h]!, r);
      W[h] = delta(W[h]!, softmax(k!), v!, sigmoid(b));
      return mv(W[h], softmax(q!));
    });
    return merge(w.cube("o.weight"), y);
  };
};

/** B.12, Delta RNN (v2): y_t = W φ(q) + R softmax(y_{t−1}), the key of R a softmax. */
const deltaRnn: Reference["make"] = (w, s) => {
  const [W, R] = [[...s.cube("W")], [...s.cube("R")]];
  let y = [...s.matrix("prev.y")];
  return (x) => {
    y = W.map((_, h) => {
      const head = (n: string) => mv(w.cube(`${n}.weight`)[h]!, x);
      const rate = (n: string) => sigmoid(dot(w.matrix(`${n}.weight`)[h]!, x));
      W[h] = delta(W[h]!, sumNorm(elu1(head("k"))), head("v"), rate("b"));
      R[h] = delta(R[h]!, softmax(head("rk")), head("rv"), rate("rb"));
      return add(mv(W[h], sumNorm(elu1(head("q")))), mv(R[h], softmax(y[h]!)));
    });
    return merge(w.cube("o.weight"), y);
  };
};

/** B.12, Delta MLP: per block, q ← q + W2 φ(W1 φ(LN(q))). */
const deltaMlp: Reference["make"] = (w, s) => {
  const [W1, W2] = [[...s.cube("W1")], [...s.cube("W2")]];
  return (x) => {
    let q: V = mv(w.matrix("q.weight"), x);
    W1.forEach((_, i) => {
      const head = (n: string) => mv(w.cube(`${n}.weight`)[i]!, x);
      const rate = (n: string) => sigmoid(dot(w.matrix(`${n}.weight`)[i]!, x));
      W1[i] = delta(W1[i]!, positive(head("k1")), head("v1"), rate("b1"));
      W2[i] = delta(W2[i]!, positive(head("k2")), head("v2"), rate("b2"));
      const [gain, bias] = [w.vector(`repeat.${i}.norm.gain`), w.vector(`repeat.${i}.norm.bias`)];
      const normal = add(mul(standard(q), gain), bias);
      q = add(q, mv(W2[i], positive(mv(W1[i], positive(normal)))));
    });
    return mv(w.matrix("y.weight"), q);
  };
};

/** B.20: [y, q, k, β] = W softmax(x), all read before W ← W + β ⊙ (W softmax(q) − W softmax(k)) softmax(k)ᵀ. */
const selfReferential: Reference["make"] = (_, s) => {
  const W = [...s.cube("W")];
  const n = W[0]![0]!.length;
  return (x) =>
    W.flatMap((_, h) => {
      const all = mv(W[h]!, softmax(x.slice(h * n, (h + 1) * n)));
      const [y, q, k] = [0, 1, 2].map((i) => all.slice(i * n, (i + 1) * n));
      const beta = all.slice(3 * n).map(sigmoid);
      const change = sub(mv(W[h]!, softmax(q!)), mv(W[h]!, softmax(k!)));
      const rates = change.map((_, i) => beta[Math.min(3, Math.floor(i / n))]!);
      W[h] = plusOuter(W[h]!, mul(rates, change), softmax(k!));
      return y!;
    });
};

/** B.4, LSTM2: c ← f c + i g, h = o tanh(c). */
function lstm(w: Given, s: Given, path = ""): Step {
  let [h, c] = [s.vector(`${path}prev.h`), s.vector(`${path}c`)];
  return (x) => {
    const [i, f, o, g] = ["i", "f", "o", "g"].map((n) => {
      const own = add(mv(w.matrix(`${path}${n}.weight`), x), w.vector(`${path}${n}.bias`));
      return add(own, mv(w.matrix(`${path}${n}.prev.h.weight`), h));
    });
    c = add(mul(f!.map(sigmoid), c), mul(i!.map(sigmoid), g!.map(Math.tanh)));
    h = mul(o!.map(sigmoid), c.map(Math.tanh));
    return h;
  };
}

/** B.8: h⁰ = f(R h + C x), hˢ⁺¹ = f(LN(R h + C x + A hˢ)), then A ← λ A + η h hᵀ. */
const recentPast: Reference["make"] = (w, s) => {
  let A = s.matrix("A");
  let h = s.vector("prev.h");
  return (x) => {
    const input = add(mv(w.matrix("base.x.weight"), x), w.vector("base.x.bias"));
    const base = add(mv(w.matrix("base.weight"), h), input);
    h = base.map(relu);
    for (let i = 0; i < 2; i++) {
      const normal = standard(add(base, mv(A, h)));
      const gain = w.vector(`repeat.${i}.norm.gain`);
      h = add(mul(normal, gain), w.vector(`repeat.${i}.norm.bias`)).map(relu);
    }
    A = plusOuter(
      each(A, (a) => 0.95 * a),
      h,
      h,
      0.5,
    );
    return h;
  };
};

/** B.10: F ← F + k1 ⊗ k2 ⊗ β (v − F·(k1, k2)), then F ← F / (1 + relu(‖F‖ − 1)); n ← LN(F·(n, e_i)). */
const fastWeightMemory: Reference["make"] = (w, s) => {
  const slow = lstm(w, s, "LSTM.");
  let F = s.cube("F");
  const read = (a: V, b: V): V =>
    zeros(a.length).map((_, t) =>
      total(a.map((x, i) => x * total(b.map((y, j) => y * F[i]![j]![t]!)))),
    );
  return (x) => {
    const z = slow(x);
    const dense = (n: string) => add(mv(w.matrix(`${n}.weight`), z), w.vector(`${n}.bias`));
    const [k1, k2, v] = ["k1", "k2", "v"].map((n) => dense(n).map(Math.tanh));
    const beta = sigmoid(dot(w.vector("b.weight"), z) + w.number("b.bias"));
    const change = scale(beta, sub(v!, read(k1!, k2!)));
    F = F.map((rows, i) =>
      rows.map((row, j) => row.map((f, t) => f + k1![i]! * k2![j]! * change[t]!)),
    );
    const length = Math.sqrt(total(F.flat(2).map((f) => f * f)));
    F = F.map((rows) => each(rows, (f) => f / (1 + relu(length - 1))));
    let n: V = dense("n");
    w.cube("e.weight").forEach((weight, hop) => {
      const e = add(mv(weight, z), w.matrix("e.bias")[hop]!).map(Math.tanh);
      n = standard(read(n, e));
    });
    const answer = add(mv(w.matrix("y.n.weight"), n), w.vector("y.n.bias"));
    return add(dense("y"), answer);
  };
};

const logistic = (x: number): number => sigmoid(10 * (x - 0.5));

/** B.1, equations 4 and 7: y = w x with the old w; w ← σ(w + □w). */
const direct: Reference["make"] = (w, s) => {
  let W = s.matrix("W");
  return (x) => {
    const y = mv(W, x);
    const change = w.cube("change.weight").map((rows) => mv(rows, x));
    W = W.map((row, i) => row.map((v, j) => logistic(v + change[i]![j]!)));
    return y;
  };
};

/** B.1, equations 5 and 7: □w_ba = FROM_a TO_b. */
const fromTo: Reference["make"] = (w, s) => {
  let W = s.matrix("W");
  return (x) => {
    const y = mv(W, x);
    W = each(plusOuter(W, mv(w.matrix("TO.weight"), x), mv(w.matrix("FROM.weight"), x)), logistic);
    return y;
  };
};

/** B.9, TR1: y = V softmax(Kᵀ q / √d), one more column of K and V per step. */
const attention: Reference["make"] = (w) => {
  const heads = w.cube("k.weight").length;
  const past = Array.from({ length: heads }, () => ({ K: [] as V[], V: [] as V[] }));
  return (x) => {
    const y = past.map((p, h) => {
      const [k, v, q] = ["k", "v", "q"].map((n) => mv(w.cube(`${n}.weight`)[h]!, x));
      p.K.push(k!);
      p.V.push(v!);
      const a = softmax(p.K.map((key) => dot(key, q!) / Math.sqrt(k!.length)));
      return mv(transpose(p.V), a);
    });
    return merge(w.cube("y.weight"), y);
  };
};

/** (2u − 1)³: large only near 0 and near 1. */
const cubes = (u: V) => u.map((v) => (2 * v - 1) ** 3);

/** B.2: y ← σ(W l) with l = [y_{t−1}; x_t]; w_ij ← w_ij + h(y_i) g(l_j), g = h = (2u − 1)³. */
const spotlights: Reference["make"] = (_, s) => {
  let [W, y] = [s.matrix("W"), s.vector("prev.y")];
  return (x) => {
    const l = [...y, ...x];
    y = mv(W, l).map(sigmoid);
    W = plusOuter(W, cubes(y), cubes(l));
    return y;
  };
};

/** How much an address means connection i, whose address is i in binary. */
const at = (address: V, i: number) =>
  Math.exp(-4 * total(address.map((a, b) => ((Math.floor(i / 2 ** b) % 2) - a) ** 2)));

/** B.16: val(t+1) = Σ g(‖ana(t) − adr‖²) w(t), w(t+1) = w(t) + Δ(t) g(‖mod(t) − adr‖²), y(t+1) = f(w(t) l(t)). */
const introspective: Reference["make"] = (_, s) => {
  let [W, y, val] = [s.matrix("W"), s.vector("prev.y"), s.number("val")];
  return (x, errors) => {
    const columns = W[0]!.length;
    const bits = Math.ceil(Math.log2(W.length * columns));
    const own = W.length - 2 * bits - 1;
    const [analyse, modify] = [y.slice(own, own + bits), y.slice(own + bits, own + 2 * bits)];
    const next = mv(W, [...y, ...x, ...errors!, val]).map(sigmoid);
    val = total(W.flat().map((v, i) => at(analyse, i) * v));
    W = W.map((row, r) => row.map((v, c) => v + y.at(-1)! * at(modify, r * columns + c)));
    y = next;
    return y.slice(0, own);
  };
};

const sizes = { heads: 2, key: 3, value: 5, width: 4 };
const file = (
  name: string,
  of: string,
  settings: Reference["settings"],
  make: Reference["make"],
) => ({
  file: name,
  name: of,
  settings,
  make,
});

export const references: readonly Reference[] = [
  file("programmers_1991.fwp", "DirectProgrammer", { inputs: 3, outputs: 2 }, direct),
  file("programmers_1991.fwp", "FromToProgrammer", { inputs: 3, outputs: 2 }, fromTo),
  file("linear_transformer.fwp", "LinearTransformer", sizes, linearTransformer),
  file("delta_net.fwp", "DeltaNet", { ...sizes, phi: "elu1" }, deltaNet(positive)),
  file(
    "delta_net.fwp",
    "DeltaNet",
    { ...sizes, phi: "dpfp(nu: 2)" },
    deltaNet((x) => sumNorm(dpfp(x, 2))),
  ),
  file("recurrent.fwp", "RDN", sizes, recurrentDeltaNet),
  file("recurrent.fwp", "DeltaRNN", sizes, deltaRnn),
  file("recurrent.fwp", "DeltaMLP", { blocks: 2, width: 3, hidden: 5 }, deltaMlp),
  file("self_referential.fwp", "SRWM", { heads: 2, n: 3 }, selfReferential),
  file("self_referential.fwp", "Spotlights1993", { units: 4, inputs: 2 }, spotlights),
  file(
    "self_referential.fwp",
    "Introspective",
    { units: 24, inputs: 2, signals: 1 },
    introspective,
  ),
  file("std/layers.fwp", "LSTM", { units: 4, width: 3 }, (w, s) => lstm(w, s)),
  file("std/layers.fwp", "Attention", sizes, attention),
  file("associative.fwp", "RecentPast", { units: 4, width: 3, settle: 2 }, recentPast),
  file(
    "associative.fwp",
    "FastWeightMemory",
    { hidden: 5, size: 3, hops: 2, width: 4 },
    fastWeightMemory,
  ),
];
