/**
 * Loops with several states of which none needs the others in a circle, as one loop per state: what one asks of another, and
 * what comes out, is made of reads, which are computed outside.
 */
import { BATCH, equal, TIME } from "../../dims.ts";
import { GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { RecurrenceNode } from "../../graph/ir.ts";
import type { SequenceProgram } from "../../graph/program.ts";
import { analyse } from "../analyse/index.ts";
import { chainOf } from "./chain.ts";
import { emitJoint } from "./joint.ts";
import { Memory } from "./memory.ts";
import { replaced, unchanged, type Lengths, type Replaced, type Test } from "./replaced.ts";

/** Splits where all that comes of it is run by chunks. */
export function splitLoops(program: SequenceProgram, isChunked: Test, lengthAt: Lengths): Replaced {
  const { graph } = program;
  const builder = GraphBuilder.extend(graph);
  const instead = new Map<NodeId, NodeId>();
  const origins = new Map(unchanged(program).origins);
  for (const node of graph.nodes) {
    if (node.op !== "recurrence" || node.recurrence.carries.length < 2) continue;
    if (lengthAt(origins.get(node.id)![0]!) === null) continue;
    const made = split(builder, node, isChunked);
    if (made === null) continue;
    for (const id of made.recurrences) origins.set(id, origins.get(node.id)!);
    for (const n of graph.nodes) {
      if (n.op === "result" && n.of === node.id) instead.set(n.id, made.outputs[n.index]!);
    }
  }
  return instead.size === 0 ? unchanged(program) : replaced(program, builder, instead, origins);
}

function split(builder: GraphBuilder, { recurrence, origin }: RecurrenceNode, isChunked: Test) {
  const { batch, time, reverse, replay, outputs } = recurrence;
  if (reverse || replay !== null || !equal(batch, BATCH) || !equal(time, TIME)) return null;
  if (outputs.some((o) => o.kind !== "stack" && o.kind !== "final")) return null;
  const chain = chainOf(recurrence, analyse(recurrence), isChunked);
  if (chain === null || !chain.isSequence) return null;
  const { links } = chain;
  const recurrences: NodeId[] = [];
  const finals = new Map<number, NodeId>();
  let last: Memory | null = null;
  let known: ReadonlyMap<NodeId, NodeId> = new Map();
  for (const { carry, recurrence: one, form } of links) {
    const memory = new Memory(builder, one, form, known);
    builder.origin = origin;
    const made = emitJoint(builder, [memory]);
    builder.origin = null;
    recurrences.push(made.recurrence);
    finals.set(carry, made.finals[0]!);
    known = memory.given;
    last = memory;
  }
  return {
    recurrences,
    outputs: outputs.map((o) => {
      if ("node" in o) return last!.sequence(last!.form.outputs.get(o.node)!);
      return finals.get(o.carry)!;
    }),
  };
}
