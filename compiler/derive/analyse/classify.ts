/** Names for what the algebra has found. */
import { GraphBuilder, type NodeId } from "../../graph/index.ts";
import { productFactors } from "./factors.ts";
import type { NormalForm } from "./form.ts";

/**
 * What the old state is multiplied by, W being values × keys:
 * - `identity`: nothing; the new state is the old one plus a write.
 * - `scalar`, `diagonal`: a number (per head), a number per key.
 * - `elementwise`: a number of its own for every element; nothing sums over the state. Vector states are of this class.
 * - `delta`: I + λ k kᵀ, the key that is written being the one that was read; `scalar-delta`, `diagonal-delta`: the same
 *   after a decay.
 * - `rank-one`, `scalar-rank-one`, `diagonal-rank-one`: the decay plus a bᵀ with any a and b.
 * - `matrix`: a matrix that does not depend on the state, along the keys or between states that are affine in each other;
 *   `matrix-rank-one`: such a matrix plus a bᵀ.
 * - `low-rank`: the decay, or matrix, plus several such terms, at once or one after the other.
 * - `two-sided`: affine, but reads from the side of the keys and from the side of the values are both written back.
 * - `full`: affine, but no sum of these.
 * - `several`: several states that are affine in each other and cannot be laid out as one; those that can be have the class
 *   of the joint state.
 * - `nonlinear`: not affine.
 */
export type ClassName =
  | "identity"
  | "scalar"
  | "diagonal"
  | "elementwise"
  | "delta"
  | "scalar-delta"
  | "diagonal-delta"
  | "rank-one"
  | "scalar-rank-one"
  | "diagonal-rank-one"
  | "matrix"
  | "matrix-rank-one"
  | "low-rank"
  | "two-sided"
  | "full"
  | "several"
  | "nonlinear";

/** Those of states that have a normal form. */
type FormClass = Exclude<ClassName, "two-sided" | "full" | "several" | "nonlinear">;

const PREFIX = { none: "", scalar: "scalar-", diagonal: "diagonal-" } as const;

/** Which reads feed writes, by index. */
export function feedingReads(form: NormalForm): number[] {
  const all = form.writes.flatMap((w) => w.from.map((f) => f.read));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** Whether a read asks with the key of a write, and finds there what the decay has left. */
function isSameKey(form: NormalForm, read: NodeId, written: NodeId): boolean {
  const { decay, graph, layout } = form;
  const builder = GraphBuilder.extend(graph);
  const of = (axes: readonly number[]) => axes.map((axis) => layout.sizes[axis]!);
  const factors = (id: NodeId) =>
    productFactors(builder, id, [of(layout.batch), of(layout.keys)]).sort();
  const left = decay.kind === "diagonal" ? factors(decay.factor) : [];
  return factors(read).join(" ") === [...factors(written), ...left].sort().join(" ");
}

/** Whether the decay differs between rows of one memory (which all answer the same keys), and between its keys. */
function decayedSides({ decay, layout, spread }: NormalForm): { rows: boolean; keys: boolean } {
  const { decayed, asked } = spread;
  const rows = decayed.some((a) => !asked.includes(a) && !layout.keys.includes(a));
  return { rows: rows && layout.values.length === 0, keys: decay.kind === "diagonal" };
}

export function classOf(form: NormalForm): FormClass {
  const { decay, writes, layout } = form;
  const feeding = feedingReads(form);
  if (feeding.length === 0) {
    if (decay.kind === "matrix") return "matrix";
    if (decay.kind === "none") return "identity";
    if (layout.keys.length === 0) {
      const one = layout.values.length > 0 || layout.batch.length === 0;
      return one ? decay.kind : "elementwise";
    }
    const { rows, keys } = decayedSides(form);
    return rows && keys ? "elementwise" : rows || keys ? "diagonal" : "scalar";
  }
  if (layout.keys.length === 0) return "elementwise";
  const fed = writes.filter((w) => w.from.length > 0);
  if (feeding.length > 1 || fed.length > 1) return "low-rank";
  if (decay.kind === "matrix") return "matrix-rank-one";
  const read = form.reads[feeding[0]!]!.key;
  const written = fed[0]!.key;
  const plain = isSameKey(form, read, written);
  return `${PREFIX[decay.kind]}${plain ? "delta" : "rank-one"}`;
}

/**
 * On which side of W the transition acts, seen from where outputs read it. A state that is read whole has no sides; one that
 * is read from both is seen from the side on which it is changed.
 */
export function sideOf(form: NormalForm, whole: boolean): "key" | "value" {
  if (whole || form.crossReads.length === 0) return "key";
  return form.reads.length > feedingReads(form).length ? "key" : "value";
}

const SAYS: Record<FormClass, string> = {
  identity: "the new state is the old one plus what is written",
  scalar: "the old state is multiplied by a number that does not depend on it",
  diagonal: "the old state is multiplied by a number per row or column that does not depend on it",
  elementwise: "every element is multiplied by a number of its own; nothing sums over the state",
  delta: "one read of the old state is written back at the key that was read",
  "scalar-delta": "after a decay by a number, one read is written back at the key that was read",
  "diagonal-delta": "after a decay per key, one read is written back at the key that was read",
  "rank-one": "one read of the old state is written back at another key",
  "scalar-rank-one": "beside a decay by a number, one read is written back at another key",
  "diagonal-rank-one": "beside a decay per key, one read is written back at another key",
  matrix: "the old state is multiplied by a matrix that does not depend on it",
  "matrix-rank-one": "beside a product with a matrix, one read of the old state is written back",
  "low-rank": "several reads of the old state are written back",
};

export function reasonOf(form: NormalForm): string {
  const name = classOf(form);
  const { rows, keys } = decayedSides(form);
  if (!rows || form.layout.keys.length === 0) return SAYS[name];
  const product = form.spread.separable;
  if (name === "elementwise") return product ? `${SAYS[name]}, ${PRODUCT}` : SAYS[name];
  if (feedingReads(form).length === 0) return SAYS[name];
  const what = keys && !product ? "every element decays" : "every row of values decays";
  return `${SAYS[name]}; ${what} by a number of its own`;
}

/** D W D′ with two diagonals. */
const PRODUCT = "the product of one of its row and one of its column: a diagonal on either side";
