/** Denominators: nodes that are a norm of something, plus at most a number that is not negative. */
import { constant } from "../dims.ts";
import type { Graph, NodeId } from "../graph/ir.ts";
import type { Range } from "./ranges.ts";

/** `sum`: Σ x + ε. `root`: sqrt(scale · Σ x² + ε). */
export interface Normaliser {
  readonly kind: "sum" | "root";
  /** x */
  readonly of: NodeId;
  readonly scale: number;
  /** How many elements are summed over. */
  readonly count: number;
}

type At = (id: NodeId) => Range;

/** Through nodes that only lay out the same numbers. */
export function plainOf(graph: Graph, id: NodeId): NodeId {
  const node = graph.nodes[id]!;
  const moves = node.op === "broadcast" || node.op === "reshape" || node.op === "stop";
  return moves ? plainOf(graph, node.x) : id;
}

/** Of a sum, be it of numbers or of their squares, plus at most a number that is not negative: what is summed. */
export function sumOf(
  graph: Graph,
  start: NodeId,
  at: At,
): (Normaliser & { readonly squares: boolean }) | null {
  const node = graph.nodes[plainOf(graph, start)]!;
  if (node.op === "binary") {
    const { a, b } = node;
    if (node.fn === "add" && at(b).low >= 0) {
      const left = sumOf(graph, a, at);
      if (left !== null) return left;
    }
    if (node.fn === "add" && at(a).low >= 0) return sumOf(graph, b, at);
    if (node.fn === "max") return sumOf(graph, a, at) ?? sumOf(graph, b, at);
    const factor = node.fn === "mul" ? at(b) : at(b).low > 0 ? { low: 1 / at(b).high, high: 1 / at(b).low } : null; // prettier-ignore
    if ((node.fn === "mul" || node.fn === "div") && factor !== null && factor.low > 0) {
      const inner = sumOf(graph, a, at);
      if (inner !== null) return { ...inner, scale: inner.scale * factor.low };
    }
    return null;
  }
  if (node.op === "contract" && node.a === node.b && node.aLabels.join() === node.bLabels.join()) {
    const shape = graph.nodes[node.a]!.shape;
    const count = node.aLabels.reduce(
      (n, l, i) => (node.outLabels.includes(l) ? n : n * (constant(shape[i]!) ?? Infinity)),
      1,
    );
    return { kind: "root", of: node.a, scale: 1, count, squares: true };
  }
  if (node.op !== "reduce" || node.fn !== "sum") return null;
  const inner = graph.nodes[node.x]!;
  const count = node.axes.reduce((n, i) => n * (constant(inner.shape[i]!) ?? Infinity), 1);
  if (inner.op === "binary") {
    const two = inner.fn === "pow" && at(inner.b).low === 2 && at(inner.b).high === 2;
    if (two || (inner.fn === "mul" && inner.a === inner.b)) {
      return { kind: "root", of: inner.a, scale: 1, count, squares: true };
    }
  }
  return { kind: "sum", of: node.x, scale: 1, count, squares: false };
}

/** Of a value that something is divided by. */
export function normaliserOf(graph: Graph, id: NodeId, at: At): Normaliser | null {
  const start = plainOf(graph, id);
  const node = graph.nodes[start]!;
  if (node.op === "binary" && (node.fn === "add" || node.fn === "max")) {
    // sqrt(…) + ε, max(sqrt(…), ε)
    for (const [x, rest] of [
      [node.a, node.b],
      [node.b, node.a],
    ] as const) {
      const inner = graph.nodes[plainOf(graph, x)]!;
      const kept = node.fn === "max" || at(rest).low >= 0;
      if (inner.op === "unary" && inner.fn === "sqrt" && kept) return normaliserOf(graph, x, at);
    }
  }
  if (node.op === "unary" && node.fn === "sqrt") {
    const found = sumOf(graph, node.x, at);
    return found?.squares === true ? found : null;
  }
  const found = sumOf(graph, start, at);
  return found === null || found.squares ? null : found;
}

/** Of a factor: what it divides by, if it is 1 / x or rsqrt(x). */
export function divisorOf(graph: Graph, id: NodeId, at: At): Normaliser | null {
  const node = graph.nodes[plainOf(graph, id)]!;
  if (node.op === "unary" && node.fn === "reciprocal") return normaliserOf(graph, node.x, at);
  if (node.op === "unary" && node.fn === "rsqrt") {
    const found = sumOf(graph, node.x, at);
    return found?.squares === true ? found : null;
  }
  if (node.op !== "binary" || node.fn !== "div") return null;
  const top = at(node.a);
  return top.low === 1 && top.high === 1 ? normaliserOf(graph, node.b, at) : null;
}
