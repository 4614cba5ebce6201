/** The equation that a loop computes, in the spec's own names where it has them: the comment above the loop. */
import type { Graph, Node, NodeId } from "../graph/ir.ts";
import { SIGNS, specName, valueName } from "../graph/names.ts";
import { bodyNode, operands } from "../graph/shapes.ts";

const INFIX: typeof SIGNS = { ...SIGNS, and: "and", or: "or" };
const LONGEST = 100;

/** `u = beta * (v - sum(W * k))`; null when it would say nothing. */
export function equationOf(graph: Graph, kept: ReadonlySet<NodeId>, node: Node): string | null {
  const write = (id: NodeId, depth: number): string => {
    const x = bodyNode(graph, id);
    if (id !== node.id && (kept.has(id) || depth > 6)) return nameOfValue(x);
    const [p, q] = operands(x).map((o) => () => write(o, depth + 1));
    switch (x.op) {
      case "input":
      case "result":
      case "recurrence":
        return nameOfValue(x);
      case "constant":
        return String(x.value);
      case "size":
        return "size";
      case "iota":
        return "0, 1, ...";
      case "binary": {
        const sign = INFIX[x.fn];
        return sign === undefined ? `${x.fn}(${p!()}, ${q!()})` : `(${p!()} ${sign} ${q!()})`;
      }
      case "unary":
        return x.fn === "neg" ? `-${p!()}` : `${x.fn}(${p!()})`;
      case "select":
        return `(${write(x.cond, depth + 1)} ? ${write(x.a, depth + 1)} : ${write(x.b, depth + 1)})`;
      case "reduce":
        return `${x.fn}(${p!()})`;
      case "contract":
        return x.outLabels.length === new Set([...x.aLabels, ...x.bLabels]).size
          ? `${p!()} * ${q!()}`
          : `sum(${p!()} * ${q!()})`;
      case "broadcast":
      case "transpose":
      case "reshape":
      case "stop":
        return p!();
      default:
        return `${x.op}(${operands(x)
          .map((o) => write(o, depth + 1))
          .join(", ")})`;
    }
  };
  const right = write(node.id, 0).replace(/^\((.*)\)$/, (all, inner: string) =>
    balanced(inner) ? inner : all,
  );
  const label = specName(node);
  if (node.op === "input" || right === label) return null;
  const short = right.length > LONGEST ? `${right.slice(0, LONGEST)}...` : right;
  return label === null ? short : `${label} = ${short}`;
}

function nameOfValue(x: Node): string {
  return valueName(x);
}

function balanced(text: string): boolean {
  let open = 0;
  for (const c of text) {
    open += c === "(" ? 1 : c === ")" ? -1 : 0;
    if (open < 0) return false;
  }
  return open === 0;
}
