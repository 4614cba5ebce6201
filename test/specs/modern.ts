/**
 * The layers that decay, erase and write in one step, a second time by hand: as W ← A W B + C with the matrices of
 * systems.md, part D, written out in full.
 */
import {
  add,
  dot,
  each,
  mul,
  mv,
  plusOuter,
  scale,
  sigmoid,
  standard,
  sub,
  total,
  transpose,
  zeros,
  type M,
  type V,
} from "./arithmetic.ts";
import type { Given, Reference } from "./reference.ts";

const silu = (x: number): number => x * sigmoid(x);
const softplus = (x: number): number => Math.log(1 + Math.exp(x));
const unit = (a: V): V => scale(1 / Math.sqrt(dot(a, a) + 1e-6), a);
const rms = (a: V, gain: V): V => mul(gain, scale(1 / Math.sqrt(dot(a, a) / a.length + 1e-5), a));
const diagonal = (a: V): M => a.map((x, i) => a.map((_, j) => (i === j ? x : 0)));
const identity = (n: number): M => diagonal(zeros(n).map(() => 1));
const matmul = (A: M, B: M): M => A.map((row) => mv(transpose(B), row));
const plus = (A: M, B: M): M => A.map((row, i) => add(row, B[i]!));
const outer = (a: V, b: V): M => a.map((x) => scale(x, b));

/** What one head does in one step. */
interface Programmed {
  readonly A?: M;
  readonly B?: M;
  readonly C: M;
  readonly query: V;
}
interface Head {
  readonly x: V;
  /** `name.weight` x, plus `name.bias` where there is one. */
  dense(name: string, x?: V, bias?: boolean): V;
  /** The same where each head has one number. */
  scalar(name: string, bias?: boolean): number;
  readonly h: number;
  readonly w: Given;
}

/** Heads that share nothing but the input, and that of one step ago if the layer looks back; `read` is what becomes of an answer before the last dense map. */
function layer(
  program: (head: Head, before: V) => Programmed,
  read: (head: Head, y: V, query: V) => V,
  output = "o",
  looksBack = false,
): Reference["make"] {
  return (w, s) => {
    const W: M[] = [...s.cube("W")];
    let before: V = looksBack ? s.vector("prev.x") : [];
    return (x) => {
      const answers = W.map((_, h) => {
        const head: Head = {
          x,
          h,
          w,
          dense: (name, of = x, bias = false) => {
            const y = mv(w.cube(`${name}.weight`)[h]!, of);
            return bias ? add(y, w.matrix(`${name}.bias`)[h]!) : y;
          },
          scalar: (name, bias = false) =>
            dot(w.matrix(`${name}.weight`)[h]!, x) + (bias ? w.vector(`${name}.bias`)[h]! : 0),
        };
        const { A, B, C, query } = program(head, before);
        const left = A === undefined ? W[h]! : matmul(A, W[h]!);
        W[h] = plus(B === undefined ? left : matmul(left, B), C);
        return read(head, mv(W[h], query), query);
      });
      before = x;
      const weight = w.cube(`${output}.weight`);
      return weight.map((rows) => total(rows.map((row, h) => dot(row, answers[h]!))));
    };
  };
}

const plain = (_: Head, y: V): V => y;
const normed = ({ w }: Head, y: V): V => rms(y, w.vector("rms_norm.gain"));
const gatedBy =
  (gate: (x: number) => number) =>
  (head: Head, y: V): V =>
    mul(head.dense("g").map(gate), normed(head, y));

/** Key, value, query: silu, the first and last of length 1. */
const heads = (head: Head) => {
  const [k, v, q] = ["k", "v", "q"].map((n) => head.dense(n).map(silu));
  return { k: unit(k!), v: v!, query: unit(q!) };
};
const headDecay = (head: Head): number =>
  Math.exp(-Math.exp(head.w.vector("A_log")[head.h]!) * softplus(head.scalar("a", true)));
const channelDecay = (head: Head, of: V): V =>
  head
    .dense("a", of, true)
    .map((a) => Math.exp(-Math.exp(head.w.vector("A_log")[head.h]!) * softplus(a)));

/** B = α (I − β k kᵀ), C = β v kᵀ. */
const gatedDeltaNet = layer((head) => {
  const { k, v, query } = heads(head);
  const beta = sigmoid(head.scalar("rate"));
  const B = each(plusOuter(identity(k.length), k, k, -beta), (b) => headDecay(head) * b);
  return { B, C: outer(scale(beta, v), k), query };
}, gatedBy(silu));

