/** How tightly operators bind, for the parser and the printer. */
import type { BinaryOperator, UnaryOperator } from "./ast.ts";

export const binding = {
  or: 1,
  and: 2,
  not: 3,
  comparison: 4,
  range: 5,
  sum: 6,
  product: 7,
  contraction: 8,
  negation: 9,
  power: 10,
  postfix: 11,
} as const;

export const binaryBinding: Readonly<Record<BinaryOperator, number>> = {
  or: binding.or,
  and: binding.and,
  "==": binding.comparison,
  "!=": binding.comparison,
  "<": binding.comparison,
  "<=": binding.comparison,
  ">": binding.comparison,
  ">=": binding.comparison,
  in: binding.comparison,
  "+": binding.sum,
  "-": binding.sum,
  "*": binding.product,
  "/": binding.product,
  "@": binding.contraction,
  "^": binding.power,
};

export const unaryBinding: Readonly<Record<UnaryOperator, number>> = {
  not: binding.not,
  "-": binding.negation,
};
