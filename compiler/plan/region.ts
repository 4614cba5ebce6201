/** A graph with a place for each of its values: the outermost graph of a program, or a step inside a loop over time. */
import type { Expr } from "../loop/ir.ts";
import type { Dim } from "../dims.ts";
import type { Graph, Node, NodeId } from "../graph/ir.ts";
import { bodyNode } from "../graph/shapes.ts";
import type { Affine } from "./affine.ts";
import type { Shown } from "./shown.ts";

/** Where a value is when something wants to read it. */
export type Location =
  /** Element [i…] is at offset + Σ i · stride. */
  | {
      readonly kind: "buffer";
      readonly buffer: string;
      readonly offset: Affine;
      readonly strides: readonly Dim[];
      /** Number of loops inside which the contents stand still: outside them they may not have been written yet. */
      readonly depth: number;
    }
  /** The one element that matters here is in a variable. */
  | { readonly kind: "variable"; readonly expr: Expr; readonly depth: number }
  /** Element [i…] is element [prefix…, i…] of a value of the region outside. */
  | {
      readonly kind: "outer";
      readonly region: Region;
      readonly node: NodeId;
      readonly prefix: readonly Affine[];
    }
  /** An int known as an index: the number of this step. */
  | { readonly kind: "index"; readonly value: Affine };

export class Region {
  readonly graph: Graph;
  /** Told apart in the names of cached values. */
  readonly id: number;
  /** Number of loops around it. */
  readonly base: number;
  /** Whether loops over time may share their loop over sequences: what one hands to the next then stays in the cache. */
  readonly bySequence: boolean;
  readonly locations = new Map<NodeId, Location>();
  /** Results of loops that are stored as views of them. */
  readonly shown = new Map<NodeId, Shown>();
  /** Number of nodes that read each node. */
  readonly uses: ReadonlyMap<NodeId, number>;

  constructor(
    graph: Graph,
    id: number,
    base: number,
    uses: ReadonlyMap<NodeId, number>,
    bySequence: boolean,
  ) {
    this.graph = graph;
    this.id = id;
    this.base = base;
    this.uses = uses;
    this.bySequence = bySequence;
  }
  node(id: NodeId): Node {
    return bodyNode(this.graph, id);
  }
}
