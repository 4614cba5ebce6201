/**
 * What a graph means: every node evaluated in float64, in order, a recurrence one sequence and one step at a time.
 * Everything else the compiler does is tested against this.
 */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { evaluateDim, type NamedAtom } from "../dims.ts";
import { prepareGraph, type Setting } from "./interpret/recurrence.ts";
import type { Graph, NodeId } from "./ir.ts";
import type { SequenceProgram } from "./program.ts";
import { elements, type Tensor } from "./tensor.ts";

/** Lengths of the run-time axes; `named` gives sizes that have not been made numbers yet. */
export interface RunSizes {
  readonly batch: number;
  readonly time: number;
  readonly past: number;
  readonly named?: ReadonlyMap<string, number>;
}

/** The value of a named size: run-time ones by their keys, the others by key in `sizes.named`. */
export function sizeLookup(sizes: RunSizes): (atom: NamedAtom) => number | undefined {
  return (atom) => {
    if (atom.key === "$batch") return sizes.batch;
    if (atom.key === "$time") return sizes.time;
    if (atom.key === "$past") return sizes.past;
    return sizes.named?.get(atom.key);
  };
}

type Rounding = Setting["round"];

function evaluateNodes(
  graph: Graph,
  roots: readonly NodeId[],
  values: (name: string, id: NodeId) => Tensor | undefined,
  sizes: RunSizes,
  round: Rounding = null,
): (id: NodeId) => Tensor {
  const lookup = sizeLookup(sizes);
  const shapeOf = (id: NodeId) => graph.nodes[id]!.shape.map((d) => evaluateDim(d, lookup));
  const plan = prepareGraph(graph, roots, new Set(), { sizes: lookup, round });
  for (const node of graph.nodes) {
    if (node.op !== "input") continue;
    const given = values(node.name, node.id);
    if (given === undefined) continue;
    const shape = shapeOf(node.id);
    if (given.data.length !== elements(shape) || shape.join() !== given.shape.join()) {
      throw new InternalError(
        `input ${node.name} is [${given.shape.join(", ")}], expected [${shape.join(", ")}]`,
      );
    }
    plan.frame[node.id] = given.data;
  }
  plan.prologue();
  return (id) => ({ shape: shapeOf(id), data: Float64Array.from(plan.frame[id]!) });
}

/** Evaluates a graph's outputs. Inputs are given by the names of the graph's input nodes. */
export function interpret(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  sizes: RunSizes,
): Map<string, Tensor> {
  const roots = graph.outputs.map((o) => o.node);
  const value = evaluateNodes(graph, roots, (name) => inputs.get(name), sizes);
  return new Map(graph.outputs.map((o) => [o.name, value(o.node)]));
}

/**
 * Evaluates a program's output ports. Both maps are keyed `role:name`. `round` is applied to every float on the way, as a
 * coarser arithmetic would: `Math.fround` for float32.
 */
export function runProgram(
  program: SequenceProgram,
  inputs: ReadonlyMap<string, Tensor>,
  sizes: RunSizes,
  round: Rounding = null,
): Map<string, Tensor> {
  const ports = new Map(program.inputs.map((p) => [p.node, `${p.role}:${p.name}`]));
  const roots = program.outputs.map((p) => p.node);
  const given = (_: string, id: NodeId) => inputs.get(ports.get(id) ?? "");
  const value = evaluateNodes(program.graph, roots, given, sizes, round);
  return new Map(program.outputs.map((p) => [`${p.role}:${p.name}`, value(p.node)]));
}
