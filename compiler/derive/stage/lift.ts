/**
 * One rule per operation: the same computation for all sequences and time steps at once. The axes of the step's value
 * move behind the leading ones, operands that lack an axis which another has are repeated along it.
 */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import { subtract, type Dim } from "../../dims.ts";
import type { GraphBuilder } from "../../graph/builder.ts";
import type {
  AppendNode,
  ContractNode,
  GatherNode,
  Node,
  NodeId,
  ScatterNode,
} from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";
import { depth, join, leading, widen, type Lifted, type Variant } from "./variant.ts";

/** What an operand has become. */
export type Lookup = (id: NodeId) => Lifted;

/** Labels of the leading axes in a contraction: above any that the step uses. */
const BATCH_LABEL = 1 << 20;
const TIME_LABEL = BATCH_LABEL + 1;

const leadingLabels = (variant: Variant): number[] => [
  ...(variant.batch ? [BATCH_LABEL] : []),
  ...(variant.time ? [TIME_LABEL] : []),
];

function contract(builder: GraphBuilder, node: ContractNode, at: Lookup): NodeId {
  const [a, b] = [at(node.a), at(node.b)];
  return builder.contract(
    a.node,
    [...leadingLabels(a), ...node.aLabels],
    b.node,
    [...leadingLabels(b), ...node.bLabels],
    [...leadingLabels(join([a, b])), ...node.outLabels],
  );
}

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

/** One row per element of `index`, 1 at the place it names: `[i…]` → `[i…, rows]`. */
function oneHot(builder: GraphBuilder, index: NodeId, rows: Dim): NodeId {
  return builder.place(index, builder.fill(1, builder.shape(index)), rows);
}

/** Rows of one table for all; of tables that differ, as products with rows of an identity. */
function gather(builder: GraphBuilder, node: GatherNode, at: Lookup): NodeId {
  const [table, index] = [at(node.table), at(node.index)];
  if (depth(table) === 0) return builder.gather(table.node, index.node);
  const [rows, ...row] = builder.shape(table.node).slice(depth(table));
  const picked = builder.shape(index.node).length - depth(index);
  const [i, n, r] = [range(0, picked), picked, range(picked + 1, row.length)];
  return builder.contract(
    oneHot(builder, index.node, rows!),
    [...leadingLabels(index), ...i, n],
    table.node,
    [...leadingLabels(table), n, ...r],
    [...leadingLabels(join([table, index])), ...i, ...r],
  );
}

function scatter(builder: GraphBuilder, node: ScatterNode, at: Lookup): NodeId {
  const [index, updates] = [at(node.index), at(node.updates)];
  const rows = node.shape[0]!;
  if (depth(index) + depth(updates) === 0) {
    return builder.scatter(index.node, updates.node, rows);
  }
  const picked = builder.shape(index.node).length - depth(index);
  const [i, n, r] = [range(0, picked), picked, range(picked + 1, node.shape.length - 1)];
  return builder.contract(
    oneHot(builder, index.node, rows),
    [...leadingLabels(index), ...i, n],
    updates.node,
    [...leadingLabels(updates), ...i, ...r],
    [...leadingLabels(join([index, updates])), n, ...r],
  );
}

function append(builder: GraphBuilder, node: AppendNode, at: Lookup): NodeId {
  const [x, row, place] = [at(node.x), at(node.row), at(node.at)];
  const variant = join([x, row, place]);
  const skip = depth(variant);
  if (skip === 0) return builder.append(x.node, row.node, place.node);
  const shape = [...leading(variant), ...node.shape];
  const lead = range(0, skip);
  const number = builder.broadcast(builder.iota(node.shape[0]!, "int"), [skip], shape);
  const wanted = builder.broadcast(widen(builder, place, variant), lead, shape);
  const rest = range(skip + 1, node.shape.length - 1);
  return builder.select(
    builder.binary("eq", number, wanted),
    builder.broadcast(widen(builder, row, variant), [...lead, ...rest], shape),
    widen(builder, x, variant),
  );
}

/** Whether `lift` can express a node; a draw that a time-dependent seed fixes needs a loop. */
export const isLiftable = (node: Node, varies: (id: NodeId) => boolean): boolean =>
  node.op !== "random" || !varies(node.seed);

/** The node for all sequences and steps. Inputs are not its business, nor are recurrences: a step has none. */
export function lift(builder: GraphBuilder, node: Node, at: Lookup): Lifted {
  const variant = join(operands(node).map(at));
  return { ...variant, node: lifted(builder, node, at, variant) };
}

function lifted(builder: GraphBuilder, node: Node, at: Lookup, variant: Variant): NodeId {
  const skip = depth(variant);
  const shape = [...leading(variant), ...node.shape];
  const wide = (id: NodeId): NodeId => widen(builder, at(id), variant);
  const past = (axes: readonly number[]): number[] => axes.map((a) => a + skip);
  const lead = range(0, skip);
  switch (node.op) {
    case "constant":
      return builder.constant(node.value, node.dtype);
    case "size":
      return builder.size(node.value);
    case "iota":
      return builder.iota(node.shape[0]!, node.dtype);
    case "random":
      return builder.random(node.distribution, at(node.seed).node, node.stream, node.shape);
    case "unary":
      return builder.unary(node.fn, wide(node.x));
    case "binary":
      return builder.binary(node.fn, wide(node.a), wide(node.b));
    case "select":
      return builder.select(wide(node.cond), wide(node.a), wide(node.b));
    case "broadcast":
      return builder.broadcast(wide(node.x), [...lead, ...past(node.axes)], shape);
    case "reduce":
      return builder.reduce(node.fn, wide(node.x), past(node.axes));
    case "contract":
      return contract(builder, node, at);
    case "transpose":
      return builder.transpose(wide(node.x), [...lead, ...past(node.perm)]);
    case "reshape":
      return builder.reshape(wide(node.x), shape);
    case "slice":
      return builder.slice(wide(node.x), node.axis + skip, node.start, node.shape[node.axis]!);
    case "pad": {
      const [x, axis] = [wide(node.x), node.axis + skip];
      const after = subtract(subtract(shape[axis]!, node.before), builder.shape(x)[axis]!);
      return builder.pad(x, axis, node.before, after);
    }
    case "concat":
      return builder.concat(node.xs.map(wide), node.axis + skip);
    case "roll":
      return builder.roll(wide(node.x), node.axis + skip, node.shift);
    case "reverse":
      return builder.reverse(wide(node.x), node.axis + skip);
    case "cumsum":
      return builder.cumsum(wide(node.x), node.axis + skip, node);
    case "gather":
      return gather(builder, node, at);
    case "scatter":
      return scatter(builder, node, at);
    case "pick":
      return builder.pick(wide(node.x), wide(node.index));
    case "place":
      return builder.place(wide(node.index), wide(node.value), node.shape[node.shape.length - 1]!);
    case "solve":
      return builder.solve(wide(node.matrix), wide(node.right), node);
    case "append":
      return append(builder, node, at);
    case "stop":
      return builder.stop(wide(node.x));
    case "input":
    case "recurrence":
    case "result":
      throw new InternalError(`a ${node.op} cannot be lifted`);
    default:
      return unreachable(node);
  }
}
