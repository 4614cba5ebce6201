/**
 * Memories that ride along: recurrences next to each other with equal decays and equal keys, such as z ← z + k beside
 * W ← W + v kᵀ, become one, whose state has the values of all of them as its rows. Found by comparing their normal forms.
 */
import { constant } from "../../dims.ts";
import { GraphBuilder, type NodeId } from "../../graph/index.ts";
import type { Graph, Node, RecurrenceNode } from "../../graph/ir.ts";
import type { SequenceProgram } from "../../graph/program.ts";
import { reachable, readersOf } from "../../graph/rebuild.ts";
import { operands } from "../../graph/shapes.ts";
import { analyse } from "../analyse/index.ts";
import { readLevels } from "../chunk/levels.ts";
import { components } from "../stage/components.ts";
import { emitJoint, ridesAlong } from "./joint.ts";
import { Memory, sizeOf } from "./memory.ts";
import { opened, type Opened } from "./opened.ts";
import { splitLoops } from "./split.ts";
import { replaced, unchanged, type Lengths, type Replaced, type Test } from "./replaced.ts";

/** A recurrence that may be merged with others. */
interface Candidate {
  readonly id: NodeId;
  /** Steps per chunk. */
  readonly length: number;
  readonly memory: Memory;
  readonly opened: Opened;
}

/** The nodes that depend on one, itself included. */
function dependents(graph: Graph, id: NodeId): (id: NodeId) => boolean {
  const found = new Set([id]);
  for (const node of graph.nodes) if (operands(node).some((x) => found.has(x))) found.add(node.id);
  return (x) => found.has(x);
}

/** Forms by chunks of one state each, with keys that nothing but the slow net decides. */
function candidatesOf(
  program: SequenceProgram,
  builder: GraphBuilder,
  isChunked: Test,
  lengthAt: Lengths,
): Candidate[] {
  const { graph } = program;
  const readers = readersOf(graph.nodes);
  const users = (id: NodeId): readonly Node[] => readers.get(id) ?? [];
  const outputs = new Set(program.outputs.map((o) => o.node));
  const loops = graph.nodes.filter((n): n is RecurrenceNode => n.op === "recurrence");
  if (loops.length < 2) return [];
  return loops.flatMap((node, place): Candidate[] => {
    const length = lengthAt(place);
    if (length === null) return [];
    const found = opened(graph, node, users, (id) => outputs.has(id), dependents(graph, node.id));
    const sets = analyse(found.recurrence);
    if (sets.length !== 1 || sets[0]!.carries.length !== 1 || !isChunked(found.recurrence, sets))
      return [];
    const { form } = sets[0]!;
    if (form === null || form.layout.keys.length === 0) return [];
    if (readLevels([form], form.outputs.values()).length > 1) return [];
    return [
      { id: node.id, length, memory: new Memory(builder, found.recurrence, form), opened: found },
    ];
  });
}

/** Each rider with those that it can ride along with; the largest memory leads. */
function groupsOf(graph: Graph, candidates: readonly Candidate[]): Candidate[][] {
  const size = ({ memory }: Candidate): number => constant(sizeOf(memory)) ?? 0;
  const groups: Candidate[][] = [];
  for (const one of [...candidates].sort((a, b) => size(b) - size(a))) {
    const fits = ([leader, ...others]: readonly Candidate[]): boolean =>
      one.length === leader!.length &&
      ridesAlong(one.memory, leader!.memory) &&
      [leader!, ...others].every((c) => !needs(graph, one, [c]) && !needs(graph, c, [one]));
    const group = groups.find(fits);
    if (group === undefined) groups.push([one]);
    else group.push(one);
  }
  return groups.filter((group) => group.length > 1);
}

/** Whether what a recurrence is given depends on results of others. */
function needs(graph: Graph, { memory }: Candidate, others: readonly Candidate[]): boolean {
  const { bindings, carries } = memory.recurrence;
  const roots = [carries[0]!.init, ...bindings.flatMap((x) => ("value" in x ? [x.value] : []))];
  const live = new Set(reachable(graph, roots).map((n) => n.id));
  return others.some((c) => live.has(c.id));
}

/** Groups without those that would need their own results by way of other groups. */
function independent(graph: Graph, groups: readonly Candidate[][]): Candidate[][] {
  const after = groups.map((group) =>
    groups.flatMap((other, i) => (group.some((c) => needs(graph, c, other)) ? [i] : [])),
  );
  return components(groups.length, (i) => after[i]!).flatMap((set) => (set.length === 1 ? [groups[set[0]!]!] : [])); // prettier-ignore
}

/** Merges what `isChunked` says is run by chunks. Sizes must have their numbers. */
function mergeMemories(program: SequenceProgram, isChunked: Test, lengthAt: Lengths): Replaced {
  const { graph } = program;
  const builder = GraphBuilder.extend(graph);
  const groups = independent(
    graph,
    groupsOf(graph, candidatesOf(program, builder, isChunked, lengthAt)),
  );
  if (groups.length === 0) return unchanged(program);

  const instead = new Map<NodeId, NodeId>();
  const origins = new Map(unchanged(program).origins);
  for (const group of groups) {
    builder.origin = graph.nodes[group[0]!.id]!.origin;
    const { finals, recurrence: joint } = emitJoint(builder, group.map((c) => c.memory)); // prettier-ignore
    builder.origin = null;
    origins.set(joint, group.flatMap((c) => origins.get(c.id)!)); // prettier-ignore
    group.forEach(({ memory, opened: { recurrence, results } }, i) => {
      for (const [id, index] of results) {
        const output = recurrence.outputs[index]!;
        instead.set(id, "node" in output ? memory.sequence(memory.form.outputs.get(output.node)!) : finals[i]!); // prettier-ignore
      }
    });
  }
  return replaced(program, builder, instead, origins);
}

/**
 * The program with one loop for states that ride along with each other, and loops of their own for states that need not
 * share one.
 */
export function arrangeMemories(
  program: SequenceProgram,
  isChunked: Test,
  lengthAt: Lengths,
): Replaced {
  const apart = splitLoops(program, isChunked, lengthAt);
  const loops = apart.program.graph.nodes.filter((n) => n.op === "recurrence").map((n) => n.id);
  const together = mergeMemories(apart.program, isChunked, (i) => lengthAt(apart.origins.get(loops[i]!)![0]!)); // prettier-ignore
  const origins = [...together.origins].map(([id, from]) => {
    const all = from.flatMap((i) => apart.origins.get(loops[i]!)!);
    return [id, [...new Set(all)]] as const;
  });
  return { program: together.program, origins: new Map(origins) };
}
