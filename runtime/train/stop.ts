/** When to end a training before its last step. */
import type { Metrics } from "../evaluate.ts";
import type { StopSettings } from "../format/training.ts";
import type { StopMemory } from "./checkpoint.ts";

export const freshStop: StopMemory = { best: null, bestStep: 0, strikes: 0 };

/** The memory after one more evaluation, and why to stop now, if so. */
export function judgeStop(
  settings: StopSettings | null,
  memory: StopMemory,
  metrics: Metrics,
  step: number,
): { readonly memory: StopMemory; readonly reason: string | null } {
  if (settings === null) return { memory, reason: null };
  const { metric, below, above, patience } = settings;
  const value = metrics[metric];
  if (value === undefined) return { memory, reason: null };
  const better = memory.best === null || value < memory.best;
  const next = better
    ? { best: value, bestStep: step, strikes: 0 }
    : { ...memory, strikes: memory.strikes + 1 };
  const reason =
    below !== null && value <= below
      ? `${metric} reached ${below}`
      : above !== null && value >= above
        ? `${metric} reached ${above}`
        : patience !== null && next.strikes >= patience
          ? `no better ${metric} in ${patience} evaluations`
          : null;
  return { memory: next, reason };
}
