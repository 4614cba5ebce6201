/** One training step after another: batch in, program run, metrics out, states carried. Knows nothing of files. */
import type { Data, Instance } from "../device/program.ts";
import type { EntrySpec } from "../format/program.ts";
import type { TrainSettings } from "../format/training.ts";
import type { Tensor } from "../files/safetensors.ts";
import { metricName, type Metrics } from "../evaluate.ts";
import type { Batch, Task, Tracker } from "../tasks/task.ts";
import { problem } from "../catalogue.ts";
import {
  carryStates,
  entryOf,
  fillInputs,
  fillStates,
  firstStates,
  type Instances,
} from "../instances.ts";
import { suggestion } from "../suggest.ts";
import { learningRate } from "../optimizers.ts";

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

export class Stepper {
  readonly #instances: Instances;
  readonly #entry: EntrySpec;
  readonly #task: Task;
  readonly #settings: TrainSettings;
  readonly #tracker: Tracker | null;
  #instance: Instance | null = null;
  /** What the last batch left, until the next one has its instance: moments, and states when they are carried. */
  #kept: Map<string, Data> = new Map();

  /** @throws DiagnosticError fwp6300 without the entry `train`, fwp6206 when a growing state should be carried. */
  constructor(instances: Instances, task: Task, settings: TrainSettings, tracker: Tracker | null) {
    const { manifest } = instances.program;
    this.#instances = instances;
    this.#entry = entryOf(manifest, "train");
    const fields = task.fields.map((field) => field.name);
    for (const { role, name } of this.#entry.inputs) {
      if (role !== "input" || fields.includes(name)) continue;
      throw problem("fwp6205", manifest.name, { name, ...suggestion(name, fields) });
    }
    this.#task = task;
    this.#settings = settings;
    this.#tracker = tracker;
    const growing = settings.carry ? manifest.states.find((s) => s.growing) : undefined;
    if (growing !== undefined) throw problem("fwp6206", manifest.name, { name: growing.name });
  }

  /** The instance for a batch of these sizes. A training keeps one; should a task change sizes, the memory moves over. */
  #prepare(batch: number, time: number): Instance {
    const old = this.#instance;
    if (old !== null && old.sizes.batch === batch && old.sizes.time === time) return old;
    if (old !== null) this.#kept = this.#memory();
    const made = this.#instances.make("train", { batch, time, past: 0 });
    const { manifest } = this.#instances.program;
    const first = firstStates(manifest, this.#instances.parameters, batch);
    fillStates(made, this.#entry, first);
    for (const { role, name } of this.#entry.inputs) {
      const kept = this.#kept.get(`${role}:${name}`);
      const memory = kept === undefined ? null : made.input(role, name);
      // States of a batch of another size start afresh.
      if (kept !== undefined && memory?.length === kept.length) memory.set(kept);
    }
    this.#instance = made;
    return made;
  }

  /** Moments and carried states as they are now. */
  #memory(): Map<string, Data> {
    const memory = new Map(this.#kept);
    if (this.#instance === null) return memory;
    for (const { role, name } of this.#entry.inputs) {
      if (role !== "optimizer" && !(role === "state" && this.#settings.carry)) continue;
      memory.set(`${role}:${name}`, this.#instance.input(role, name));
    }
    return memory;
  }

  /** What the model answers to a batch before it learns from it, when the training step does not say so itself. */
  #answer(train: Instance, batch: Batch): Data | null {
    const { manifest } = this.#instances.program;
    const entry = entryOf(manifest, "forward");
    const output = entry.outputs.find((o) => o.role === "output");
    if (output === undefined) return null;
    const forward = this.#instances.get("forward", train.sizes);
    fillInputs(forward, entry, batch.fields);
    fillStates(forward, entry, firstStates(manifest, this.#instances.parameters, batch.batch));
    for (const { role, name } of this.#entry.inputs) {
      if (role !== "state" || !this.#settings.carry) continue;
      if (entry.inputs.some((input) => input.role === role && input.name === name)) {
        forward.input(role, name).set(train.input(role, name));
      }
    }
    forward.run();
    return forward.output("output", output.name);
  }

  /**
   * Takes step `step` (from 1): parameters and moments change in place. Gives every metric the program has.
   * @throws DiagnosticError fwp6200 when a metric is not finite, fwp6205 and fwp6032 for a batch that does not fit.
   */
  take(step: number): Metrics {
    const { optimizer, schedule, batch: size, steps, carry } = this.#settings;
    const batch = this.#task.batch("train", step - 1, size);
    const instance = this.#prepare(batch.batch, batch.time);
    fillInputs(instance, this.#entry, batch.fields);
    // A program that carries nothing usually makes its first states itself.
    if (!carry && this.#entry.inputs.some(({ role }) => role === "state")) {
      const { manifest } = this.#instances.program;
      const first = firstStates(manifest, this.#instances.parameters, batch.batch);
      fillStates(instance, this.#entry, first);
    }
    const scalars: Readonly<Record<string, number>> = {
      learning_rate: optimizer.rate * learningRate(schedule, step, steps),
      step,
    };
    for (const { role, name } of this.#entry.inputs) {
      const value = role === "scalar" ? scalars[name] : undefined;
      if (value !== undefined) instance.input("scalar", name)[0] = value;
    }
    const own = this.#entry.outputs.find((o) => o.role === "output");
    const asked = this.#tracker !== null && own === undefined;
    const answer = asked ? this.#answer(instance, batch) : null;
    instance.run();
    const output = own === undefined ? answer : instance.output("output", own.name);
    if (output !== null) this.#tracker?.observe(batch, output, step - 1);
    const metrics: Record<string, number> = {};
    for (const { role, name } of this.#entry.outputs) {
      if (role === "metric") metrics[metricName(name)] = instance.output("metric", name)[0]!;
    }
    for (const [metric, value] of Object.entries(metrics)) {
      if (Number.isFinite(value)) continue;
      throw problem("fwp6200", this.#task.name, { step, metric, value: String(value) });
    }
    if (carry) carryStates(instance, this.#entry);
    return metrics;
  }

  /** Moments and carried states, for a checkpoint. */
  save(): Map<string, Tensor> {
    const { manifest } = this.#instances.program;
    const shapes = new Map<string, readonly number[]>();
    for (const { name, shape } of manifest.parameters) shapes.set(name, shape);
    const shapeOf = (key: string, length: number): readonly number[] => {
      const [role, name] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
      // `MOMENT.PARAMETER`; moments are named without a dot.
      const shape =
        role === "optimizer"
          ? shapes.get(name.slice(name.indexOf(".") + 1))
          : manifest.states.find((state) => state.name === name)?.shape;
      if (shape === undefined) return [length];
      if (role === "optimizer") return product(shape) === length ? shape : [length];
      return [length / product(shape), ...shape];
    };
    const tensors = new Map<string, Tensor>();
    for (const [key, data] of this.#memory()) {
      tensors.set(key, { shape: shapeOf(key, data.length), data });
    }
    return tensors;
  }

  /** The same, back from a checkpoint. Before the first step. */
  load(tensors: ReadonlyMap<string, Tensor>): void {
    for (const [key, { data }] of tensors) {
      if (/^(optimizer|state):/.test(key)) this.#kept.set(key, data);
    }
  }
}
