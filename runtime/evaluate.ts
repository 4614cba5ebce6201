/** Evaluation: the metrics of a model on a task's validation batches. */
import { problem } from "./catalogue.ts";
import type { ProgramManifest } from "./format/program.ts";
import {
  carryStates,
  entryOf,
  fillInputs,
  fillStates,
  firstStates,
  type Instances,
} from "./instances.ts";
import { suggestion } from "./suggest.ts";
import type { Task } from "./tasks/task.ts";

export interface EvaluateOptions {
  readonly task: Task;
  /** Sequences per batch, for tasks that let one choose. */
  readonly batch: number;
  /** At most this many batches; null: all there are (of a task without end: 16). */
  readonly batches: number | null;
  /** The states are carried from batch to batch, as in training. */
  readonly carry: boolean;
}

export type Metrics = Readonly<Record<string, number>>;

const ENDLESS = 16;

/** A metric as users know it: the program calls it `metric.NAME`, to tell it from the loss and the weight. */
export const metricName = (name: string): string => name.replace(/^metric\./, "");

/** What follows from the loss alone, by name; the loss is in nats per step. */
const derived: Readonly<Record<string, (loss: number) => number>> = {
  bits_per_character: (loss) => loss / Math.LN2,
  perplexity: (loss) => Math.exp(loss),
};

/**
 * The mean of every metric over all steps that count. The compiled evaluation gives sums, and `weight`, how much they are
 * sums of; added up in float64 in the order of the batches. Changes no parameter and no state of a training.
 * @throws DiagnosticError fwp6300 without the entry `evaluate`, fwp6205 for data the task lacks, fwp6207 when no step counts.
 */
export function evaluate(instances: Instances, options: EvaluateOptions): Metrics {
  const { task, batch: size, carry } = options;
  const { manifest } = instances.program;
  const entry = entryOf(manifest, "evaluate");
  const names = entry.outputs.filter((o) => o.role === "metric").map((o) => o.name);
  const there = task.validationBatches(size) ?? options.batches ?? ENDLESS;
  const count = Math.min(there, options.batches ?? Infinity);
  const sums = new Map(names.map((name) => [name, 0]));
  let last: string | null = null;
  for (let index = 0; index < count; index++) {
    const { batch, time, fields } = task.batch("validation", index, size);
    const instance = instances.get("evaluate", { batch, time, past: 0 });
    fillInputs(instance, entry, fields);
    const shape = `${batch} ${time}`;
    if (carry && last === shape) carryStates(instance, entry);
    else fillStates(instance, entry, firstStates(manifest, instances.parameters, batch));
    last = shape;
    instance.run();
    for (const name of names) sums.set(name, sums.get(name)! + instance.output("metric", name)[0]!);
  }
  const weight = sums.get("weight") ?? count;
  if (weight === 0) throw problem("fwp6207", task.name, { task: task.name });
  sums.delete("weight");
  const means: Record<string, number> = {};
  for (const [name, sum] of sums) means[metricName(name)] = sum / weight;
  return means;
}

/** Before a long training: that every metric will be there. @throws DiagnosticError fwp6204. */
export function checkMetrics(
  manifest: ProgramManifest,
  tracked: readonly string[],
  wanted: readonly string[],
): void {
  const { outputs } = entryOf(manifest, "evaluate");
  const measured = outputs.filter((o) => o.role === "metric" && o.name !== "weight");
  const names = [...measured.map((o) => metricName(o.name)), ...tracked];
  selectMetrics(Object.fromEntries(names.map((name) => [name, 0])), wanted);
}

/**
 * The metrics that were asked for, in that order, the loss first in any case; those that follow from the loss are worked
 * out.
 * @throws DiagnosticError fwp6204 for one that is not there.
 */
export function selectMetrics(found: Metrics, wanted: readonly string[]): Metrics {
  const all = new Map(Object.entries(found));
  const loss = all.get("loss");
  if (loss !== undefined) {
    for (const [name, of] of Object.entries(derived)) if (!all.has(name)) all.set(name, of(loss));
  }
  const selected: Record<string, number> = {};
  if (loss !== undefined) selected["loss"] = loss;
  for (const name of wanted) {
    const value = all.get(name);
    if (value === undefined) {
      throw problem("fwp6204", name, { name, ...suggestion(name, all.keys()) });
    }
    selected[name] = value;
  }
  return selected;
}
