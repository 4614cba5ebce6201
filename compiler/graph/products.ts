/** What contractions, views and dear functions are, for passes that choose what to compute where. */
import { constant, type Dim } from "../dims.ts";
import type { ContractNode, Graph, Node, NodeId, UnaryFn } from "./ir.ts";
import { bodyNode } from "./shapes.ts";

/** How each label of a contraction is used. */
export interface LabelClasses {
  readonly batch: readonly number[];
  /** In the result and only in a (or only in b). */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly summed: readonly number[];
}

export function classify(node: ContractNode): LabelClasses {
  const inA = (l: number) => node.aLabels.includes(l);
  const inB = (l: number) => node.bLabels.includes(l);
  const all = [...new Set([...node.aLabels, ...node.bLabels])];
  return {
    batch: node.outLabels.filter((l) => inA(l) && inB(l)),
    rows: node.outLabels.filter((l) => inA(l) && !inB(l)),
    columns: node.outLabels.filter((l) => !inA(l) && inB(l)),
    summed: all.filter((l) => !node.outLabels.includes(l)),
  };
}

/** Sizes by label. */
export function labelSizes(graph: Graph, node: ContractNode): Map<number, Dim> {
  const sizes = new Map<number, Dim>();
  node.aLabels.forEach((l, i) => sizes.set(l, bodyNode(graph, node.a).shape[i]!));
  node.bLabels.forEach((l, i) => sizes.set(l, bodyNode(graph, node.b).shape[i]!));
  return sizes;
}

/** A size for estimates: run-time ones count as 64. */
export const estimate = (d: Dim): number => constant(d) ?? 64;

/** What a label may come down to at the least: streams are often alone, sequences are long. */
const least = (d: Dim): number => (d.key === "1*$batch" ? 1 : estimate(d));

/** Worth packing and blocking: rows and columns both reuse what they load. */
export function isProduct(graph: Graph, node: ContractNode): boolean {
  const classes = classify(node);
  const sizes = labelSizes(graph, node);
  const count = (labels: readonly number[]) => labels.reduce((n, l) => n * least(sizes.get(l)!), 1);
  const [m, n, k] = [count(classes.rows), count(classes.columns), count(classes.summed)];
  return classes.summed.length > 0 && m >= 4 && n >= 4 && k >= 4 && m * n * k >= 1024;
}

/** Views of another value: nothing is computed to see it through them. */
export type ShownNode = Extract<Node, { readonly op: "broadcast" | "transpose" | "reshape" | "slice" | "reverse" | "stop" }>; // prettier-ignore
const SHOWN: ReadonlySet<Node["op"]> = new Set<ShownNode["op"]>([
  "broadcast",
  "transpose",
  "reshape",
  "slice",
  "reverse",
  "stop",
]);
export const isShown = (node: Node): node is ShownNode => SHOWN.has(node.op);

const GIVEN: ReadonlySet<Node["op"]> = new Set(["input", "constant", "size", "iota"]);
/** Whether a value takes no computing: views, and what is given. */
export const isView = (node: Node): boolean => GIVEN.has(node.op) || isShown(node);

/** The value that views show, if a node is one. */
export function seenThrough(graph: Graph, id: NodeId): NodeId {
  const node = bodyNode(graph, id);
  return isShown(node) ? seenThrough(graph, node.x) : id;
}

/** Functions that cost many times an addition. */
export const DEAR: ReadonlySet<UnaryFn> = new Set([
  "exp",
  "log",
  "log1p",
  "expm1",
  "sin",
  "cos",
  "tanh",
  "sigmoid",
  "softplus",
  "erf",
]);
