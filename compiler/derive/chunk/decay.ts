/**
 * Products of decays over stretches of a chunk, without logarithms: the table X[u, v] = α_v · … · α_(u−1) for v ≤ u is the
 * inverse of the unit lower triangular matrix with −α below the diagonal. So zero, negative and large factors are all
 * right, no product is ever divided by another, and no exponent can overflow.
 */
import { dim } from "../../dims.ts";
import { algebra } from "../../graph/index.ts";
import {
  below,
  blockOf,
  bothOf,
  joinBlocks,
  joined,
  shiftOf,
  splitBlocks,
  type ReadWeights,
  type Shift,
  type Weights,
} from "./blocks.ts";
import { mixed } from "./mixed.ts";
import type { Named, Names } from "./named.ts";

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

const times = (names: Names, state: Named, total: Named): Named =>
  names.product(state, total, state.axes);

/** What was written, by scores that `mask`, `ts` or `bchts`, weighs. */
const masked =
  (names: Names, mask: Named) =>
  (scores: Named, writes: Named): Named =>
    names.product(names.product(scores, mask, "bchtsw"), writes, "bcthn");

/**
 * Weights that are one number for each pair of a read and a write, `maskOf` with axes t and s, and those of the state on
 * entry, `head`: the products of keys are made for all pairs and all reads at once.
 */
function byPairs(
  names: Names,
  maskOf: (shift: Shift) => Named,
  head: (shift: Shift, x: Named) => Named,
): Pick<Weights, "early" | "late" | "grams"> {
  const masks = [maskOf(0), maskOf(1)] as const;
  const reading = (shift: Shift): ReadWeights => ({
    scatter: masked(names, masks[shift]),
    enter: (reads) => head(shift, reads),
    arrive: (values) => head(shift, values),
  });
  return {
    early: reading(0),
    late: reading(1),
    grams: (asked, writes) => {
      const all = names.join(asked.map((x) => x.keys), "r"); // prettier-ignore
      const pairs = names.product(all, writes, "bchtrsw");
      let place = 0;
      return asked.map(({ keys, late }) => {
        const own = names.slice(pairs, "r", place, names.size(keys, "r"));
        place += names.length(keys, "r");
        return names.product(own, masks[shiftOf(late)], "bchtrsw");
      });
    },
  };
}

/** Earlier steps, all alike. */
function uniform(names: Names, length: number): Weights {
  const b = names.builder;
  const size = dim(length);
  const at = (axis: number) => b.broadcast(b.iota(size), [axis], [size, size]);
  const maskOf = (shift: Shift): Named =>
    names.of(b.binary(shift === 0 ? "lt" : "le", at(1), at(0)), "ts");
  return {
    ...byPairs(names, maskOf, (_, x) => x),
    leave: (writes) => writes,
    total: null,
    keep: times,
  };
}

/** The decay is `bcth`. */
function scalar(names: Names, factors: Named, length: number): Weights {
  const size = dim(length);
  const all = table(names, factors, "t", length);
  const end = names.pick(all, "u", length);
  const tail = names.rename(names.slice(end, "v", 1, size), "v", "s");
  const rows = (shift: Shift): Named => names.slice(all, "u", shift, size);
  const maskOf = (shift: Shift): Named =>
    names.rename(names.slice(rows(shift), "v", 1, size), "uv", "ts");
  const head = (shift: Shift, x: Named): Named =>
    names.product(x, names.rename(names.pick(rows(shift), "v", 0), "u", "t"), x.axes);
  return {
    ...byPairs(names, maskOf, head),
    leave: (writes) => names.product(writes, tail, writes.axes),
    total: names.pick(end, "v", 0),
    keep: times,
  };
}

/**
 * The decay is `bcthn`. Within blocks each product of decays is used as it is; from block to block reads are decayed
 * back to the start of their block and writes forward to it, so that what remains is a product of matrices
 * (secondary chunking: Yang et al., "Gated linear attention", ICML 2024, section 4.3).
 */
function diagonal(names: Names, factors: Named, length: number): Weights {
  const block = blockOf(length);
  const count = length / block;
  const [size, blocks] = [dim(block), dim(count)];
  const split = (x: Named, step: string, number: string): Named =>
    splitBlocks(names, x, step, number, block);
  const join = (x: Named, number: string): Named => joinBlocks(names, x, number);
  const inner = table(names, split(factors, "t", "i"), "t", block);
  const end = names.pick(inner, "u", block);
  const tail = names.rename(names.slice(end, "v", 1, size), "iv", "js");
  const outer = table(names, names.pick(end, "v", 0), "i", count);
  const starts = names.slice(outer, "u", 0, blocks);
  const between = names.rename(names.slice(starts, "v", 1, blocks), "uv", "ij");
  const before = names.rename(names.pick(starts, "v", 0), "u", "i");
  const whole = names.pick(outer, "u", count);
  const after = names.rename(names.slice(whole, "v", 1, blocks), "v", "j");
  const same = below(names, "ij", count, 0);
  const reading = (shift: Shift) => {
    const rows = names.slice(inner, "u", shift, size);
    const near = names.rename(names.slice(rows, "v", 1, size), "uv", "ts");
    const head = names.rename(names.pick(rows, "v", 0), "u", "t");
    const enter = (x: Named): Named => {
      const a = split(x, "t", "i");
      const decayed = names.product(names.product(a, head, a.axes), before, a.axes);
      return join(decayed, "i");
    };
    return {
      gram: (reads: Named, writes: Named) => {
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
      scatter: (scores: Named, writes: Named) => {
        const [apart, k] = [split(split(scores, "t", "i"), "s", "j"), split(writes, "s", "j")];
        const here = names.product(apart, same, "bchitsw");
        const weighed = names.product(near, names.rename(k, "j", "i"), "bcihntsw");
        const own = names.product(here, weighed, "bcithn");
        const early = names.product(names.product(k, tail, k.axes), between, "bcijshwn");
        const far = names.product(names.product(apart, early, "bcithn"), head, "bcithn");
        return join(names.add(own, far, "bcithn"), "i");
      },
      enter,
      arrive: enter,
    };
  };
  return {
    ...bothOf(reading),
    leave: (writes) => {
      const k = split(writes, "s", "j");
      const decayed = names.product(names.product(k, tail, k.axes), after, k.axes);
      return join(decayed, "j");
    },
    total: names.pick(whole, "v", 0),
    keep: times,
  };
}

/** `decay` is `bcth`, `bcthn`, a matrix `bcthoe` or `bcthnoe`, or null for none. */
export function weights(names: Names, decay: Named | null, length: number): Weights {
  if (decay === null) return uniform(names, length);
  if (decay.axes.includes("o")) return mixed(names, decay, length);
  return decay.axes.includes("n") ? diagonal(names, decay, length) : scalar(names, decay, length);
}
