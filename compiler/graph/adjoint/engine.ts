/**
 * Reverse mode within one graph that is being built: cotangents flow from the seeds to what is asked for, and the nodes
 * that compute them are appended. They are ordinary nodes, so a gradient can be differentiated again.
 */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import { gradientOrigin } from "../names.ts";
import type { Dim } from "../../dims.ts";
import { dim, equal, TIME } from "../../dims.ts";
import * as algebra from "../algebra/index.ts";
import type { GraphBuilder } from "../builder.ts";
import type { NodeId, RecurrenceNode } from "../ir.ts";
import { operands } from "../shapes.ts";
import { blocksGradient, contributions, type Contribution } from "./rules.ts";

export interface Seed {
  readonly node: NodeId;
  readonly cotangent: NodeId;
}

export interface AdjointOptions {
  /**
   * Steps between the states that a forward recurrence keeps for its adjoint: 16 by default, 1 in a loop over something
   * longer than single steps.
   */
  readonly every?: Dim;
}

export interface RecurrenceAdjoint {
  (
    builder: GraphBuilder,
    node: RecurrenceNode,
    cotangents: ReadonlyMap<number, NodeId>,
    wants: (id: NodeId) => boolean,
    every: Dim,
  ): Contribution[];
}

/** Nodes up to `last` that depend differentiably on one of `wrt`. */
function dependents(b: GraphBuilder, wrt: readonly NodeId[], last: number): Set<NodeId> {
  const found = new Set(wrt);
  for (let id = 0; id <= last; id++) {
    const node = b.nodes[id]!;
    if (blocksGradient(node)) continue;
    const reads =
      node.op === "select" ? [node.a, node.b] : operands(node); /* a condition passes nothing */
    if (reads.some((x) => found.has(x))) found.add(node.id);
  }
  return found;
}

/**
 * Cotangents of `wrt`, each null where it is zero because nothing leads there. `recurrence` is the rule for recurrences,
 * given from outside because it differentiates their bodies with this function.
 */
export function cotangents(
  builder: GraphBuilder,
  seeds: readonly Seed[],
  wrt: readonly NodeId[],
  recurrence: RecurrenceAdjoint,
  options: AdjointOptions = {},
): (NodeId | null)[] {
  const last = Math.max(-1, ...seeds.map((s) => s.node));
  const depends = dependents(builder, wrt, last);
  const wants = (id: NodeId) => depends.has(id) && builder.node(id).dtype === "float";
  const found = new Map<NodeId, NodeId>();
  /** Of each recurrence, the cotangents of its outputs. */
  const results = new Map<NodeId, Map<number, NodeId>>();

  const accumulate = (id: NodeId, value: NodeId) => {
    if (!wants(id) || algebra.isFill(builder, value, 0)) return;
    const old = found.get(id);
    found.set(id, old === undefined ? value : algebra.add(builder, old, value));
  };
  for (const { node, cotangent } of seeds) accumulate(node, cotangent);

  const before = builder.origin;
  for (let id = last; id >= 0; id--) {
    const node = builder.nodes[id]!;
    builder.origin = gradientOrigin(node.origin);
    if (node.op === "recurrence") {
      const given = results.get(node.id);
      if (given === undefined) continue;
      const stride = equal(node.recurrence.time, TIME) ? 16 : 1;
      const every = options.every ?? dim(stride);
      for (const [x, value] of recurrence(builder, node, given, wants, every)) {
        accumulate(x, value);
      }
      continue;
    }
    const value = found.get(node.id);
    if (value === undefined || blocksGradient(node)) continue;
    if (node.op === "result") {
      const of = results.get(node.of) ?? new Map<number, NodeId>();
      if (of.has(node.index)) throw new InternalError(`result ${node.index} appears twice`);
      results.set(node.of, of.set(node.index, value));
      continue;
    }
    for (const [x, part] of contributions(builder, node, value, wants)) accumulate(x, part);
  }
  builder.origin = before;
  return wrt.map((id) => found.get(id) ?? null);
}
