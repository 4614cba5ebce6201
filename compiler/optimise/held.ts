/**
 * What several products of a step read of a sequence that is filled in as it is read (the last chunk of a loop over chunks
 * may not be whole) is copied once for all of them: the copy lies in the nearest cache, and products read it where it lies.
 */
import { constant } from "../dims.ts";
import { algebra } from "../graph/index.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Binding, Graph, NodeId, Recurrence } from "../graph/ir.ts";
import { isProduct, seenThrough } from "../graph/products.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { rebuild } from "../graph/rebuild.ts";
import { bodyNode, operands } from "../graph/shapes.ts";
import { withBody } from "./loops.ts";

/** The value of which a view only has axes of length one more or less, behind the batch and the steps; else itself. */
function bare(graph: Graph, id: NodeId): NodeId {
  const node = bodyNode(graph, id);
  if (node.op !== "reshape") return id;
  const long = (x: NodeId): string =>
    bodyNode(graph, x)
      .shape.flatMap((d, i) => (i < 2 || constant(d) !== 1 ? [d.key] : []))
      .join();
  return long(id) === long(node.x) ? bare(graph, node.x) : id;
}

/** Inputs of a body that show the same value. */
type Group = readonly NodeId[];

/** The inputs of a body that are worth a copy, those that one copy serves together. */
function wanted(outer: Graph, { body, bindings }: Recurrence): Group[] {
  const groups = new Map<NodeId, NodeId[]>();
  for (const b of bindings) {
    if (b.kind !== "sequence" || bodyNode(outer, seenThrough(outer, b.value)).op !== "pad")
      continue;
    const value = bare(outer, b.value);
    groups.set(value, [...(groups.get(value) ?? []), b.input]);
  }
  const counts = new Map<NodeId, number>();
  for (const node of body.nodes) {
    if (node.op !== "contract" || !isProduct(body, node)) continue;
    for (const x of new Set(operands(node).map((y) => seenThrough(body, y)))) {
      counts.set(x, (counts.get(x) ?? 0) + 1);
    }
  }
  const total = (group: Group): number => group.reduce((n, x) => n + (counts.get(x) ?? 0), 0);
  return [...groups.values()].filter((group) => total(group) > 1);
}

/** The recurrence with copies of some inputs in the place of these. */
function withCopies(r: Recurrence, groups: readonly Group[]): Recurrence {
  const builder = new GraphBuilder(r.body.name);
  const own = new Map<NodeId, NodeId>();
  const copies = new Map<Group, NodeId>();
  const groupOf = new Map(groups.flatMap((group) => group.map((id) => [id, group] as const)));
  const to = rebuild(r.body, builder, (node) => {
    const group = groupOf.get(node.id);
    if (group === undefined || node.op !== "input") return null;
    const known = copies.get(group);
    if (known !== undefined) return algebra.reshape(builder, known, node.shape);
    const input = builder.input(node.name, node.shape, node.dtype);
    own.set(node.id, input);
    const copy = builder.unary("to_float", input);
    copies.set(group, copy);
    return copy;
  });
  const bindings = r.bindings.flatMap((b): Binding[] => {
    if (groupOf.has(b.input) && !own.has(b.input)) return [];
    return [{ ...b, input: own.get(b.input) ?? to(b.input) }];
  });
  return { ...withBody(r, builder.finish(), to), bindings };
}

/** The program with such copies in its loops. Same ports, same values. */
export function holdInputs(program: SequenceProgram): SequenceProgram {
  const { graph } = program;
  const nodes = graph.nodes.map((node) => {
    if (node.op !== "recurrence") return node;
    const groups = wanted(graph, node.recurrence);
    if (groups.length === 0) return node;
    return { ...node, recurrence: withCopies(node.recurrence, groups) };
  });
  return { ...program, graph: { ...graph, nodes } };
}
