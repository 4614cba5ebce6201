/** From operands and operators in a row to a tree, by binding strength (see BinaryOperator in ast.ts). */
import type { BinaryOperator, Expr, Span, UnaryOperator } from "./ast.ts";
import { binaryBinding, binding, unaryBinding } from "./operators.ts";

export type InfixOperator = BinaryOperator | ".." | "⊗";
export type Item =
  | { readonly kind: "operand"; readonly value: Expr }
  | { readonly kind: "prefix"; readonly operator: UnaryOperator; readonly span: Span }
  | { readonly kind: "infix"; readonly operator: InfixOperator; readonly span: Span };

/** Called for `a < b < c`. */
export type ReportChain = (operator: InfixOperator, span: Span) => void;

export function infixBinding(operator: InfixOperator): number {
  if (operator === "..") return binding.range;
  if (operator === "⊗") return binding.contraction;
  return binaryBinding[operator];
}

/** Builds the tree of a well-formed row: prefixes and an operand, then infix, prefixes and operand, and so on. */
export function buildTree(items: readonly Item[], reportChain: ReportChain): Expr {
  let next = 0;
  return tree(0);

  function prefixed(): Expr {
    const item = items[next++]!;
    if (item.kind === "operand") return item.value;
    const operator = item.operator as UnaryOperator;
    const operand = tree(unaryBinding[operator]);
    const span = { start: item.span.start, end: operand.span.end };
    return { kind: "unary", operator, operand, span };
  }

  function tree(least: number): Expr {
    let left = prefixed();
    let compared = 0;
    for (;;) {
      const item = items[next];
      if (item?.kind !== "infix") return left;
      const strength = infixBinding(item.operator);
      if (strength < least) return left;
      const unchained = strength === binding.comparison || strength === binding.range;
      if (unchained && compared === strength) reportChain(item.operator, item.span);
      compared = strength;
      next++;
      left = join(item.operator, left, tree(strength === binding.power ? strength : strength + 1));
    }
  }
}

function join(operator: InfixOperator, left: Expr, right: Expr): Expr {
  const span = { start: left.span.start, end: right.span.end };
  if (operator === "..") return { kind: "range", from: left, to: right, span };
  if (operator !== "⊗") return { kind: "binary", operator, left, right, span };
  const callee: Expr = {
    kind: "reference",
    name: "outer",
    span: { start: left.span.end, end: right.span.start },
  };
  const args = [left, right].map((value) => ({ name: null, value, span: value.span }));
  return { kind: "call", callee, args, span };
}
