/** What all ways of weighing the steps of a chunk share: what they are asked for, and chunks cut into blocks of steps. */
import { dim, multiply } from "../../dims.ts";
import { algebra } from "../../graph/index.ts";
import type { Named, Names } from "./named.ts";

/**
 * How a chunk weighs what was written in it and before it. Axes: b batch, c chunk, h head, n key; t a step that reads and
 * s one that writes, r its reads and w its writes.
 */
export interface Weights {
  /**
   * Of several groups of reads P[t, r, s, w] = Σ a · k, decayed from write to read; zero for later writes. From `bcthrn` and
   * `bcshwn` to `bchtrsw`.
   */
  grams(asked: readonly Asked[], writes: Named): Named[];
  /** For reads of the state before their step, to which earlier steps have written. */
  readonly early: ReadWeights;
  /** For reads of the state after their step, to which that step has written too. */
  readonly late: ReadWeights;
  /** Writes, decayed as they are at the end of the chunk. */
  leave(writes: Named): Named;
  /** Decay of the whole chunk, with the axes of the decay but t; null for none. */
  readonly total: Named | null;
  /** A state `hmn` after the decay of a whole chunk, `total` without b and c. */
  keep(names: Names, state: Named, total: Named): Named;
}

/** Keys of reads, `bcthrn`, of the state after their steps if `late`. */
export interface Asked {
  readonly keys: Named;
  readonly late: boolean;
}

/** How a chunk weighs what its reads find. */
export interface ReadWeights {
  /** Σ scores[t, s, w] · k[s, w], decayed from write to read: reads from the other side. To `bcthn`, from `bchtsw`. */
  scatter(scores: Named, writes: Named): Named;
  /** Reads, decayed as the state on entry is by then. Any array with the axes of the decay and t. */
  enter(reads: Named): Named;
  /** What the state on entry says from the other side, `bcthn`, as it says it by then. */
  arrive(values: Named): Named;
}

/** How many of the steps from that of a read on have written to what it sees. */
export type Shift = 0 | 1;
export const shiftOf = (late: boolean): Shift => (late ? 1 : 0);

/** The same for both kinds of reads; `grams` one by one. */
export function bothOf(
  make: (shift: Shift) => ReadWeights & { gram(reads: Named, writes: Named): Named },
): Pick<Weights, "early" | "late" | "grams"> {
  const both = [make(0), make(1)] as const;
  return {
    early: both[0],
    late: both[1],
    grams: (asked, writes) => asked.map(({ keys, late }) => both[shiftOf(late)].gram(keys, writes)),
  };
}

/** 1 where row = column + `offset`. */
export function below(names: Names, axes: string, length: number, offset: number): Named {
  const b = names.builder;
  const size = dim(length);
  const at = (axis: number) => b.broadcast(b.iota(size), [axis], [size, size]);
  const shifted = algebra.add(b, at(1), b.fill(offset, [size, size]));
  return names.of(b.binary("eq", at(0), shifted), axes);
}

/** Steps per block of a chunk: about as many as there are blocks, so that no table of products is large. */
export function blockOf(length: number): number {
  let block = Math.max(1, Math.floor(Math.sqrt(length)));
  while (length % block !== 0) block--;
  return block;
}

/** The axis `step` becomes two: the number of the block and the place in it. */
export function splitBlocks(
  names: Names,
  x: Named,
  step: string,
  number: string,
  block: number,
): Named {
  const shape = [...names.builder.shape(x.id)];
  shape.splice(x.axes.indexOf(step), 1, dim(names.length(x, step) / block), dim(block));
  return names.reshape(x, x.axes.replace(step, number + step), shape);
}

/** The axis `number` and the one after it become one. */
export function joinBlocks(names: Names, x: Named, number: string): Named {
  const at = x.axes.indexOf(number);
  const shape = [...names.builder.shape(x.id)];
  shape.splice(at, 2, multiply(shape[at]!, shape[at + 1]!));
  return names.reshape(x, x.axes.replace(number, ""), shape);
}

/** `bchitrjsw` as `bchtrsw`. */
export function joined(names: Names, x: Named) {
  const size = (l: string) => names.size(x, l);
  const steps = (number: string, step: string) =>
    dim(names.length(x, number) * names.length(x, step));
  return [size("b"), size("c"), size("h"), steps("i", "t"), size("r"), steps("j", "s"), size("w")];
}
