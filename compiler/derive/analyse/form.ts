/** The normal form of a step that is affine in one state: what every fast form of it is made from. */
import type { Dim } from "../../dims.ts";
import type { Graph, NodeId } from "../../graph/ir.ts";

/**
 * Which axes of the state play which part. Along `batch` axes nothing is mixed and keys may differ; `keys` are summed over
 * by reads; along `values` nothing is mixed and keys are the same. With H, m, n the products of their sizes, the state is W
 * `[H, m, n]`.
 */
export interface Layout {
  /** Of all axes of the state. */
  readonly sizes: readonly Dim[];
  readonly batch: readonly number[];
  readonly values: readonly number[];
  readonly keys: readonly number[];
  /** Those of `keys`, its first ones, along which the decay is a matrix. */
  readonly mixed: readonly number[];
  readonly heads: Dim;
  readonly m: Dim;
  readonly n: Dim;
}

/** z = W a: what the state says to a key. */
export interface Read {
  /** Whether it is the state after this step that is asked, rather than the one before it. Such a read feeds no write. */
  readonly late: boolean;
  /** Input of the form's graph that stands for z, `[H, m]`. */
  readonly node: NodeId;
  /** a, `[H, n]`. */
  readonly key: NodeId;
}

/** z = Wᵀ p: a read from the side of the values; none of these feeds a write. */
export interface CrossRead {
  readonly late: boolean;
  /** Input of the form's graph that stands for z, `[H, n]`. */
  readonly node: NodeId;
  /** p, `[H, m]`. */
  readonly key: NodeId;
}

/** W ← W + u kᵀ with u = c + Σ λ z. */
export interface Write {
  /** k, `[H, n]`. */
  readonly key: NodeId;
  /** c, `[H, m]`; null for zero. */
  readonly constant: NodeId | null;
  /** λ, `[H]`, by index into `reads`. */
  readonly from: readonly { readonly read: number; readonly factor: NodeId }[];
}

/** W ← W D. Any real factors, zero, negative and above one included. */
export type Decay =
  | { readonly kind: "none" }
  /** `[H]` */
  | { readonly kind: "scalar"; readonly factor: NodeId }
  /** `[H, n]` */
  | { readonly kind: "diagonal"; readonly factor: NodeId }
  /**
   * With p mixed and l other keys, n = p l: `[H, p, p]`, or `[H, l, p, p]` where other keys have matrices of their own. Its
   * last axis is that of the old state: W′[i, (a, l)] = Σ_b D[a, b] W[i, (b, l)].
   */
  | { readonly kind: "matrix"; readonly factor: NodeId };

/** What the events do not show of the axes of the state: what the class is read off. */
export interface Spread {
  /** Those along which the decay differs. */
  readonly decayed: readonly number[];
  /** Those, but for keys, along which keys of reads differ. */
  readonly asked: readonly number[];
  /** The same of keys of writes, and of reads that feed them. */
  readonly written: readonly number[];
  /** Whether the decay is a product of factors along keys and factors along other axes. */
  readonly separable: boolean;
}

/**
 * One step as events in this order: reads of the state before the step, the decay, all writes, reads of the state after
 * it. A read that stands elsewhere in the rule is expanded: after a decay its key is decayed, after a write its value is a
 * read plus what the write put there.
 */
export interface NormalForm {
  /** The body with the nodes that the form adds; those that there were keep their ids. */
  readonly graph: Graph;
  readonly layout: Layout;
  /** Batch axes along which only decays or rates differ, not keys: every row of values goes its own way. */
  readonly rows: readonly number[];
  readonly spread: Spread;
  readonly reads: readonly Read[];
  readonly crossReads: readonly CrossRead[];
  readonly decay: Decay;
  readonly writes: readonly Write[];
  /** For body nodes that leave the loop: an equal node that depends on the state by way of reads only. */
  readonly outputs: ReadonlyMap<NodeId, NodeId>;
}
