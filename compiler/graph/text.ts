/** A graph as text, one line per node: for people and for golden tests. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import { show, showShape } from "../dims.ts";
import { SIGNS, specName } from "./names.ts";
import type { Binding, Graph, Node, NodeId, Recurrence, RecurrenceOutput } from "./ir.ts";
import { reachable } from "./rebuild.ts";

const ref = (id: NodeId) => `%${id}`;
const letters = (labels: readonly number[]) =>
  labels.map((l) => (l < 26 ? String.fromCharCode(97 + l) : `(${l})`)).join("");

function expression(node: Node): string {
  switch (node.op) {
    case "input":
      return `input ${node.name}`;
    case "constant":
      return String(node.value);
    case "size":
      return `size ${show(node.value)}`;
    case "iota":
      return "iota";
    case "random":
      return `random ${node.distribution} seed ${ref(node.seed)} stream ${node.stream}`;
    case "unary":
      return `${node.fn} ${ref(node.x)}`;
    case "binary": {
      const sign = SIGNS[node.fn];
      if (sign === undefined) return `${node.fn} ${ref(node.a)}, ${ref(node.b)}`;
      return `${ref(node.a)} ${sign} ${ref(node.b)}`;
    }
    case "select":
      return `${ref(node.cond)} ? ${ref(node.a)} : ${ref(node.b)}`;
    case "broadcast":
      return node.axes.length === 0
        ? `fill ${ref(node.x)}`
        : `broadcast ${ref(node.x)} to axes ${node.axes.join(", ")}`;
    case "reduce":
      return `${node.fn} ${ref(node.x)} over ${node.axes.join(", ")}`;
    case "contract": {
      const [a, b, out] = [node.aLabels, node.bLabels, node.outLabels].map(letters);
      return `contract ${ref(node.a)}[${a}] ${ref(node.b)}[${b}] -> [${out}]`;
    }
    case "transpose":
      return `transpose ${ref(node.x)} by ${node.perm.join(", ")}`;
    case "reshape":
      return `reshape ${ref(node.x)}`;
    case "slice":
      return `slice ${ref(node.x)} along ${node.axis} from ${show(node.start)}`;
    case "pad":
      return `pad ${ref(node.x)} along ${node.axis} by ${show(node.before)}`;
    case "concat":
      return `concat ${node.xs.map(ref).join(", ")} along ${node.axis}`;
    case "roll":
      return `roll ${ref(node.x)} along ${node.axis} by ${show(node.shift)}`;
    case "reverse":
      return `reverse ${ref(node.x)} along ${node.axis}`;
    case "cumsum": {
      const flags = (node.exclusive ? " exclusive" : "") + (node.reverse ? " reverse" : "");
      return `cumsum ${ref(node.x)} along ${node.axis}${flags}`;
    }
    case "gather":
      return `gather ${ref(node.table)} at ${ref(node.index)}`;
    case "scatter":
      return `scatter ${ref(node.updates)} at ${ref(node.index)}`;
    case "pick":
      return `pick ${ref(node.x)} at ${ref(node.index)}`;
    case "place":
      return `place ${ref(node.value)} at ${ref(node.index)}`;
    case "solve": {
      const flags = [node.lower ? "lower" : "upper", node.unit && "unit", node.transpose && "transposed"]; // prettier-ignore
      return `solve ${ref(node.matrix)} ${ref(node.right)} ${flags.filter(Boolean).join(" ")}`;
    }
    case "append":
      return `append ${ref(node.row)} to ${ref(node.x)} at ${ref(node.at)}`;
    case "stop":
      return `stop ${ref(node.x)}`;
    case "recurrence":
      return "recurrence";
    case "result":
      return `result ${node.index} of ${ref(node.of)}`;
    default:
      return unreachable(node);
  }
}

function bindingText(b: Binding): string {
  if (b.kind === "position") return `position ${ref(b.input)}`;
  return `${b.kind} ${ref(b.input)} = outer ${ref(b.value)}`;
}

function outputText(o: RecurrenceOutput): string {
  switch (o.kind) {
    case "stack":
    case "sum":
    case "batch-sum":
      return `${o.kind} ${ref(o.node)}`;
    case "final":
      return `final carry ${o.carry}`;
    case "border":
      return `border carry ${o.carry} every ${show(o.every)}`;
    default:
      return unreachable(o);
  }
}

function recurrenceLines(r: Recurrence, all: boolean): string[] {
  const roots = r.carries.map((c) => c.next);
  for (const o of r.outputs) if ("node" in o) roots.push(o.node);
  const lines = [
    `over [${show(r.batch)}, ${show(r.time)}]${r.reverse ? " reverse" : ""}`,
    ...r.carries.map((c, i) => {
      return `carry ${i} ${c.name}: ${ref(c.input)} -> ${ref(c.next)} from outer ${ref(c.init)}`;
    }),
    ...r.bindings.map(bindingText),
    ...(all ? r.body.nodes : reachable(r.body, roots)).flatMap((n) => nodeLines(n, all)),
    ...r.outputs.map((o, i) => `result ${i}: ${outputText(o)}`),
  ];
  if (r.replay !== null) {
    const { body, bindings, carries, every } = r.replay;
    const kept = carries.map((c) => c.next);
    const inner = [
      ...carries.map((c) => {
        const ends = `${ref(c.input)} -> ${ref(c.next)}`;
        return `carry ${c.name}: ${ends} from outer ${ref(c.borders)}, gives ${ref(c.target)}`;
      }),
      ...bindings.map(bindingText),
      ...(all ? body.nodes : reachable(body, kept)).flatMap((n) => nodeLines(n, all)),
    ];
    lines.push(`replay every ${show(every)}`, ...inner.map((l) => `  ${l}`));
  }
  return lines;
}

function nodeLines(node: Node, all: boolean): string[] {
  const label = specName(node);
  const name = label === null ? "" : ` ${label}`;
  if (node.op === "recurrence") {
    const inner = recurrenceLines(node.recurrence, all).map((l) => `  ${l}`);
    return [`${ref(node.id)}${name} = recurrence`, ...inner];
  }
  const type = (node.dtype === "int" ? "int " : "") + showShape(node.shape);
  return [`${ref(node.id)}${name}: ${type} = ${expression(node)}`];
}

export interface PrintOptions {
  /** Also the nodes that no output needs. */
  readonly all?: boolean;
}

/** One line per node that an output needs, bodies of recurrences indented, then the outputs. */
export function printGraph(graph: Graph, options: PrintOptions = {}): string {
  const all = options.all ?? false;
  const roots = graph.outputs.map((o) => o.node);
  const nodes = all ? graph.nodes : reachable(graph, roots);
  const lines = [
    ...nodes.flatMap((n) => nodeLines(n, all)),
    ...graph.outputs.map((o) => `output ${o.name} = ${ref(o.node)}`),
  ];
  return [`graph ${graph.name}`, ...lines.map((l) => `  ${l}`)].join("\n") + "\n";
}