/** B = diag(α) (I − β k kᵀ), C = β v kᵀ. */
const kda = layer((head) => {
  const { k, v, query } = heads(head);
  const beta = sigmoid(head.scalar("rate"));
  const alpha = channelDecay(head, mv(head.w.matrix("low.weight"), head.x));
  const B = matmul(diagonal(alpha), plusOuter(identity(k.length), k, k, -beta));
  return { B, C: outer(scale(beta, v), k), query };
}, gatedBy(sigmoid));

/** B = α Π (I − β_i k_i k_iᵀ), C = Σ β_i v_i k_iᵀ Π_{j > i} (I − β_j k_j k_jᵀ). */
const deltaProduct = layer(({ w, h, x, dense, scalar }) => {
  const query = unit(dense("q").map(silu));
  let B = diagonal(query.map(() => sigmoid(scalar("decay", true))));
  const value = (w.cube("v.weight") as unknown as readonly (readonly M[])[])[0]![h]!;
  let C = value.map(() => zeros(query.length)) as M;
  w.cube("rate.weight").forEach((rates, i) => {
    const of = (n: string) =>
      mv((w.cube(`${n}.weight`) as unknown as readonly (readonly M[])[])[i]![h]!, x).map(silu);
    const [k, v] = [unit(of("k")), of("v")];
    const beta = 2 * sigmoid(dot(rates[h]!, x));
    const H = plusOuter(identity(k.length), k, k, -beta);
    B = matmul(B, H);
    C = plusOuter(matmul(C, H), v, k, beta);
  });
  return { B, C, query };
}, normed);

/** B = α (I − β p kᵀ), C = β v kᵀ, p = σ(d) k, read with q − D p. */
const comba = layer((head) => {
  const { k, v, query } = heads(head);
  const beta = sigmoid(head.scalar("rate"));
  const p = scale(sigmoid(head.w.vector("d")[head.h]!), k);
  const B = each(plusOuter(identity(k.length), p, k, -beta), (b) => headDecay(head) * b);
  const D = head.w.vector("D")[head.h]!;
  return { B, C: outer(scale(beta, v), k), query: sub(query, scale(D, p)) };
}, normed);

/** B = diag(α) (I − (b ⊙ k) kᵀ), C = (w ⊙ v) kᵀ. */
const gdn2 = layer((head) => {
  const { k, v, query } = heads(head);
  const [erase, write] = ["erase", "write"].map((n) => head.dense(n).map(sigmoid));
  const alpha = channelDecay(head, head.x);
  const B = matmul(diagonal(alpha), plusOuter(identity(k.length), mul(erase!, k), k, -1));
  return { B, C: outer(mul(write!, v), k), query };
}, normed);

/** B = diag(w) − k̂ (k̂ ⊙ a)ᵀ, C = v k̃ᵀ. */
const rwkv7 = layer(
  ({ w, h, x, dense }, before) => {
    const mixed = w.matrix("mix").map((mix) => add(x, mul(sub(before, x), mix)));
    const [k, v, query] = ["k", "v", "q"].map((n, i) => dense(n, mixed[i]));
    const decay = dense("w", mixed[3], true).map((y) => Math.exp(-0.6065 * sigmoid(y)));
    const a = dense("a", mixed[4], true).map(sigmoid);
    const hat = unit(mul(k!, w.matrix("kk")[h]!));
    const ka = w.matrix("ka")[h]!;
    const key = k!.map((y, i) => y * (1 + (a[i]! - 1) * ka[i]!));
    const B = plusOuter(diagonal(decay), hat, mul(hat, a), -1);
    return { B, C: outer(v!, key), query: query! };
  },
  ({ w }, y) => add(mul(standard(y), w.vector("norm.gain")), w.vector("norm.bias")),
  "o",
  true,
);

/** B = diag(α), C = v kᵀ, α = σ(·)^(1/16). */
const gla = layer(
  ({ w, x, dense }) => {
    const alpha = dense("decay", mv(w.matrix("low.weight"), x), true);
    const query = dense("q");
    return {
      B: diagonal(alpha.map((a) => sigmoid(a) ** (1 / 16))),
      C: outer(dense("v"), dense("k")),
      query: scale(1 / Math.sqrt(query.length), query),
    };
  },
  (head, y) => mul(head.dense("g", head.x, true).map(silu), standard(y)),
);

