/**
 * What several products of a step read of a sequence that is filled in as it is read (the last chunk of a loop over chunks
 * may not be whole) is copied once for all of them: the copy lies in the nearest cache, and products read it where it lies.
 */
import { GraphBuilder } from "../graph/builder.ts";
import type { Binding, Graph, NodeId, Recurrence } from "../graph/ir.ts";
import { isProduct, isView } from "../graph/products.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { rebuild } from "../graph/rebuild.ts";
import { bodyNode, operands } from "../graph/shapes.ts";

/** The value that a view shows. */
function seen(graph: Graph, id: NodeId): NodeId {
  const node = bodyNode(graph, id);
  const [x] = operands(node);
  return isView(node) && x !== undefined ? seen(graph, x) : id;
}

/** The inputs of a body that are worth a copy. */
function wanted(outer: Graph, { body, bindings }: Recurrence): Set<NodeId> {
  const filled = (b: Binding): boolean =>
    b.kind === "sequence" && bodyNode(outer, seen(outer, b.value)).op === "pad";
  const counts = new Map(bindings.filter(filled).map((b) => [b.input, 0]));
  for (const node of body.nodes) {
    if (node.op !== "contract" || !isProduct(body, node)) continue;
    for (const x of new Set(operands(node).map((y) => seen(body, y)))) {
      const count = counts.get(x);
      if (count !== undefined) counts.set(x, count + 1);
    }
  }
  return new Set([...counts].flatMap(([id, count]) => (count > 1 ? [id] : [])));
}

/** The recurrence with copies of some inputs in the place of these. */
function withCopies(r: Recurrence, inputs: ReadonlySet<NodeId>): Recurrence {
  const builder = new GraphBuilder(r.body.name);
  const own = new Map<NodeId, NodeId>();
  const to = rebuild(r.body, builder, (node) => {
    if (!inputs.has(node.id) || node.op !== "input") return null;
    const input = builder.input(node.name, node.shape, node.dtype);
    own.set(node.id, input);
    return builder.unary("to_float", input);
  });
  return {
    ...r,
    body: builder.finish(),
    carries: r.carries.map((c) => ({ ...c, input: to(c.input), next: to(c.next) })),
    bindings: r.bindings.map((b) => ({ ...b, input: own.get(b.input) ?? to(b.input) })),
    outputs: r.outputs.map((o) => ("node" in o ? { ...o, node: to(o.node) } : o)),
    replay: r.replay && {
      ...r.replay,
      carries: r.replay.carries.map((c) => ({ ...c, target: to(c.target) })),
    },
  };
}

/** The program with such copies in its loops. Same ports, same values. */
export function holdInputs(program: SequenceProgram): SequenceProgram {
  const { graph } = program;
  const nodes = graph.nodes.map((node) => {
    if (node.op !== "recurrence") return node;
    const inputs = wanted(graph, node.recurrence);
    if (inputs.size === 0) return node;
    return { ...node, recurrence: withCopies(node.recurrence, inputs) };
  });
  return { ...program, graph: { ...graph, nodes } };
}
