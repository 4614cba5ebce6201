/** What tests ask of a program's loops over time. */
import type { SequenceProgram } from "../../compiler/graph/index.ts";

/** The batches that they run over: with heads among them once they run head by head. */
export const batches = ({ graph }: SequenceProgram): string[] =>
  graph.nodes.flatMap((n) => (n.op === "recurrence" ? [n.recurrence.batch.key] : []));
