/** Visits a syntax tree without knowing its kinds of nodes. */
import type { Span } from "./ast.ts";

/** Anything with a place in the text. Arguments and operands have no `kind`. */
export interface Node {
  readonly kind?: string;
  readonly span: Span;
}

/** The nodes directly below one, in the order of their fields (the order of the text). */
export function children(node: object): Node[] {
  return Object.values(node).flatMap(nodesIn);
}

function nodesIn(value: unknown): Node[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  if (typeof value !== "object" || value === null) return [];
  if ("span" in value && isSpan(value.span)) return [value as Node];
  // Bind targets and baseline assignments group nodes without a place of their own.
  return isSpan(value) ? [] : children(value);
}

function isSpan(value: unknown): value is Span {
  return typeof value === "object" && value !== null && "start" in value && "end" in value;
}

/** Calls `visit` on a node and everything below it, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of children(node)) walk(child, visit);
}
