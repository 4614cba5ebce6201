/**
 * Results of a loop over time of which all that is wanted is a view, with its axes in another order or without the steps
 * that fill up the last chunk: the loop stores them where the view is wanted, element by element, with no pass of its own.
 */
import { constant, type Dim } from "../dims.ts";
import type { Graph, Node, NodeId } from "../graph/ir.ts";
import { bodyNode } from "../graph/shapes.ts";
import { depthOf, fixed, linear, minus, nextAlong, ofVariable, type Affine } from "./affine.ts";
import { Emitter } from "./emitter.ts";
import { Evaluator } from "./evaluate.ts";
import type { BufferLocation } from "./place.ts";

type ViewNode = Extract<Node, { readonly op: "transpose" | "reshape" | "slice" | "stop" }>;

export interface Shown {
  readonly target: BufferLocation;
  /** From the result to what is wanted. */
  readonly views: readonly ViewNode[];
}

const isViewNode = (node: Node): node is ViewNode =>
  node.op === "transpose" || node.op === "reshape" || node.op === "slice" || node.op === "stop";

/** The result that a node is a view of, by way of nodes that nobody else reads; null if it is no such view. */
export function shownResult(
  graph: Graph,
  id: NodeId,
  uses: ReadonlyMap<NodeId, number>,
): { readonly result: NodeId; readonly views: readonly ViewNode[] } | null {
  const views: ViewNode[] = [];
  let node = bodyNode(graph, id);
  for (let most = 0; isViewNode(node); most = 1) {
    if ((uses.get(node.id) ?? 0) > most) return null;
    views.unshift(node);
    node = bodyNode(graph, node.x);
  }
  if (node.op !== "result" || (uses.get(node.id) ?? 0) !== 1) return null;
  const of = bodyNode(graph, node.of);
  if (of.op !== "recurrence") return null;
  const { kind } = of.recurrence.outputs[node.index]!;
  return kind === "stack" || kind === "final" ? { result: node.id, views } : null;
}

/** An element that a view shows only where 0 ≤ `at` < `extent`. */
interface Bound {
  readonly at: Affine;
  readonly extent: Dim;
  /** Whether it may be below zero. */
  readonly below: boolean;
}

/** Where an element of a result is in the view, and where it is there at all. */
export function throughViews(
  evaluator: Evaluator,
  graph: Graph,
  { views }: Shown,
  index: readonly Affine[],
): { readonly index: readonly Affine[]; readonly bounds: readonly Bound[] } {
  const bounds: Bound[] = [];
  let at = index;
  for (const view of views) {
    switch (view.op) {
      case "stop":
        break;
      case "transpose":
        at = view.perm.map((p) => at[p]!);
        break;
      case "reshape":
        at = evaluator.reshaped(bodyNode(graph, view.x).shape, view.shape, at);
        break;
      case "slice": {
        const back = minus(at[view.axis]!, fixed(view.start));
        bounds.push({
          at: back,
          extent: view.shape[view.axis]!,
          below: constant(view.start) !== 0,
        });
        at = at.map((a, i) => (i === view.axis ? back : a));
        break;
      }
    }
  }
  return { index: at, bounds };
}

/**
 * For each bound the number of loops over a result's axes that must be open to tell whether it holds, and the axis along
 * which elements lie next to each other in the view.
 */
export function viewOf(
  graph: Graph,
  shown: Shown,
  shape: readonly Dim[],
): { readonly levels: readonly number[]; readonly beside: number | undefined } {
  const emitter = new Emitter(new Set());
  const variables = shape.map((d, i) => ofVariable(emitter.open(`v${i}`, d)));
  const { index, bounds } = throughViews(new Evaluator(emitter), graph, shown, variables);
  const beside = nextAlong(linear(index, shown.target.strides), variables);
  return { levels: bounds.map((bound) => depthOf(bound.at)), beside };
}
