/** The adjoint of every node but recurrences: what a node's cotangent gives to the nodes it reads. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import { dim, product, scale, subtract, type Dim } from "../../dims.ts";
import * as algebra from "../algebra/index.ts";
import type { GraphBuilder } from "../builder.ts";
import type { ContractNode, Node, NodeId, ReduceNode, SolveNode } from "../ir.ts";
import { binaryAdjoint, unaryAdjoint } from "./elementwise.ts";

/** A node that is read, and what is to be added to its cotangent. */
export type Contribution = readonly [NodeId, NodeId];

const without = (n: number, axes: readonly number[]): number[] =>
  Array.from({ length: n }, (_, i) => i).filter((i) => !axes.includes(i));

/** Max and min: the cotangent is shared equally by all elements that attain the extreme. */
function reduceAdjoint(b: GraphBuilder, y: ReduceNode, g: NodeId): NodeId {
  const shape = b.shape(y.x);
  const kept = without(shape.length, y.axes);
  const spread = (x: NodeId) => algebra.broadcast(b, x, kept, shape);
  if (y.fn === "sum") return spread(g);
  const attains = b.binary("eq", y.x, spread(y.id));
  const count = b.sum(attains, y.axes);
  return algebra.mul(b, attains, spread(algebra.div(b, g, count)));
}

/** Cotangent of one operand: the other operand times g, repeated along labels that neither has. */
function contractAdjoint(
  b: GraphBuilder,
  y: ContractNode,
  g: NodeId,
  own: readonly number[],
  other: NodeId,
  otherLabels: readonly number[],
  id: NodeId,
): NodeId {
  const known = own.filter((l) => y.outLabels.includes(l) || otherLabels.includes(l));
  const sum = algebra.contract(b, g, y.outLabels, other, otherLabels, known);
  const axes = known.map((l) => own.indexOf(l));
  return algebra.broadcast(b, sum, axes, b.shape(id));
}

/** The part of a square matrix that a triangular solve reads: 1 there, 0 elsewhere. */
function triangle(b: GraphBuilder, y: SolveNode): NodeId {
  const shape = b.shape(y.matrix);
  const at = (axis: number) => b.broadcast(b.iota(shape[axis]!), [axis], shape);
  const [row, column] = [at(shape.length - 2), at(shape.length - 1)];
  const fn = y.unit ? "lt" : "le";
  return y.lower ? b.binary(fn, column, row) : b.binary(fn, row, column);
}

/** With Z the solution of the transposed system for g: dR = Z, and dM = −Z Xᵀ (or −X Zᵀ) on the triangle. */
function solveAdjoint(
  b: GraphBuilder,
  y: SolveNode,
  g: NodeId,
  wants: (id: NodeId) => boolean,
): Contribution[] {
  const { lower, unit, transpose } = y;
  const z = b.solve(y.matrix, g, { lower, unit, transpose: !transpose });
  const out: Contribution[] = [];
  if (wants(y.right)) out.push([y.right, z]);
  if (wants(y.matrix)) {
    const rank = y.shape.length;
    const lead = Array.from({ length: rank - 2 }, (_, i) => i);
    const [i, j, c] = [rank, rank + 1, rank + 2];
    const [rows, columns] = transpose ? [y.id, z] : [z, y.id];
    const full = b.contract(rows, [...lead, i, c], columns, [...lead, j, c], [...lead, i, j]);
    const masked = algebra.mul(b, full, triangle(b, y));
    out.push([y.matrix, algebra.neg(b, masked)]);
  }
  return out;
}

