/** Expressions as text, with the parentheses that their binding needs and no more. */
import { unreachable } from "../diagnostics/diagnostic.ts";
import type { Argument, DimExpr, Expr, ShapeExpr } from "./ast.ts";
import { binaryBinding, binding, unaryBinding } from "./operators.ts";

export const WIDTH = 100;
export const INDENT = "  ";

/** What follows `learned` and would be read as going on with a signal of that name, or as the next statement. */
const misread = /^(?:[-[]|(?:over|weight|const|slow|fast|program)\b)/u;

/** The pieces of an expression with items in brackets: `open`, the items, `close`. */
interface Enclosed {
  readonly open: string;
  readonly items: readonly ((indent: string) => string)[];
  readonly close: string;
  readonly trailingComma: boolean;
}

/** On one line, whatever its length. `least` is the binding that the place around it needs. */
export function flat(e: Expr, least = 0): string {
  return bindingOf(e) < least ? `(${bare(e)})` : bare(e);
}

/** Broken over lines if it does not fit behind `column`; further lines are indented from `indent`. */
export function layout(e: Expr, indent: string, column: number, least = 0): string {
  const line = flat(e, least);
  if (column + line.length <= WIDTH) return line;
  if (bindingOf(e) < least) {
    const inner = indent + INDENT;
    return `(\n${inner}${layout(e, inner, inner.length)}\n${indent})`;
  }
  const enclosed = enclosedOf(e);
  if (enclosed !== null && enclosed.items.length > 0) return broken(enclosed, indent);
  switch (e.kind) {
    case "binary": {
      const [left, right] = sides(e.operator);
      const first = layout(e.left, indent, column, left);
      const inner = indent + INDENT;
      const lead = `${inner}${e.operator} `;
      return `${first}\n${lead}${layout(e.right, inner, lead.length, tolerant(e.right, e.operator, right))}`;
    }
    case "unary": {
      const lead = prefixText(e.operator);
      return lead + layout(e.operand, indent, column + lead.length, operandBinding(e.operator));
    }
    case "if": {
      const inner = indent + INDENT;
      const part = (word: string, value: Expr, least: number): string =>
        `${inner}${word} ${layout(value, inner, inner.length + word.length + 1, least)}`;
      const condition = layout(e.condition, indent, column + 3, 1);
      return `if ${condition}\n${part("then", e.then, 1)}\n${part("else", e.otherwise, 0)}`;
    }
    case "for": {
      const inner = indent + INDENT;
      const head = `for ${e.variable.text} in ${flat(e.range, binding.range)}:`;
      return `${head}\n${inner}${layout(e.body, inner, inner.length)}`;
    }
    case "learned": {
      const init = flat(e.init);
      return misread.test(init) ? line : `learned ${layout(e.init, indent, column + 8)}`;
    }
    default:
      return line;
  }
}

function broken({ open, items, close, trailingComma }: Enclosed, indent: string): string {
  const inner = indent + INDENT;
  const lines = items.map((item) => inner + item(inner)).join(",\n");
  return `${open}\n${lines}${trailingComma ? "," : ""}\n${indent}${close}`;
}

function enclosedOf(e: Expr): Enclosed | null {
  switch (e.kind) {
    case "call":
      return {
        open: `${callee(e.callee)}(`,
        items: e.args.map((arg) => (indent: string) => {
          const lead = arg.name === null ? "" : `${arg.name.text}: `;
          return lead + layout(arg.value, indent, indent.length + lead.length + 1);
        }),
        close: ")",
        trailingComma: true,
      };
    case "list":
      return { open: "[", items: e.items.map(at), close: "]", trailingComma: true };
    case "tuple":
      return { open: "(", items: e.items.map(at), close: ")", trailingComma: true };
    case "einsum": {
      const result = `-> [${e.result.map((name) => name.text).join(", ")}]`;
      const operands = e.operands.map(
        (operand, i) => () =>
          operandText(operand) + (i === e.operands.length - 1 ? ` ${result}` : ""),
      );
      return { open: "einsum(", items: operands, close: ")", trailingComma: false };
    }
    default:
      return null;
  }
}

function at(value: Expr): (indent: string) => string {
  return (indent) => layout(value, indent, indent.length + 1);
}

function bindingOf(e: Expr): number {
  switch (e.kind) {
    case "binary":
      return binaryBinding[e.operator];
    case "unary":
      return unaryBinding[e.operator];
    case "range":
      return binding.range;
    case "if":
    case "for":
    case "learned":
      return 0;
    default:
      return binding.postfix;
  }
}

/** What the sides of a binary operator need. */
function sides(operator: keyof typeof binaryBinding): [left: number, right: number] {
  const own = binaryBinding[operator];
  if (own === binding.power) return [own + 1, own];
  return [own === binding.comparison ? own + 1 : own, own + 1];
}

/** `2 ^ -n` reads without parentheses although `-` binds less tightly than `^`. */
function tolerant(right: Expr, operator: string, least: number): number {
  return operator === "^" && right.kind === "unary" && right.operator === "-" ? 0 : least;
}

function operandBinding(operator: "-" | "not"): number {
  return operator === "-" ? binding.power : binding.not;
}

function prefixText(operator: "-" | "not"): string {
  return operator === "-" ? "-" : "not ";
}

function bare(e: Expr): string {
  switch (e.kind) {
    case "number":
      return e.text;
    case "string":
      return quote(e.value);
    case "bool":
      return String(e.value);
    case "reference":
      // Alone it is a name, but before most things it would be read as the prefix.
      return e.name === "learned" ? "(learned)" : e.name;
    case "member":
      return `${flat(e.object, binding.postfix)}.${e.member.text}`;
    case "call":
      return `${callee(e.callee)}(${e.args.map(argument).join(", ")})`;
    case "index":
      return `${flat(e.object, binding.postfix)}[${list(e.indices)}]`;
    case "unary":
      return prefixText(e.operator) + flat(e.operand, operandBinding(e.operator));
    case "binary": {
      const [left, right] = sides(e.operator);
      const second = flat(e.right, tolerant(e.right, e.operator, right));
      return `${flat(e.left, left)} ${e.operator} ${second}`;
    }
    case "if": {
      const branches = `then ${flat(e.then, 1)} else ${flat(e.otherwise)}`;
      return `if ${flat(e.condition, 1)} ${branches}`;
    }
    case "list":
      return `[${list(e.items)}]`;
    case "tuple":
      return `(${list(e.items)})`;
    case "range":
      return `${flat(e.from, binding.sum)}..${flat(e.to, binding.sum)}`;
    case "for":
      return `for ${e.variable.text} in ${flat(e.range, binding.range)}: ${flat(e.body)}`;
    case "einsum": {
      const result = e.result.map((name) => name.text).join(", ");
      return `einsum(${e.operands.map(operandText).join(", ")} -> [${result}])`;
    }
    case "learned": {
      const init = flat(e.init);
      return misread.test(init) ? `learned (${init})` : `learned ${init}`;
    }
    case "shape-literal":
      return dims(e.dims);
    case "error":
      return "/* missing */";
    default:
      return unreachable(e);
  }
}

function list(items: readonly Expr[]): string {
  return items.map((item) => flat(item)).join(", ");
}

function callee(e: Expr): string {
  const text = flat(e, binding.postfix);
  return e.kind === "reference" && e.name === "einsum" ? `(${text})` : text;
}

function argument({ name, value }: Argument): string {
  return name === null ? flat(value) : `${name.text}: ${flat(value)}`;
}

function operandText(operand: {
  readonly value: Expr;
  readonly labels: readonly { readonly text: string }[];
}): string {
  const labels = operand.labels.map((label) => label.text).join(", ");
  return `${flat(operand.value, binding.postfix)}[${labels}]`;
}

function dims(items: readonly DimExpr[]): string {
  return `[${items.map(dim).join(", ")}]`;
}

function dim(item: DimExpr): string {
  if (item.kind === "hole") return "_";
  return item.kind === "rest" ? ".." : flat(item);
}

export function shape(e: ShapeExpr): string {
  return dims(e.dims);
}

export function quote(value: string): string {
  const escapes: Readonly<Record<string, string>> = {
    "\n": "\\n",
    "\t": "\\t",
    '"': '\\"',
    "\\": "\\\\",
  };
  return `"${value.replace(/[\n\t"\\]/gu, (c) => escapes[c]!)}"`;
}
