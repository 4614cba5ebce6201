/**
 * Products of decays over stretches of a chunk, without logarithms: the table X[u, v] = α_v · … · α_(u−1) for v ≤ u is the
 * inverse of the unit lower triangular matrix with −α below the diagonal. So zero, negative and large factors are all
 * right, no product is ever divided by another, and no exponent can overflow.
 */
import { dim } from "../../dims.ts";
import { algebra } from "../../graph/index.ts";
import type { Named, Names } from "./named.ts";

/** 1 where row = column + `below`. */
function below(names: Names, axes: string, length: number, offset: number): Named {
  const b = names.builder;
  const size = dim(length);
  const at = (axis: number) => b.broadcast(b.iota(size), [axis], [size, size]);
  const shifted = algebra.add(b, at(1), b.fill(offset, [size, size]));
  return names.of(b.binary("eq", at(0), shifted), axes);
}

/** Of α along the axis `step` of `length`: the table, with the axes of α but `step` followed by u and v, `length + 1` each. */
function table(names: Names, factors: Named, step: string, length: number): Named {
  const b = names.builder;
  const lead = factors.axes.replace(step, "");
  const last = names.turn(factors, `${lead}${step}`);
  const shape = b.shape(last.id);
  const size = dim(length + 1);
  const square = [...shape.slice(0, -1), size, size];
  const padded = algebra.pad(b, last.id, lead.length, dim(0), dim(1));
  const columns = names.spread(names.of(padded, `${lead}v`), `${lead}uv`, square);
  const mask = names.spread(below(names, "uv", length + 1, 1), `${lead}uv`, square);
  const matrix = algebra.neg(b, algebra.mul(b, columns.id, mask.id));
  const identity = names.spread(below(names, "uv", length + 1, 0), `${lead}uv`, square);
  return names.of(b.solve(matrix, identity.id, { lower: true, unit: true }), `${lead}uv`);
}

/**
 * How a chunk weighs what was written in it and before it. Axes: b batch, c chunk, h head, n key; t a step that reads and
 * s one that writes, r its reads and w its writes.
 */
export interface Weights {
  /** P[t, r, s, w] = Σ a · k, decayed from write to read; zero unless s < t. From `bcthrn` and `bcshwn` to `bchtrsw`. */
  gram(reads: Named, writes: Named): Named;
  /** Σ scores[t, s, w] · k[s, w], decayed from write to read: reads from the other side. To `bcthn`, from `bchtsw`. */
  scatter(scores: Named, writes: Named): Named;
  /** Reads, decayed as the state on entry is by then. Any array with the axes of the decay and t. */
  enter(reads: Named): Named;
  /** Writes, decayed as they are at the end of the chunk. */
  leave(writes: Named): Named;
  /** Decay of the whole chunk, `bch` or `bchn`; null for none. */
  readonly total: Named | null;
}

/** What was written, by scores that `mask`, `ts` or `bchts`, weighs. */
const masked =
  (names: Names, mask: Named) =>
  (scores: Named, writes: Named): Named =>
    names.product(names.product(scores, mask, "bchtsw"), writes, "bcthn");

/** Strictly earlier steps, all alike. */
function uniform(names: Names, length: number): Weights {
  const b = names.builder;
  const size = dim(length);
  const at = (axis: number) => b.broadcast(b.iota(size), [axis], [size, size]);
  const mask = names.of(b.binary("lt", at(1), at(0)), "ts");
  return {
    gram: (reads, writes) =>
      names.product(names.product(reads, writes, "bchtrsw"), mask, "bchtrsw"),
    scatter: masked(names, mask),
    enter: (reads) => reads,
    leave: (writes) => writes,
    total: null,
  };
}

/** The decay is `bcth`. */
function scalar(names: Names, factors: Named, length: number): Weights {
  const size = dim(length);
  const all = table(names, factors, "t", length);
  const rows = names.slice(all, "u", 0, size);
  const mask = names.rename(names.slice(rows, "v", 1, size), "uv", "ts");
  const head = names.rename(names.pick(rows, "v", 0), "u", "t");
  const end = names.pick(all, "u", length);
  const tail = names.rename(names.slice(end, "v", 1, size), "v", "s");
  return {
    gram: (reads, writes) =>
      names.product(names.product(reads, writes, "bchtrsw"), mask, "bchtrsw"),
    scatter: masked(names, mask),
    enter: (reads) => names.product(reads, head, reads.axes),
    leave: (writes) => names.product(writes, tail, writes.axes),
    total: names.pick(end, "v", 0),
  };
}

