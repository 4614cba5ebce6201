/** Functions of vectors that a step has taken apart, found again by what they are made of. */
import type { Node, NodeId } from "../../graph/ir.ts";

export interface Pattern {
  readonly name: string;
  readonly of: NodeId;
}

type At = (id: NodeId) => Node;

/** Without what only repeats, or stops gradients. */
function bare(at: At, id: NodeId): Node {
  const x = at(id);
  return x.op === "broadcast" || x.op === "stop" || x.op === "reshape" ? bare(at, x.x) : x;
}

/** exp(x − max x) / Σ exp(x − max x) */
function softmax(at: At, node: Node): NodeId | null {
  if (node.op !== "binary" || node.fn !== "div") return null;
  const [over, under] = [bare(at, node.a), bare(at, node.b)];
  if (over.op !== "unary" || over.fn !== "exp") return null;
  if (under.op !== "reduce" || under.fn !== "sum" || under.x !== over.id) return null;
  const shifted = bare(at, over.x);
  if (shifted.op !== "binary" || shifted.fn !== "sub") return null;
  const top = bare(at, shifted.b);
  return top.op === "reduce" && top.fn === "max" && top.x === shifted.a ? shifted.a : null;
}

/** What a mean is taken of: a sum times or over a number. */
function averaged(at: At, id: NodeId): NodeId | null {
  const node = bare(at, id);
  if (node.op !== "binary" || (node.fn !== "mul" && node.fn !== "div")) return null;
  const [a, b] = [bare(at, node.a), bare(at, node.b)];
  const [number, sum] = a.op === "constant" && node.fn === "mul" ? [a, b] : [b, a];
  return number.op === "constant" && sum.op === "reduce" && sum.fn === "sum" ? sum.x : null;
}

/** (x − mean x) · rsqrt(mean (x − mean x)² + ε) */
function standardised(at: At, node: Node): NodeId | null {
  if (node.op !== "binary" || node.fn !== "mul") return null;
  const [first, second] = [bare(at, node.a), bare(at, node.b)];
  const [centred, scale] = first.op === "unary" ? [second, first] : [first, second];
  if (centred.op !== "binary" || centred.fn !== "sub") return null;
  if (averaged(at, centred.b) !== centred.a) return null;
  if (scale.op !== "unary" || scale.fn !== "rsqrt") return null;
  const inside = bare(at, scale.x);
  if (inside.op !== "binary" || inside.fn !== "add") return null;
  const square = averaged(at, inside.a) ?? averaged(at, inside.b);
  const squared = square === null ? null : at(square);
  const isSquare = squared?.op === "binary" && squared.fn === "mul" && squared.a === squared.b && squared.a === centred.id; // prettier-ignore
  return isSquare ? centred.a : null;
}

export function patternOf(at: At, node: Node): Pattern | null {
  const soft = softmax(at, node);
  if (soft !== null) return { name: "softmax", of: soft };
  const plain = standardised(at, node);
  return plain === null ? null : { name: "norm", of: plain };
}
