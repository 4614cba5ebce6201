/**
 * Where matrices are surely zero: triangular masks, tables of decays, and what is multiplied by them. Products leave out
 * blocks and terms that only add such zeros.
 */
import { constant, equal, product, type Dim, type Shape } from "../dims.ts";
import type { Graph, NodeId, ReshapeNode } from "../graph/ir.ts";
import { bodyNode } from "../graph/shapes.ts";

/** Operations looked through: enough for a mask that was multiplied in, little enough to cost nothing. */
const DEPTH = 12;

/** x is zero wherever (index along axis p) − (index along axis q) < band; −Infinity if that is not known of any. */
export function bandOf(graph: Graph, id: NodeId, p: number, q: number, depth = DEPTH): number {
  if (depth === 0) return -Infinity;
  const node = bodyNode(graph, id);
  const at = (x: NodeId, a: number, b: number): number =>
    a < 0 || b < 0 ? -Infinity : bandOf(graph, x, a, b, depth - 1);
  const of = (x: NodeId): number => at(x, p, q);
  switch (node.op) {
    case "constant":
      return node.value === 0 ? Infinity : -Infinity;
    case "unary":
      return node.fn === "neg" || node.fn === "to_float" ? of(node.x) : -Infinity;
    case "stop":
      return of(node.x);
    case "select": {
      const masked = constantOf(graph, node.b) === 0 ? of(node.cond) : -Infinity;
      return Math.max(masked, Math.min(of(node.a), of(node.b)));
    }
    case "binary":
      switch (node.fn) {
        case "mul":
        case "and":
          return Math.max(of(node.a), of(node.b));
        case "add":
        case "sub":
        case "or":
          return Math.min(of(node.a), of(node.b));
        case "lt":
        case "le":
        case "eq":
          return bandOfComparison(graph, node.fn, node.a, node.b, p, q);
        default:
          return -Infinity;
      }
    case "broadcast": {
      if (constantOf(graph, node.x) === 0) return Infinity;
      return at(node.x, node.axes.indexOf(p), node.axes.indexOf(q));
    }
    case "transpose":
      return at(node.x, node.perm[p]!, node.perm[q]!);
    case "slice": {
      const start = constant(node.start);
      if (start === undefined) return -Infinity;
      return of(node.x) - (node.axis === p ? start : 0) + (node.axis === q ? start : 0);
    }
    case "reshape":
      return at(node.x, sameAxis(graph, node, p), sameAxis(graph, node, q));
    case "contract": {
      const [left, right] = [node.outLabels[p]!, node.outLabels[q]!];
      const through = (x: NodeId, labels: readonly number[]): number =>
        at(x, labels.indexOf(left), labels.indexOf(right));
      return Math.max(through(node.a, node.aLabels), through(node.b, node.bLabels));
    }
    case "solve": {
      // Rows of the solution follow from rows before them only.
      const rank = node.shape.length;
      const forward = node.lower !== node.transpose;
      return forward && p === rank - 2 && q === rank - 1 ? of(node.right) : -Infinity;
    }
    default:
      return -Infinity;
  }
}

function constantOf(graph: Graph, id: NodeId): number | null {
  const node = bodyNode(graph, id);
  if (node.op === "broadcast") return constantOf(graph, node.x);
  return node.op === "constant" ? node.value : null;
}

/** The axis along which a value counts, and where it starts: a number line laid along one axis. */
function countOf(graph: Graph, id: NodeId): { axis: number; start: number } | null {
  const node = bodyNode(graph, id);
  switch (node.op) {
    case "iota":
      return { axis: 0, start: 0 };
    case "broadcast": {
      const inner = countOf(graph, node.x);
      return inner && { ...inner, axis: node.axes[inner.axis]! };
    }
    case "transpose": {
      const inner = countOf(graph, node.x);
      return inner && { ...inner, axis: node.perm.indexOf(inner.axis) };
    }
    case "binary": {
      if (node.fn !== "add" && node.fn !== "sub") return null;
      const [a, by] = [countOf(graph, node.a), constantOf(graph, node.b)];
      if (a !== null && by !== null) {
        return { ...a, start: a.start + (node.fn === "add" ? by : -by) };
      }
      const [shift, b] = [constantOf(graph, node.a), countOf(graph, node.b)];
      return node.fn === "add" && b !== null && shift !== null
        ? { ...b, start: b.start + shift }
        : null;
    }
    default:
      return null;
  }
}

/** Of a mask `a fn b`. */
function bandOfComparison(
  graph: Graph,
  fn: "lt" | "le" | "eq",
  a: NodeId,
  b: NodeId,
  p: number,
  q: number,
): number {
  const [x, y] = [countOf(graph, a), countOf(graph, b)];
  if (x === null || y === null) return -Infinity;
  // q + x.start < p + y.start, that is p − q > x.start − y.start.
  const least = x.start - y.start + (fn === "lt" ? 1 : 0);
  if (x.axis === q && y.axis === p) return least;
  return fn === "eq" && x.axis === p && y.axis === q ? 0 - least : -Infinity;
}

/** The axis that an axis of a reshape was before: as long, with as many elements after it; −1 if there is none. */
function sameAxis(graph: Graph, node: ReshapeNode, axis: number): number {
  const from = bodyNode(graph, node.x).shape;
  const [length, rest] = [node.shape[axis]!, elementsAfter(node.shape, axis)];
  return from.findIndex((d, i) => equal(d, length) && equal(elementsAfter(from, i), rest));
}
const elementsAfter = (shape: Shape, axis: number): Dim => product(shape.slice(axis + 1));
