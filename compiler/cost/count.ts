/**
 * What a sequence graph costs at given sizes. It is counted node by node on the graph itself, so that a time loop, a loop
 * over chunks, a scan and the adjoints of all of them are measured by the same rule, whatever they compute.
 */
import { reachable } from "../graph/rebuild.ts";
import type { Graph, Node, NodeId, Recurrence } from "../graph/ir.ts";
import { bodyNode, operands } from "../graph/shapes.ts";
import type { Sizes } from "../../runtime/format/program.ts";
import { elementsOf, isStored, operationOf, sizesOf, type Manner, type SizeOf } from "./operations.ts"; // prettier-ignore

export interface Cost {
  /** Multiplications, additions and functions of numbers, each as one. The sum of the parts below. */
  readonly flops: number;
  /** Of products of matrices outside of loops over time. */
  readonly products: number;
  /** Of products of matrices within loops. */
  readonly loopProducts: number;
  /** Of products of a matrix and a vector. */
  readonly sweeps: number;
  readonly solves: number;
  readonly elementwise: number;
  /** exp, tanh, … */
  readonly functions: number;
  /** Separate products of matrices and triangular systems. */
  readonly matrices: number;
  /** Elements of the results of products within loops: each costs something however few terms its sum has. */
  readonly sums: number;
  /** Bytes that operations outside of loops, and the loops as wholes, read and write; in float32. */
  readonly bytes: number;
  /** Operations that store what they compute, each loop over time being one. */
  readonly kernels: number;
  /** Steps of all loops, of all sequences. */
  readonly iterations: number;
  /** Steps of loops that must run one after the other: those on the longest way through the graph. */
  readonly depth: number;
  /** Bytes of states that are kept, for a run backwards or for reads: states at borders and at chunks, segments of replays. */
  readonly kept: number;
}

const NOTHING: Cost = {
  flops: 0,
  products: 0,
  loopProducts: 0,
  sweeps: 0,
  solves: 0,
  elementwise: 0,
  functions: 0,
  matrices: 0,
  sums: 0,
  bytes: 0,
  kernels: 0,
  iterations: 0,
  depth: 0,
  kept: 0,
};

const BYTES = 4;

type Tally = { -readonly [K in keyof Cost]: number };

const PART: Readonly<Record<Manner, keyof Cost>> = {
  product: "products",
  sweep: "sweeps",
  solve: "solves",
  elementwise: "elementwise",
  function: "functions",
};

function addTimes(to: Tally, cost: Cost, times: number): void {
  for (const key of Object.keys(NOTHING) as (keyof Cost)[]) {
    if (key !== "depth") to[key] += times * cost[key];
  }
}

/** One step of a loop for one sequence: there, stored values stay where they are and products of matrices are small. */
function ofBody(body: Graph, roots: Iterable<NodeId>, size: SizeOf): Cost {
  const cost: Tally = { ...NOTHING };
  for (const node of reachable(body, roots)) {
    if (node.op === "recurrence") {
      const inner = ofRecurrence(node.recurrence, () => 0, size);
      addTimes(cost, inner.cost, 1);
      continue;
    }
    const { flops, manner, matrices } = operationOf(node, (id) => body.nodes[id]!, size);
    cost.flops += flops;
    cost.matrices += matrices;
    if (manner === "product") cost.sums += elementsOf(node.shape, size);
    cost[manner === "product" ? "loopProducts" : PART[manner]] += flops;
  }
  return cost;
}

/** The loop, and how many of its steps run one after the other. `elements`: of a node of the outer graph. */
function ofRecurrence(
  r: Recurrence,
  elements: (id: NodeId) => number,
  size: SizeOf,
): { readonly cost: Cost; readonly steps: number } {
  const cost: Tally = { ...NOTHING };
  const [batch, time] = [size(r.batch), size(r.time)];
  const nodes = r.outputs.flatMap((o) => ("node" in o ? [o.node] : []));
  const roots = [...nodes, ...r.carries.map((c) => c.next)];
  addTimes(cost, ofBody(r.body, roots, size), batch * time);
  const inBody = (id: NodeId): number => elementsOf(bodyNode(r.body, id).shape, size);
  const states = new Set(r.carries.flatMap((c) => [c.input, c.next]));
  let bytes = 0;
  for (const o of r.outputs) {
    const own = "node" in o ? inBody(o.node) : inBody(r.carries[o.carry]!.input);
    const times = o.kind === "stack" ? time : o.kind === "border" ? Math.ceil(time / size(o.every)) : 1; // prettier-ignore
    bytes += BYTES * batch * times * own;
    const keeps = o.kind === "border" || (o.kind === "stack" && states.has(o.node));
    if (keeps) cost.kept += BYTES * batch * times * own;
  }
  for (const b of r.bindings) if (b.kind !== "position") bytes += BYTES * elements(b.value);
  for (const c of r.carries) bytes += BYTES * elements(c.init);
  let steps = time;
  if (r.replay !== null) {
    const { body, carries, every } = r.replay;
    const next = carries.map((c) => c.next);
    addTimes(cost, ofBody(body, next, size), batch * time);
    steps += time;
    for (const c of carries) {
      bytes += BYTES * elements(c.borders);
      cost.kept += BYTES * Math.min(time, size(every)) * elementsOf(bodyNode(body, c.input).shape, size); // prettier-ignore
    }
  }
  cost.iterations += batch * steps;
  cost.bytes += bytes;
  return { cost, steps };
}

/** Of all that the graph's outputs need. Every size but those of the run must have its number. */
export function costOf(graph: Graph, sizes: Sizes): Cost {
  const size = sizesOf(sizes);
  const at = (id: NodeId): Node => graph.nodes[id]!;
  const elements = (id: NodeId): number => elementsOf(at(id).shape, size);
  const cost: Tally = { ...NOTHING };
  const depths = new Map<NodeId, number>();
  for (const node of reachable(
    graph,
    graph.outputs.map((o) => o.node),
  )) {
    const inputs = operands(node);
    let depth = inputs.reduce((most, id) => Math.max(most, depths.get(id) ?? 0), 0);
    if (node.op === "recurrence") {
      const loop = ofRecurrence(node.recurrence, elements, size);
      addTimes(cost, loop.cost, 1);
      depth += loop.steps;
    } else {
      const { flops, manner, matrices } = operationOf(node, at, size);
      cost.flops += flops;
      cost.matrices += matrices;
      cost[PART[manner]] += flops;
      if (isStored(node)) {
        cost.bytes += BYTES * [node.id, ...inputs].reduce((n, id) => n + elements(id), 0);
      }
    }
    if (isStored(node)) cost.kernels += 1;
    depths.set(node.id, depth);
    cost.depth = Math.max(cost.depth, depth);
  }
  return cost;
}
