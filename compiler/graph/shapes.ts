/** Shapes of a recurrence's results, and the operands of a node: what every pass over the graph needs. */
import { InternalError, unreachable } from "../../diagnostics/diagnostic.ts";
import { apply, type Shape } from "../dims.ts";
import type { DType, Graph, Node, NodeId, Recurrence, RecurrenceOutput } from "./ir.ts";

export function bodyNode(body: Graph, id: NodeId): Node {
  const found = body.nodes[id];
  if (found === undefined) throw new InternalError(`graph ${body.name} has no node ${id}`);
  return found;
}

/** Shape and type of one output of a recurrence, as the outer graph sees it. */
export function recurrenceOutputShape(
  recurrence: Recurrence,
  output: RecurrenceOutput,
): { shape: Shape; dtype: DType } {
  const { body, batch, time } = recurrence;
  switch (output.kind) {
    case "stack": {
      const node = bodyNode(body, output.node);
      return { shape: [batch, time, ...node.shape], dtype: node.dtype };
    }
    case "sum":
      return { shape: bodyNode(body, output.node).shape, dtype: "float" };
    case "batch-sum":
      return { shape: [batch, ...bodyNode(body, output.node).shape], dtype: "float" };
    case "final":
    case "border": {
      const carry = recurrence.carries[output.carry];
      if (carry === undefined) throw new InternalError(`no carry ${output.carry}`);
      const inner = bodyNode(body, carry.next).shape;
      const lead =
        output.kind === "final" ? [batch] : [batch, apply("ceildiv", time, output.every)];
      return { shape: [...lead, ...inner], dtype: "float" };
    }
    default:
      return unreachable(output);
  }
}

/** The nodes that a node reads, in the node's own graph. */
export function operands(node: Node): readonly NodeId[] {
  switch (node.op) {
    case "input":
    case "constant":
    case "size":
    case "iota":
      return [];
    case "random":
      return [node.seed];
    case "unary":
    case "broadcast":
    case "reduce":
    case "transpose":
    case "reshape":
    case "slice":
    case "pad":
    case "roll":
    case "reverse":
    case "cumsum":
    case "stop":
      return [node.x];
    case "binary":
    case "contract":
      return [node.a, node.b];
    case "select":
      return [node.cond, node.a, node.b];
    case "concat":
      return node.xs;
    case "gather":
      return [node.table, node.index];
    case "scatter":
      return [node.index, node.updates];
    case "pick":
      return [node.x, node.index];
    case "place":
      return [node.index, node.value];
    case "solve":
      return [node.matrix, node.right];
    case "append":
      return [node.x, node.row, node.at];
    case "result":
      return [node.of];
    case "recurrence":
      return recurrenceOperands(node.recurrence);
    default:
      return unreachable(node);
  }
}

function recurrenceOperands(recurrence: Recurrence): NodeId[] {
  const ids: NodeId[] = recurrence.carries.map((c) => c.init);
  for (const binding of recurrence.bindings)
    if (binding.kind !== "position") ids.push(binding.value);
  if (recurrence.replay !== null) {
    for (const b of recurrence.replay.bindings) if (b.kind !== "position") ids.push(b.value);
    for (const c of recurrence.replay.carries) ids.push(c.borders);
  }
  return ids;
}

/** The same node reading other operands. Shapes and everything else stay. */
export function mapOperands(node: Node, to: (id: NodeId) => NodeId): Node {
  switch (node.op) {
    case "input":
    case "constant":
    case "size":
    case "iota":
      return node;
    case "random":
      return { ...node, seed: to(node.seed) };
    case "unary":
    case "broadcast":
    case "reduce":
    case "transpose":
    case "reshape":
    case "slice":
    case "pad":
    case "roll":
    case "reverse":
    case "cumsum":
    case "stop":
      return { ...node, x: to(node.x) };
    case "binary":
    case "contract":
      return { ...node, a: to(node.a), b: to(node.b) };
    case "select":
      return { ...node, cond: to(node.cond), a: to(node.a), b: to(node.b) };
    case "concat":
      return { ...node, xs: node.xs.map(to) };
    case "gather":
      return { ...node, table: to(node.table), index: to(node.index) };
    case "scatter":
      return { ...node, index: to(node.index), updates: to(node.updates) };
    case "pick":
      return { ...node, x: to(node.x), index: to(node.index) };
    case "place":
      return { ...node, index: to(node.index), value: to(node.value) };
    case "solve":
      return { ...node, matrix: to(node.matrix), right: to(node.right) };
    case "append":
      return { ...node, x: to(node.x), row: to(node.row), at: to(node.at) };
    case "result":
      return { ...node, of: to(node.of) };
    case "recurrence": {
      const { recurrence } = node;
      const bind = <B extends { kind: string }>(b: B): B =>
        "value" in b ? { ...b, value: to(b.value as NodeId) } : b;
      const replay = recurrence.replay && {
        ...recurrence.replay,
        bindings: recurrence.replay.bindings.map(bind),
        carries: recurrence.replay.carries.map((c) => ({ ...c, borders: to(c.borders) })),
      };
      return {
        ...node,
        recurrence: {
          ...recurrence,
          carries: recurrence.carries.map((c) => ({ ...c, init: to(c.init) })),
          bindings: recurrence.bindings.map(bind),
          replay,
        },
      };
    }
    default:
      return unreachable(node);
  }
}