/** Steps per block of a chunk: about as many as there are blocks, so that no table of products is large. */
function blockOf(length: number): number {
  let block = Math.max(1, Math.floor(Math.sqrt(length)));
  while (length % block !== 0) block--;
  return block;
}

/**
 * The decay is `bcthn`. Within blocks each product of decays is used as it is; from block to block reads are decayed
 * back to the start of their block and writes forward to it, so that what remains is a product of matrices
 * (secondary chunking: Yang et al., "Gated linear attention", ICML 2024, section 4.3).
 */
function diagonal(names: Names, factors: Named, length: number): Weights {
  const b = names.builder;
  const block = blockOf(length);
  const count = length / block;
  const [size, blocks] = [dim(block), dim(count)];
  /** `t` becomes the block and the place in it. */
  const split = (x: Named, step: string, number: string): Named => {
    const at = x.axes.indexOf(step);
    const shape = [...b.shape(x.id)];
    shape.splice(at, 1, blocks, size);
    return names.reshape(x, x.axes.replace(step, number + step), shape);
  };
  const join = (x: Named, number: string): Named => {
    const at = x.axes.indexOf(number);
    const shape = [...b.shape(x.id)];
    shape.splice(at, 2, dim(length));
    return names.reshape(x, x.axes.replace(number, ""), shape);
  };
  const inner = table(names, split(factors, "t", "i"), "t", block);
  const rows = names.slice(inner, "u", 0, size);
  const near = names.rename(names.slice(rows, "v", 1, size), "uv", "ts");
  const head = names.rename(names.pick(rows, "v", 0), "u", "t");
  const end = names.pick(inner, "u", block);
  const tail = names.rename(names.slice(end, "v", 1, size), "iv", "js");
  const outer = table(names, names.pick(end, "v", 0), "i", count);
  const starts = names.slice(outer, "u", 0, blocks);
  const between = names.rename(names.slice(starts, "v", 1, blocks), "uv", "ij");
  const before = names.rename(names.pick(starts, "v", 0), "u", "i");
  const whole = names.pick(outer, "u", count);
  const after = names.rename(names.slice(whole, "v", 1, blocks), "v", "j");
  const same = below(names, "ij", count, 0);
  return {
    gram: (reads, writes) => {
      const [a, k] = [split(reads, "t", "i"), split(writes, "s", "j")];
      const there = names.product(names.product(a, near, "bcithrns"), names.rename(k, "j", "i"), "bchitrsw"); // prettier-ignore
      const own = names.product(there, same, "bchitrjsw");
      const out = "bchtrsw";
      if (count === 1) return names.reshape(own, out, joined(names, own));
      const early = names.product(names.product(k, tail, k.axes), between, "bcijshwn");
      const far = names.product(names.product(a, head, a.axes), early, "bchitrjsw");
      const both = names.add(own, far, "bchitrjsw");
      return names.reshape(both, out, joined(names, both));
    },
    scatter: (scores, writes) => {
      const [apart, k] = [split(split(scores, "t", "i"), "s", "j"), split(writes, "s", "j")];
      const here = names.product(apart, same, "bchitsw");
      const weighed = names.product(near, names.rename(k, "j", "i"), "bcihntsw");
      const own = names.product(here, weighed, "bcithn");
      const early = names.product(names.product(k, tail, k.axes), between, "bcijshwn");
      const far = names.product(names.product(apart, early, "bcithn"), head, "bcithn");
      return join(names.add(own, far, "bcithn"), "i");
    },
    enter: (reads) => {
      const a = split(reads, "t", "i");
      const decayed = names.product(names.product(a, head, a.axes), before, a.axes);
      return join(decayed, "i");
    },
    leave: (writes) => {
      const k = split(writes, "s", "j");
      const decayed = names.product(names.product(k, tail, k.axes), after, k.axes);
      return join(decayed, "j");
    },
    total: names.pick(whole, "v", 0),
  };
}

/** `bchitrjsw` as `bchtrsw`. */
function joined(names: Names, x: Named) {
  const size = (l: string) => names.size(x, l);
  const steps = (number: string, step: string) =>
    dim(names.length(x, number) * names.length(x, step));
  return [size("b"), size("c"), size("h"), steps("i", "t"), size("r"), steps("j", "s"), size("w")];
}

/** `decay` is `bcth`, `bcthn` or null for none. */
export function weights(names: Names, decay: Named | null, length: number): Weights {
  if (decay === null) return uniform(names, length);
  return decay.axes.includes("n") ? diagonal(names, decay, length) : scalar(names, decay, length);
}
