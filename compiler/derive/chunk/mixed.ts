/**
 * The weights of a chunk whose decay is a matrix: along the mixed keys D_t, `p × p`, multiplies the state before step t. The
 * table of all products X[u, v] = D_(u−1) · … · D_v is again the inverse of a unit lower triangular matrix, now of blocks:
 * identities on its diagonal, −D below. So singular, rotating and growing matrices are all right, and nothing is inverted
 * but by substitution. A chunk is cut into blocks of steps as for decays per key.
 *
 * Axes beside those of `Weights`: o mixed keys as they become, e mixed keys as they were; n the keys that are left.
 */
import { dim, multiply } from "../../dims.ts";
import { algebra } from "../../graph/index.ts";
import {
  below,
  blockOf,
  bothOf,
  joinBlocks,
  joined,
  splitBlocks,
  type Shift,
  type Weights,
} from "./blocks.ts";
import type { Named, Names } from "./named.ts";

/** Of the matrices along the axis `step` of `length`: their products, with axes u and v, `length + 1` each, in its place. */
function table(names: Names, factors: Named, step: string, length: number): Named {
  const b = names.builder;
  const lead = factors.axes.replace(step, "").replace("oe", "");
  const last = names.turn(factors, `${lead}${step}oe`);
  const own = b.shape(last.id).slice(0, lead.length);
  const [size, p] = [dim(length + 1), names.size(factors, "o")];
  const blocks = [...own, size, p, size, p];
  const padded = names.of(algebra.pad(b, last.id, lead.length, dim(0), dim(1)), `${lead}voe`);
  const columns = names.spread(names.turn(padded, `${lead}ove`), `${lead}uove`, blocks);
  const mask = (offset: number): Named =>
    names.spread(below(names, "uv", length + 1, offset), `${lead}uove`, blocks);
  const along = (letter: string): Named =>
    names.spread(names.of(b.iota(p), letter), `${lead}uove`, blocks);
  const same = b.binary("eq", along("o").id, along("e").id);
  const flat = (id: typeof same) =>
    algebra.reshape(b, id, [...own, multiply(size, p), multiply(size, p)]);
  const matrix = flat(algebra.neg(b, algebra.mul(b, columns.id, mask(1).id)));
  const identity = flat(algebra.mul(b, same, mask(0).id));
  const found = b.solve(matrix, identity, { lower: true, unit: true });
  return names.reshape(names.of(found, `${lead}uv`), `${lead}uove`, blocks);
}

/** Keys, which the axis `n` counts, as pairs of a mixed key, `letter`, and one of the others. */
function apart(names: Names, x: Named, letter: string, p: number): Named {
  return splitBlocks(names, x, "n", letter, names.length(x, "n") / p);
}

/** W D, of a state `hmn` and a matrix `hoe` or `hnoe`. */
export function mixedState(names: Names, state: Named, matrix: Named): Named {
  const old = apart(names, state, "e", names.length(matrix, "o"));
  return joinBlocks(names, names.product(old, matrix, "hmon"), "o");
}

/** Products of matrices within blocks of steps and between these. */
function pieces(names: Names, factors: Named, length: number) {
  const block = blockOf(length);
  const count = length / block;
  const [size, blocks] = [dim(block), dim(count)];
  const inner = table(names, splitBlocks(names, factors, "t", "i", block), "t", block);
  const rows = (shift: Shift) => names.slice(inner, "u", shift, size);
  const end = names.pick(inner, "u", block);
  const outer = table(names, names.pick(end, "v", 0), "i", count);
  const starts = names.slice(outer, "u", 0, blocks);
  const whole = names.pick(outer, "u", count);
  return {
    block,
    count,
    /** From after step s to before (or, shifted, after) step t of the same block. */
    near: (shift: Shift) => names.rename(names.slice(rows(shift), "v", 1, size), "uv", "ts"),
    /** From the start of a block, i, to before (or after) its step t. */
    head: (shift: Shift) => names.rename(names.pick(rows(shift), "v", 0), "u", "t"),
    /** From after step s to the end of its block, j. */
    tail: names.rename(names.slice(end, "v", 1, size), "iv", "js"),
    /** From the end of block j to the start of a later one, i. */
    between: names.rename(names.slice(starts, "v", 1, blocks), "uv", "ij"),
    /** From the start of the chunk to that of block i; from the end of block j to that of the chunk; both. */
    before: names.rename(names.pick(starts, "v", 0), "u", "i"),
    after: names.rename(names.slice(whole, "v", 1, blocks), "v", "j"),
    whole: names.pick(whole, "v", 0),
    same: below(names, "ij", count, 0),
  };
}

/** The decay is `bcthoe` or, with matrices of their own for all other keys, `bcthnoe`. */
export function mixed(names: Names, factors: Named, length: number): Weights {
  return factors.axes.includes("n")
    ? perKey(names, factors, length)
    : perHead(names, factors, length);
}

