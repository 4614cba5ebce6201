/** Statements of the loop language as JavaScript, laid out to be read: a line each, or as many as a long one takes. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import type { Expr, Statement } from "../../loop/ir.ts";
import { Writer } from "./expressions.ts";
import { block, follow, group, indent, lay, LINE, WIDTH, type Layout } from "./layout.ts";
import { condition, FLAT, LINES, whole, type Shape } from "./paper.ts";

const flat = new Writer(FLAT);
const lines = new Writer(LINES);

/** A statement's line, and how it is laid out where that is too long. */
interface Both {
  readonly text: string;
  readonly layout: () => Layout;
}

const STEP = "  ";

/** Puts out a line, `depth` steps in. Most fit; layouts are only made of those that do not. */
function put({ text, layout }: Both, depth: number, out: string[]): void {
  if (depth * STEP.length + text.length <= WIDTH) out.push(STEP.repeat(depth) + text);
  else lay(layout(), depth, out);
}

/** `target = value` */
const assigned = (target: Layout, sign: string, value: Shape): Layout =>
  value.hangs
    ? group([group(target), ` ${sign}`, group(indent([LINE, whole(value)]))])
    : [group(target), ` ${sign}`, follow(whole(value))];

type For = Extract<Statement, { op: "for" }>;

/** What a loop's variable begins with, and while what it goes on. */
function bounds<T>(writer: Writer<T>, { variable, from, to, step, down }: For): readonly [T, T] {
  if (!down) return [writer.kept(from), writer.compared(variable, "<", to)];
  if (step !== 1) throw new InternalError("a backward loop in steps");
  const one: Expr = { op: "number", type: to.type, value: 1 };
  const last = writer.kept({ op: "binary", type: to.type, fn: "sub", a: to, b: one });
  return [last, writer.compared(variable, ">=", from)];
}

function loopHead(s: For): Both {
  const { variable: v, step, down } = s;
  const next = step === 1 ? `${v}${down ? "--" : "++"}` : `${v} += ${step}`;
  const [first, test] = bounds(flat, s);
  const layout = (): Layout => {
    const [from, goes] = bounds(lines, s);
    const head = [assigned(`let ${v}`, "=", from), ";", LINE, whole(goes), ";", LINE, next];
    return ["for ", group(["(", block(head), ")"]), " {"];
  };
  return { text: `for (let ${v} = ${first}; ${test}; ${next}) {`, layout };
}

/** Lines of statements, `depth` steps in, put at the end of `out`. */
export function printStatements(
  statements: readonly Statement[],
  depth: number,
  out: string[],
): void {
  for (const s of statements) {
    switch (s.op) {
      case "comment":
        out.push(`${STEP.repeat(depth)}// ${s.text}`);
        break;
      case "define":
      case "assign": {
        const { name, value } = s;
        const target = s.op === "assign" ? name : `${s.mutable ? "let" : "const"} ${name}`;
        const text = `${target} = ${flat.kept(value)};`;
        put({ text, layout: () => [assigned(target, "=", lines.kept(value)), ";"] }, depth, out);
        break;
      }
      case "store": {
        const { buffer, index, value } = s;
        const sign = s.add ? "+=" : "=";
        const text = `${flat.element(buffer, index)} ${sign} ${flat.write(value)};`;
        const layout = () => [
          assigned(whole(lines.element(buffer, index)), sign, lines.write(value)),
          ";",
        ];
        put({ text, layout }, depth, out);
        break;
      }
      case "for":
        put(loopHead(s), depth, out);
        printStatements(s.body, depth + 1, out);
        out.push(`${STEP.repeat(depth)}}`);
        break;
      case "if": {
        const { condition: test, body, otherwise } = s;
        const text = `if (${flat.write(test)}) {`;
        const layout = () => ["if ", group(["(", block(condition(lines.write(test))), ")"]), " {"];
        put({ text, layout }, depth, out);
        printStatements(body, depth + 1, out);
        if (otherwise.length > 0) {
          out.push(`${STEP.repeat(depth)}} else {`);
          printStatements(otherwise, depth + 1, out);
        }
        out.push(`${STEP.repeat(depth)}}`);
        break;
      }
      case "barrier":
      case "prefetch":
        break;
      default:
        unreachable(s);
    }
  }
}