/** B = diag(f), C = v (1 − f)ᵀ. */
const hgrn2 = layer(({ dense }) => {
  const f = dense("f").map((y) => 0.5 + 0.5 * sigmoid(y));
  const C = outer(
    dense("v"),
    f.map((y) => 1 - y),
  );
  return { B: diagonal(f), C, query: dense("q") };
}, normed);

/** A = (I − β v vᵀ) diag(α), C = β v kᵀ. */
const gatedOja = layer(
  ({ dense, scalar, x }) => {
    const sharp = (n: string) => {
      const e = dense(n).map(Math.exp);
      return scale(1 / total(e), e);
    };
    const v = unit(dense("v"));
    const beta = sigmoid(scalar("rate"));
    const alpha = dense("decay", x, true).map((a) => sigmoid(a) ** (1 / 16));
    const A = matmul(plusOuter(identity(v.length), v, v, -beta), diagonal(alpha));
    return { A, C: outer(scale(beta, v), sharp("k")), query: sharp("q") };
  },
  plain,
  "y",
);

/** W ← W − η (W k − (v − k)) kᵀ; B = I − η k kᵀ, C = η (v − k) kᵀ; read q + LN(W q). */
const tttLinear = layer(
  ({ dense, scalar }) => {
    const [k, v, query] = ["k", "v", "q"].map((n) => dense(n));
    const eta = sigmoid(scalar("eta", true)) / k!.length;
    const B = plusOuter(identity(k!.length), k!, k!, -eta);
    return { B, C: outer(scale(eta, sub(v!, k!)), k!), query: query! };
  },
  ({ w }, y, query) =>
    add(query, add(mul(standard(y), w.vector("norm.gain")), w.vector("norm.bias"))),
  "y",
);

/** S ← η S − θ (W k − v) kᵀ, W ← (1 − α) W + S, read LN(W q): two matrices, so not of the form of the others. */
const titans: Reference["make"] = (w, s) => {
  const [S, W] = [[...s.cube("S")], [...s.cube("W")]];
  return (x) => {
    const answers = W.map((_, h) => {
      const dense = (name: string): V => mv(w.cube(`${name}.weight`)[h]!, x).map(silu);
      const gate = (name: string): number =>
        sigmoid(dot(w.matrix(`${name}.weight`)[h]!, x) + w.vector(`${name}.bias`)[h]!);
      const [k, v, q] = [unit(dense("k")), dense("v"), unit(dense("q"))];
      const faded = each(S[h]!, (e) => gate("momentum") * e);
      S[h] = plusOuter(faded, sub(mv(W[h]!, k), v), k, -gate("rate"));
      W[h] = plus(
        each(W[h]!, (e) => (1 - gate("forget")) * e),
        S[h],
      );
      const y = standard(mv(W[h], q));
      return add(mul(y, w.vector("norm.gain")), w.vector("norm.bias"));
    });
    return w.cube("y.weight").map((rows) => total(rows.map((row, h) => dot(row, answers[h]!))));
  };
};

const sizes = { heads: 2, key: 3, value: 5, width: 4 };
const of = (
  name: string,
  make: Reference["make"],
  more: Reference["settings"] = {},
): Reference => ({
  file: "gated_delta.fwp",
  name,
  settings: { ...sizes, ...more },
  make,
});

export const modern: readonly Reference[] = [
  of("GatedDeltaNet", gatedDeltaNet),
  of("KDA", kda, { rank: 2 }),
  of("DeltaProduct", deltaProduct, { writes: 3 }),
  of("Comba", comba),
  of("GDN2", gdn2),
  of("RWKV7", rwkv7),
  of("GatedOja", gatedOja),
  { ...of("GLA", gla, { rank: 2 }), file: "decay.fwp" },
  { ...of("HGRN2", hgrn2), file: "decay.fwp" },
  {
    file: "online.fwp",
    name: "TTTLinear",
    settings: { heads: 2, size: 3, width: 4 },
    make: tttLinear,
  },
  {
    file: "online.fwp",
    name: "TitansMemory",
    settings: { heads: 2, size: 3, width: 4 },
    make: titans,
  },
];