/** `g` is the cotangent of `y`; only operands that `wants` says yes to need theirs. */
export function contributions(
  b: GraphBuilder,
  y: Node,
  g: NodeId,
  wants: (id: NodeId) => boolean,
): Contribution[] {
  const one = (x: NodeId, cotangent: () => NodeId | null): Contribution[] => {
    const value = wants(x) ? cotangent() : null;
    return value === null ? [] : [[x, value]];
  };
  switch (y.op) {
    case "input":
    case "constant":
    case "size":
    case "iota":
    case "random":
    case "stop":
      return [];
    case "unary":
      return one(y.x, () => unaryAdjoint(b, y, g));
    case "binary":
      return binaryAdjoint(b, y, g, wants);
    case "select": {
      const zero = algebra.filled(b, 0, y.shape);
      return [
        ...one(y.a, () => algebra.select(b, y.cond, g, zero)),
        ...one(y.b, () => algebra.select(b, y.cond, zero, g)),
      ];
    }
    case "broadcast":
      return one(y.x, () => algebra.sum(b, g, without(y.shape.length, y.axes)));
    case "reduce":
      return one(y.x, () => reduceAdjoint(b, y, g));
    case "contract":
      return [
        ...one(y.a, () => contractAdjoint(b, y, g, y.aLabels, y.b, y.bLabels, y.a)),
        ...one(y.b, () => contractAdjoint(b, y, g, y.bLabels, y.a, y.aLabels, y.b)),
      ];
    case "transpose":
      return one(y.x, () => {
        const inverse = y.perm.map((_, i) => y.perm.indexOf(i));
        return algebra.transpose(b, g, inverse);
      });
    case "reshape":
      return one(y.x, () => algebra.reshape(b, g, b.shape(y.x)));
    case "slice":
      return one(y.x, () => {
        const whole = b.shape(y.x)[y.axis]!;
        const after = subtract(subtract(whole, y.start), y.shape[y.axis]!);
        return algebra.pad(b, g, y.axis, y.start, after);
      });
    case "pad":
      return one(y.x, () => algebra.slice(b, g, y.axis, y.before, b.shape(y.x)[y.axis]!));
    case "concat": {
      let start: Dim = dim(0);
      return y.xs.flatMap((x) => {
        const length = b.shape(x)[y.axis]!;
        const from = start;
        start = subtract(start, scale(length, -1));
        return one(x, () => algebra.slice(b, g, y.axis, from, length));
      });
    }
    case "roll":
      return one(y.x, () => algebra.roll(b, g, y.axis, scale(y.shift, -1)));
    case "reverse":
      return one(y.x, () => algebra.reverse(b, g, y.axis));
    case "cumsum": {
      const { exclusive, reverse } = y;
      return one(y.x, () => b.cumsum(g, y.axis, { exclusive, reverse: !reverse }));
    }
    case "gather":
      return one(y.table, () => scatterRows(b, y.index, g, b.shape(y.table)[0]!));
    case "scatter":
      return one(y.updates, () => b.gather(g, y.index));
    case "pick":
      return one(y.x, () => b.place(y.index, g, b.shape(y.x).at(-1)!));
    case "place":
      return one(y.value, () => b.pick(g, y.index));
    case "solve":
      return solveAdjoint(b, y, g, wants);
    case "append":
      return [
        ...one(y.x, () => b.append(g, algebra.filled(b, 0, b.shape(y.row)), y.at)),
        ...one(y.row, () => b.gather(g, y.at)),
      ];
    case "recurrence":
    case "result":
      throw new InternalError("recurrences have an adjoint of their own");
    default:
      return unreachable(y);
  }
}

/** The indices flattened to one axis, so that targets see one kind of scatter where rows are many. */
function scatterRows(b: GraphBuilder, index: NodeId, g: NodeId, rows: Dim): NodeId {
  const lead = b.shape(index);
  if (lead.length <= 1) return b.scatter(index, g, rows);
  const count = product(lead);
  const flat = b.reshape(index, [count]);
  return b.scatter(flat, b.reshape(g, [count, ...b.shape(g).slice(lead.length)]), rows);
}

/** Whether a node passes no gradient to anything it reads, whatever its cotangent. */
export function blocksGradient(node: Node): boolean {
  if (node.dtype === "int") return true;
  switch (node.op) {
    case "stop":
    case "random":
      return true;
    case "unary":
      return ["sign", "floor", "ceil", "round", "step", "to_int"].includes(node.fn);
    case "binary":
      return ["lt", "le", "eq", "ne", "and", "or"].includes(node.fn);
    default:
      return false;
  }
}
