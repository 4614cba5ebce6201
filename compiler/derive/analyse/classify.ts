/** Names for what the algebra has found. */
import { algebra, GraphBuilder, type NodeId } from "../../graph/index.ts";
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
  | "full"
  | "several"
  | "nonlinear";

const PREFIX = { none: "", scalar: "scalar-", diagonal: "diagonal-" } as const;

/** Which reads feed writes, by index. */
export function feedingReads(form: NormalForm): number[] {
  const all = form.writes.flatMap((w) => w.from.map((f) => f.read));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** The key of a read of the decayed state, in the nodes that the form has for it. */
function decayedKey(form: NormalForm, key: NodeId): NodeId {
  const { decay } = form;
  if (decay.kind !== "diagonal") return key;
  return algebra.mul(GraphBuilder.extend(form.graph), decay.factor, key);
}

/** Equal up to the order of factors in products. */
function sameValue(form: NormalForm, a: NodeId, b: NodeId): boolean {
  if (a === b) return true;
  const builder = GraphBuilder.extend(form.graph);
  return factorsOf(builder, a).join() === factorsOf(builder, b).join();
}

function factorsOf(builder: GraphBuilder, id: NodeId): string[] {
  const node = builder.nodes[id];
  if (node?.op === "binary" && node.fn === "mul") {
    return [...factorsOf(builder, node.a), ...factorsOf(builder, node.b)].sort();
  }
  if (node?.op === "reshape" || node?.op === "broadcast") {
    const inner = builder.nodes[node.x]!;
    if (inner.op === "binary" && inner.fn === "mul") {
      return factorsOf(builder, node.x);
    }
    return [String(node.x)];
  }
  return [String(id)];
}

export function classOf(form: NormalForm): ClassName {
  const { decay, writes, layout } = form;
  const feeding = feedingReads(form);
  if (feeding.length === 0) {
    if (decay.kind === "matrix") return "matrix";
    if (decay.kind === "none") return "identity";
    if (layout.keys.length === 0) {
      const one = layout.values.length > 0 || layout.batch.length === 0;
      return one ? decay.kind : "elementwise";
    }
    if (form.rows.length === 0) return decay.kind;
    if (decay.kind === "diagonal") return "elementwise";
    return layout.values.length === 0 ? "diagonal" : "scalar";
  }
  if (layout.keys.length === 0) return "elementwise";
  const fed = writes.filter((w) => w.from.length > 0);
  if (feeding.length > 1 || fed.length > 1) return "low-rank";
  if (decay.kind === "matrix") return "matrix-rank-one";
  const read = form.reads[feeding[0]!]!.key;
  const written = fed[0]!.key;
  const same = sameValue(form, read, written) || sameValue(form, read, decayedKey(form, written));
  const plain = decay.kind === "diagonal" ? sameValue(form, read, decayedKey(form, written)) : same;
  return `${PREFIX[decay.kind]}${plain ? "delta" : "rank-one"}`;
}

/** On which side of W the transition acts, seen from where outputs read it; one that is read whole has no sides. */
export const sideOf = (form: NormalForm, whole: boolean): "key" | "value" =>
  form.crossReads.length > 0 && !whole ? "value" : "key";

const SAYS: Record<Exclude<ClassName, "several" | "nonlinear" | "full">, string> = {
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
  return name === "full" || name === "several" || name === "nonlinear" ? name : SAYS[name];
}
