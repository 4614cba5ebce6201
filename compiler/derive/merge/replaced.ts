/** A program in which some recurrences have made way for others. */
import type { GraphBuilder, NodeId, Recurrence } from "../../graph/index.ts";
import type { SequenceProgram } from "../../graph/program.ts";
import type { StateSet } from "../analyse/index.ts";
import { inOrder } from "./order.ts";

/** Whether a recurrence with these sets of states is run by chunks. */
export type Test = (recurrence: Recurrence, sets: readonly StateSet[]) => boolean;

/** Steps per chunk of a recurrence, by its place in the program; null for one that is to stay as it is. */
export type Lengths = (place: number) => number | null;

export interface Replaced {
  readonly program: SequenceProgram;
  /** By recurrence of the program: which recurrences of the one that was given it stands for, counted in order. */
  readonly origins: ReadonlyMap<NodeId, readonly number[]>;
}

/** The recurrences of a program that nothing has been done to. */
export function unchanged(program: SequenceProgram): Replaced {
  const loops = program.graph.nodes.filter((n) => n.op === "recurrence");
  return { program, origins: new Map(loops.map(({ id }, i) => [id, [i]])) };
}

/**
 * The program with the nodes of `builder`, which goes on where its graph ends; `instead` has what stands for its nodes,
 * `origins` is by nodes of the builder.
 */
export function replaced(
  program: SequenceProgram,
  builder: GraphBuilder,
  instead: ReadonlyMap<NodeId, NodeId>,
  origins: ReadonlyMap<NodeId, readonly number[]>,
): Replaced {
  const { graph } = program;
  const roots = [...program.inputs, ...graph.outputs, ...program.outputs].map((p) => p.node);
  const whole = { name: graph.name, nodes: builder.nodes, outputs: [] };
  const { ordered, to, has } = inOrder(whole, roots, (id) => instead.get(id) ?? id);
  for (const { name, node } of graph.outputs) ordered.output(name, to(node));
  const live = [...origins].filter(([id]) => has(id));
  return {
    program: {
      ...program,
      graph: ordered.finish(),
      inputs: program.inputs.map((p) => ({ ...p, node: to(p.node) })),
      outputs: program.outputs.map((p) => ({ ...p, node: to(p.node) })),
    },
    origins: new Map(live.map(([id, from]) => [to(id), from])),
  };
}
