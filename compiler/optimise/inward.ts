/**
 * What is made of each element of a loop's answers alone, `y = answer / √d`, is made before the answers of all chunks are put
 * in order and cut to their length: step by step, so that it can become part of a step (nearby.ts) and a view is left.
 */
import { equal } from "../dims.ts";
import { algebra } from "../graph/index.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Node, NodeId } from "../graph/ir.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { countUses, rebuildProgram } from "../graph/rebuild.ts";
import { bodyNode, mapOperands, operands } from "../graph/shapes.ts";
import { hasProducts } from "./separate.ts";

type ViewNode = Extract<Node, { readonly op: "transpose" | "reshape" | "slice" }>;
const isView = (node: Node): node is ViewNode =>
  node.op === "transpose" || node.op === "reshape" || node.op === "slice";

const STEPWISE: ReadonlySet<Node["op"]> = new Set([
  "unary",
  "binary",
  "select",
  "contract",
  "transpose",
  "reshape",
  "slice",
]);

/** The operand of a function of one number, those that `isFill` apart; null for other nodes. */
function onlyOperand(graph: Graph, node: Node, isFill: (id: NodeId) => boolean): NodeId | null {
  if (node.dtype !== "float") return null;
  if (node.op === "unary") return node.x;
  if (node.op !== "binary") return null;
  const left = operands(node).filter((x) => !isFill(x));
  return left.length === 1 && bodyNode(graph, left[0]!).dtype === "float" ? left[0]! : null;
}

/** The program with such functions moved inward. Same ports, same values. */
export function moveInward(program: SequenceProgram): SequenceProgram {
  const { graph } = program;
  const ports = [...program.outputs, ...graph.outputs];
  const uses = countUses(graph, ports.map((p) => p.node)); // prettier-ignore
  const builder = new GraphBuilder(graph.name);
  /** Of loops with products: results, and what is made of these step by step; nodes of the builder. */
  const near = new Set<NodeId>();
  /** Whether a node has the steps of a loop as its second axis because an operand has. */
  const isNear = (node: Node): boolean =>
    STEPWISE.has(node.op) &&
    operands(node).some((x) => {
      const { shape } = builder.node(x);
      return near.has(x) && [0, 1].every((i) => node.shape[i] !== undefined && equal(node.shape[i]!, shape[i]!)); // prettier-ignore
    });
  const noted = (id: NodeId): NodeId => {
    if (isNear(builder.node(id))) near.add(id);
    return id;
  };
  const copied = (node: Node, mapped: (id: NodeId) => NodeId): NodeId => {
    const { id: _, origin: __, ...draft } = mapOperands(node, mapped);
    return noted(builder.copy(draft));
  };
  const alone = (id: NodeId): boolean => {
    const node = bodyNode(graph, id);
    return uses.get(id) === 1 && (!isView(node) || alone(node.x));
  };
  return rebuildProgram(program, builder, (node, mapped) => {
    if (node.op === "result") {
      const made = copied(node, mapped);
      const of = bodyNode(graph, node.of);
      if (of.op !== "recurrence" || !hasProducts(of.recurrence)) return made;
      if (of.recurrence.outputs[node.index]!.kind === "stack") near.add(made);
      return made;
    }
    const fill = (id: NodeId) => algebra.fillValue(builder, mapped(id));
    const x = onlyOperand(graph, node, (id) => fill(id) !== null);
    if (x === null || !alone(x)) return copied(node, mapped);
    const views: ViewNode[] = [];
    let at = builder.node(mapped(x));
    for (; isView(at) && !near.has(at.id); at = builder.node(at.x)) views.unshift(at);
    if (views.length === 0 || !near.has(at.id)) return copied(node, mapped);
    const own = (id: NodeId): NodeId =>
      id === x ? at.id : algebra.filled(builder, fill(id)!, at.shape);
    let made =
      node.op === "unary"
        ? builder.unary(node.fn, own(node.x))
        : node.op === "binary"
          ? builder.binary(node.fn, own(node.a), own(node.b))
          : null;
    if (made === null) return copied(node, mapped);
    noted(made);
    for (const view of views) {
      const { id: _, origin: __, ...draft } = { ...view, x: made };
      made = builder.copy(draft);
    }
    return made;
  });
}
