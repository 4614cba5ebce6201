/** What people call the values of a graph: in text forms, generated code and profiles. */
import type { BinaryFn, Node, Origin } from "./ir.ts";

/** Functions of two numbers that are written between them. */
export const SIGNS: Readonly<Partial<Record<BinaryFn, string>>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  lt: "<",
  le: "<=",
  eq: "==",
  ne: "!=",
};

const WORDS: Readonly<Partial<Record<Node["op"], string>>> = {
  contract: "product",
  select: "choice",
};

const word = (node: Node): string =>
  node.op === "unary" || node.op === "binary" || node.op === "reduce"
    ? node.fn
    : (WORDS[node.op] ?? node.op);

/**
 * The signal, state or weight that a node is (`k`), or of what it is a part and how it is made (`k_exp`); null if the
 * spec has no name for it.
 */
export function specName(node: Node): string | null {
  const origin = node.origin;
  if (origin?.label == null) return null;
  return origin.part ? `${origin.label}_${word(node)}` : origin.label;
}

/** The same, with a word for what has no name. */
export function valueName(node: Node): string {
  return specName(node) ?? (node.op === "input" ? node.name.replace(/^[a-z]+:/, "") : word(node));
}

/** `state:prev.y` as `prev(y)`; other roles of inputs disappear. */
export function inputName(name: string): string {
  const bare = name.replace(/^[a-z]+:/u, "");
  const previous = /^(.*\.)?prev\.([^.]+)$/u.exec(bare);
  return previous === null ? bare : `${previous[1] ?? ""}prev(${previous[2]!})`;
}

/** The origin of values computed on the way to a gradient of what has this origin. */
export function gradientOrigin(origin: Origin | null): Origin | null {
  if (origin?.label == null) return origin;
  const label = origin.label.startsWith("d_") ? origin.label : `d_${origin.label}`;
  return { ...origin, label, part: true };
}