/** The same matrices for all other keys: products of keys are made first, for all pairs of mixed keys. */
function perHead(names: Names, factors: Named, length: number): Weights {
  const p = names.length(factors, "o");
  const parts = pieces(names, factors, length);
  /** One matrix after another: x, whose old keys are those that y gives. */
  const after = (x: Named, y: Named, out: string): Named =>
    names.product(names.rename(x, "e", "x"), names.rename(y, "o", "x"), out);
  const join = (x: Named, number: string): Named => joinBlocks(names, x, number);
  const tail = join(after(parts.after, parts.tail, "bchjsoe"), "j");
  const early = after(parts.between, parts.tail, "bchijsoe");
  const reading = (shift: Shift) => {
    const head = join(after(parts.head(shift), parts.before, "bchitoe"), "i");
    const own = names.product(parts.near(shift), parts.same, "bchitjsoe");
    const far = parts.count === 1 ? null : after(parts.head(shift), early, "bchitjsoe");
    const all = join(join(names.add(own, far, "bchitjsoe"), "i"), "j");
    return {
      gram: (reads: Named, writes: Named) => {
        const [a, k] = [apart(names, reads, "o", p), apart(names, writes, "e", p)];
        return names.product(names.product(a, k, "bchtroswe"), all, "bchtrsw");
      },
      scatter: (scores: Named, writes: Named) => {
        const weighed = names.product(scores, all, "bchtoswe");
        return join(names.product(weighed, apart(names, writes, "e", p), "bcthon"), "o");
      },
      enter: (reads: Named) => {
        const a = apart(names, reads, "o", p);
        return join(names.product(a, head, a.axes.replace("o", "e")), "e");
      },
      arrive: (values: Named) => {
        const z = apart(names, values, "e", p);
        return join(names.product(z, head, z.axes.replace("e", "o")), "o");
      },
    };
  };
  return {
    ...bothOf(reading),
    leave: (writes) => {
      const k = apart(names, writes, "e", p);
      return join(names.product(k, tail, k.axes.replace("e", "o")), "o");
    },
    total: parts.whole,
    keep: mixedState,
  };
}

/** A matrix for each other key: blocks keep the tables of these small. */
function perKey(names: Names, factors: Named, length: number): Weights {
  const p = names.length(factors, "o");
  const parts = pieces(names, factors, length);
  const { block, count, tail, between, before, after, whole, same } = parts;
  const split = (x: Named, step: string, number: string): Named =>
    splitBlocks(names, x, step, number, block);
  const join = (x: Named, number: string): Named => joinBlocks(names, x, number);
  /** What has the old keys, e, as what it becomes. */
  const forward = (x: Named, matrix: Named): Named =>
    names.rename(names.product(x, matrix, x.axes.replace("e", "o")), "o", "e");
  /** What asks for keys as they become, o, as what it asks of the old ones. */
  const backward = (x: Named, matrix: Named): Named =>
    names.rename(names.product(x, matrix, x.axes.replace("o", "e")), "e", "o");
  /** Writes of each block as they are at the start of later ones, `bcijshwen`. */
  const earlier = (k: Named): Named =>
    names.rename(names.product(forward(k, tail), between, "bcijshwon"), "o", "e");
  const reading = (shift: Shift) => {
    const [near, head] = [parts.near(shift), parts.head(shift)];
    return {
      gram: (reads: Named, writes: Named) => {
        const a = split(apart(names, reads, "o", p), "t", "i");
        const k = split(apart(names, writes, "e", p), "s", "j");
        const asked = names.product(a, near, "bcithrens");
        const there = names.product(asked, names.rename(k, "j", "i"), "bchitrsw");
        const own = names.product(there, same, "bchitrjsw");
        const out = "bchtrsw";
        if (count === 1) return names.reshape(own, out, joined(names, own));
        const early = names.rename(earlier(k), "e", "o");
        const far = names.product(backward(a, head), early, "bchitrjsw");
        const both = names.add(own, far, "bchitrjsw");
        return names.reshape(both, out, joined(names, both));
      },
      scatter: (scores: Named, writes: Named) => {
        const at = split(split(scores, "t", "i"), "s", "j");
        const k = split(apart(names, writes, "e", p), "s", "j");
        const here = names.product(at, same, "bchitsw");
        const weighed = names.product(near, names.rename(k, "j", "i"), "bcihontsw");
        const own = names.product(here, weighed, "bcithon");
        const sum = names.product(at, earlier(k), "bcithen");
        const far = names.product(sum, head, "bcithon");
        return joinBlocks(names, join(names.add(own, far, "bcithon"), "i"), "o");
      },
      enter: (reads: Named) => {
        const a = split(apart(names, reads, "o", p), "t", "i");
        return joinBlocks(names, join(backward(backward(a, head), before), "i"), "o");
      },
      arrive: (values: Named) => {
        const z = split(apart(names, values, "e", p), "t", "i");
        return joinBlocks(names, join(forward(forward(z, before), head), "i"), "e");
      },
    };
  };
  return {
    ...bothOf(reading),
    leave: (writes) => {
      const k = split(apart(names, writes, "e", p), "s", "j");
      return joinBlocks(names, join(forward(forward(k, tail), after), "j"), "e");
    },
    total: whole,
    keep: mixedState,
  };
}
