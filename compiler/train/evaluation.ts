/** How well a program does: the same objective as in training, as sums that add up over batches. */
import type { SequenceProgram } from "../graph/program.ts";
import { emit, finish, startObjective, type ObjectiveOptions } from "./objective.ts";

/**
 * Of a program with the outputs that `trainingProgram` asks for. Outputs, role `metric`: `loss` (Σ weight · loss), `weight`
 * (Σ weight; batch · time if the step has none) and `metric.NAME` (Σ weight · metric); with `carry` the final states; the
 * outputs asked for.
 */
export function evaluationProgram(
  program: SequenceProgram,
  options: ObjectiveOptions,
): SequenceProgram {
  const draft = startObjective(program, options);
  for (const [name, node] of draft.sums) emit(draft, "metric", name, node);
  emit(draft, "metric", "weight", draft.weight);
  return finish(draft, `${program.name}.evaluate`);
}
