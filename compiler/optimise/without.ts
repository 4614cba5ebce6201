/** Operations done for one index of some of their axes: the same operations on values that lack those axes. */
import type { GraphBuilder } from "../graph/builder.ts";
import type { Node, NodeId } from "../graph/ir.ts";

/** A value without some of its axes, and which those were. */
export interface Part {
  readonly id: NodeId;
  readonly gone: readonly number[];
}

/** The number that an axis has when those in `gone` are no more. */
const moved = (axis: number, gone: readonly number[]): number =>
  axis - gone.filter((g) => g < axis).length;

const left = <T>(list: readonly T[], gone: readonly number[]): T[] =>
  list.filter((_, i) => !gone.includes(i));

/**
 * The node without the axes `gone` of its result, made of parts of its operands that lack the same axes (or, where an
 * operand never had them, of the operand itself). Null if the operation runs along one of the axes.
 */
export function withoutAxes(
  builder: GraphBuilder,
  node: Node,
  gone: readonly number[],
  part: (operand: NodeId) => Part,
): NodeId | null {
  const b = builder;
  const shape = left(node.shape, gone);
  switch (node.op) {
    case "unary":
    case "stop": {
      const { id: _, origin: __, ...draft } = node;
      return b.copy({ ...draft, x: part(node.x).id, shape });
    }
    case "binary": {
      const { id: _, origin: __, ...draft } = node;
      return b.copy({ ...draft, a: part(node.a).id, b: part(node.b).id, shape });
    }
    case "select":
      return b.select(part(node.cond).id, part(node.a).id, part(node.b).id);
    case "broadcast": {
      const x = part(node.x);
      const axes = left(node.axes, x.gone).map((a) => moved(a, gone));
      return b.broadcast(x.id, axes, shape);
    }
    case "reduce": {
      const x = part(node.x);
      if (node.axes.some((a) => x.gone.includes(a))) return null;
      return b.reduce(node.fn, x.id, node.axes.map((a) => moved(a, x.gone))); // prettier-ignore
    }
    case "contract": {
      const [x, y] = [part(node.a), part(node.b)];
      const [p, q] = [left(node.aLabels, x.gone), left(node.bLabels, y.gone)];
      return b.contract(x.id, p, y.id, q, left(node.outLabels, gone));
    }
    case "transpose": {
      const x = part(node.x);
      return b.transpose(x.id, left(node.perm, gone).map((p) => moved(p, x.gone))); // prettier-ignore
    }
    case "reshape":
      return b.reshape(part(node.x).id, shape);
    case "slice":
    case "pad":
    case "roll":
    case "reverse":
    case "cumsum": {
      if (gone.includes(node.axis)) return null;
      const { id: _, origin: __, ...draft } = node;
      return b.copy({ ...draft, x: part(node.x).id, axis: moved(node.axis, gone), shape });
    }
    case "concat":
      if (gone.includes(node.axis)) return null;
      return b.concat(node.xs.map((x) => part(x).id), moved(node.axis, gone)); // prettier-ignore
    case "solve": {
      if (gone.some((g) => g >= node.shape.length - 2)) return null;
      const { lower, unit, transpose } = node;
      return b.solve(part(node.matrix).id, part(node.right).id, { lower, unit, transpose });
    }
    default:
      return null;
  }
}
