/** Which reads are asked for, and in which order they can be answered. */
import type { NodeId } from "../../graph/index.ts";
import { reachable } from "../../graph/rebuild.ts";
import type { NormalForm } from "../analyse/index.ts";

/** By node: the reads whose values its key needs. Reads from both sides. */
function needs(forms: readonly NormalForm[]): Map<NodeId, readonly NodeId[]> {
  const all = forms.flatMap((f) => [...f.reads, ...f.crossReads]);
  const { graph } = forms[0]!;
  const nodes = new Set(all.map((r) => r.node));
  const used = (key: NodeId) => reachable(graph, [key]).flatMap(({ id }) => (nodes.has(id) ? [id] : [])); // prettier-ignore
  return new Map(all.map((r) => [r.node, used(r.key)]));
}

/**
 * The reads that some nodes depend on, directly or by way of other reads' keys: keys of a level contain values of earlier
 * levels only. The forms, of several states of one step, share a graph.
 */
export function readLevels(
  forms: readonly NormalForm[],
  roots: Iterable<NodeId>,
): ReadonlySet<NodeId>[] {
  const found = needs(forms);
  const levelOf = new Map<NodeId, number>();
  const level = (read: NodeId): number => {
    let own = levelOf.get(read);
    if (own === undefined) {
      own = Math.max(-1, ...found.get(read)!.map(level)) + 1;
      levelOf.set(read, own);
    }
    return own;
  };
  for (const { id } of reachable(forms[0]!.graph, roots)) if (found.has(id)) level(id);
  const levels: Set<NodeId>[] = [];
  for (const [read, at] of levelOf) (levels[at] ??= new Set()).add(read);
  return levels;
}
