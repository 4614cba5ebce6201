/** The loop language as text to read and to compare. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { BinaryOp, Expr, LoopKernel, LoopType, Statement } from "./ir.ts";

const SIGNS: Readonly<Partial<Record<BinaryOp, string>>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  lt: "<",
  le: "<=",
  eq: "==",
  ne: "!=",
};

const typeText = (t: LoopType): string => (t.lanes === 1 ? t.kind : `${t.kind}x${t.lanes}`);

export function expressionText(e: Expr): string {
  switch (e.op) {
    case "number":
      return e.type.kind === "float" && Number.isInteger(e.value) ? `${e.value}.0` : `${e.value}`;
    case "variable":
      return e.name;
    case "load": {
      const lanes = e.type.lanes === 1 ? "" : `:${e.type.lanes}`;
      return `${e.buffer}[${expressionText(e.index)}${lanes}]`;
    }
    case "unary":
      return `${e.fn}(${expressionText(e.x)})`;
    case "binary": {
      const a = expressionText(e.a);
      const b = expressionText(e.b);
      const sign = SIGNS[e.fn];
      return sign === undefined ? `${e.fn}(${a}, ${b})` : `(${a} ${sign} ${b})`;
    }
    case "select":
      return `select(${[e.condition, e.a, e.b].map(expressionText).join(", ")})`;
    case "splat":
      return `splat${e.type.lanes}(${expressionText(e.x)})`;
    case "ramp":
      return `ramp${e.type.lanes}(${expressionText(e.x)})`;
    case "across":
      return `${e.fn}_across(${expressionText(e.x)})`;
    case "sums":
      return `sums(${e.xs.map(expressionText).join(", ")})`;
    case "shuffle":
      return `shuffle(${expressionText(e.a)}, ${expressionText(e.b)}, ${e.from.join(" ")})`;
    default:
      return unreachable(e);
  }
}

function statementLines(s: Statement): string[] {
  const inside = (body: readonly Statement[]) =>
    body.flatMap(statementLines).map((line) => `  ${line}`);
  switch (s.op) {
    case "comment":
      return [`# ${s.text}`];
    case "define":
      return [
        `${s.mutable ? "var" : "let"} ${s.name}: ${typeText(s.type)} = ${expressionText(s.value)}`,
      ];
    case "assign":
      return [`${s.name} = ${expressionText(s.value)}`];
    case "store":
      return [
        `${s.buffer}[${expressionText(s.index)}] ${s.add ? "+=" : "="} ${expressionText(s.value)}`,
      ];
    case "for": {
      const range = `${expressionText(s.from)}..${expressionText(s.to)}`;
      const marks = [
        s.step === 1 ? "" : ` by ${s.step}`,
        s.down ? " down" : "",
        s.spread === "serial" ? "" : ` ${s.spread}`,
      ];
      return [`for ${s.variable} in ${range}${marks.join("")}`, ...inside(s.body)];
    }
    case "if":
      return [
        `if ${expressionText(s.condition)}`,
        ...inside(s.body),
        ...(s.otherwise.length === 0 ? [] : ["else", ...inside(s.otherwise)]),
      ];
    case "prefetch":
      return [`prefetch ${s.buffer}[${expressionText(s.index)}]`];
    case "barrier":
      return ["barrier"];
    default:
      return unreachable(s);
  }
}

/** One line per statement, blocks by indentation. */
export function kernelText(kernel: LoopKernel): string {
  const buffers = kernel.buffers.map((b) => {
    const length = b.length === null ? "" : `[${b.length}]`;
    return `  ${b.name}: ${b.space} ${b.type}${length} ${b.access}`;
  });
  return [
    `kernel ${kernel.name}(${kernel.sizes.join(", ")})  # ${kernel.title}`,
    ...buffers,
    "do",
    ...kernel.body.flatMap(statementLines).map((line) => `  ${line}`),
    "",
  ].join("\n");
}
