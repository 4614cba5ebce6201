/** Passes over the loops of a program. */
import { GraphBuilder } from "../graph/builder.ts";
import type { NodeId, Recurrence } from "../graph/ir.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { rebuildProgram } from "../graph/rebuild.ts";
import { mapOperands } from "../graph/shapes.ts";

/**
 * The program with what `make` appends in the place of its loops: for each a list of nodes equal to its results, or null
 * where it stays as it is. `make` is given the loop over nodes of the builder.
 */
export function replaceLoops(
  program: SequenceProgram,
  make: (builder: GraphBuilder, r: Recurrence) => readonly NodeId[] | null,
): SequenceProgram {
  const builder = new GraphBuilder(program.graph.name);
  const results = new Map<NodeId, readonly NodeId[]>();
  return rebuildProgram(program, builder, (node, to) => {
    if (node.op === "result") return results.get(node.of)?.[node.index] ?? null;
    if (node.op !== "recurrence") return null;
    const moved = mapOperands(node, to);
    const made = moved.op === "recurrence" ? make(builder, moved.recurrence) : null;
    if (made === null) return null;
    results.set(node.id, made);
    return made[0] ?? builder.constant(0);
  });
}

/** The recurrence with `to` of the nodes of its body, of which `body` is a copy. */
export function withBody(
  r: Recurrence,
  body: Recurrence["body"],
  to: (id: NodeId) => NodeId,
): Recurrence {
  return {
    ...r,
    body,
    carries: r.carries.map((c) => ({ ...c, input: to(c.input), next: to(c.next) })),
    bindings: r.bindings.map((b) => ({ ...b, input: to(b.input) })),
    outputs: r.outputs.map((o) => ("node" in o ? { ...o, node: to(o.node) } : o)),
    replay: r.replay && {
      ...r.replay,
      carries: r.replay.carries.map((c) => ({ ...c, target: to(c.target) })),
    },
  };
}
