/**
 * The training loop. A resumed run gives the same bits as one that was never interrupted: batches and first parameters are
 * functions of the seed and a number, evaluation changes nothing, and a checkpoint holds all that goes from step to step.
 */
import { isDeepStrictEqual } from "node:util";
import { join } from "node:path";
import { problem } from "../catalogue.ts";
import type { Data, Program } from "../device/program.ts";
import { checkMetrics, evaluate, type Metrics, selectMetrics } from "../evaluate.ts";
import { makeFolder } from "../files/io.ts";
import type { Tensor } from "../files/safetensors.ts";
import type { EvalSettings, TrainSettings } from "../format/training.ts";
import { Instances, parameterMemory } from "../instances.ts";
import { initialize } from "../parameters/initialise.ts";
import { matchParameters } from "../parameters/match.ts";
import type { Task } from "../tasks/task.ts";
import {
  type Checkpoint,
  hasCheckpoint,
  loadCheckpoint,
  removeOlder,
  removeRun,
  type RunStatus,
  saveCheckpoint,
} from "./checkpoint.ts";
import { MetricsLog } from "./log.ts";
import { type Reporter, silentReporter } from "./reporter.ts";
import { Stepper } from "./step.ts";
import { freshStop, judgeStop } from "./stop.ts";

export interface TrainOptions {
  /** With the entries `train` and `evaluate`, and `forward` for tasks that track the answers. */
  readonly program: Program;
  readonly task: Task;
  readonly settings: TrainSettings;
  readonly evaluation: EvalSettings;
  /** Of checkpoints and metrics.jsonl. Made when it is not there. */
  readonly directory: string;
  /** A digest of what the program was compiled from: a checkpoint of another one is refused. */
  readonly spec: string;
  /** What to do when the folder holds a run: refuse (the default), go on with it, or start over. */
  readonly existing?: "refuse" | "resume" | "replace";
  /** For the caller to find again in the checkpoint. */
  readonly notes?: Readonly<Record<string, string>>;
  readonly reporter?: Reporter;
  /** Aborted: a checkpoint is written after the current step and the training ends as "interrupted". */
  readonly signal?: AbortSignal;
}

export interface TrainResult {
  /** "stopped": by the early stop. */
  readonly status: Exclude<RunStatus, "running"> | "interrupted";
  readonly step: number;
  /** Of the last evaluation. */
  readonly metrics: Metrics;
  readonly parameters: ReadonlyMap<string, Data>;
  /** In words, for the log. */
  readonly reason: string;
}

const show = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

/** A run resumes what it was: the same spec, task and settings, except for how long and how often. */
function checkSame({ record }: Checkpoint, options: TrainOptions): void {
  const { directory, settings, task, spec } = options;
  const same = (name: string, found: unknown, expected: unknown) => {
    if (isDeepStrictEqual(found, expected)) return;
    throw problem("fwp6203", directory, { name, found: show(found), expected: show(expected) });
  };
  same("spec", record.spec, spec);
  same("task", record.task.name, task.name);
  same("options of the task", record.task.options, JSON.parse(JSON.stringify(task.options)));
  // A cosine ends at the last step, so the number of steps is part of it.
  const fixed = ["optimizer", "schedule", "batch", "clip", "seed", "carry"] as const;
  for (const name of fixed) same(name, record.settings[name], settings[name]);
  if (settings.schedule.kind === "cosine") same("steps", record.settings.steps, settings.steps);
}

/** What there is to go on from. */
function previous(options: TrainOptions): Checkpoint | null {
  const { directory, existing = "refuse" } = options;
  if (!hasCheckpoint(directory)) return null;
  if (existing === "replace") {
    removeRun(directory);
    return null;
  }
  const checkpoint = loadCheckpoint(directory);
  if (existing === "refuse") {
    const facts = { path: directory, step: checkpoint.record.step };
    throw problem("fwp6201", directory, facts);
  }
  checkSame(checkpoint, options);
  removeOlder(directory, checkpoint.record);
  return checkpoint;
}

/** How long the loop may keep the process from hearing a signal, in milliseconds. */
const BREATH = 50;
const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * Trains until the last step, an early stop, or an interruption. Writes `checkpoint.json` with its tensors and
 * `metrics.jsonl` into the folder.
 * @throws DiagnosticError fwp6200 when a loss is not finite (the last checkpoint remains), fwp6201 when the folder holds a
 * run, fwp6203 when it holds another one, fwp6204–fwp6207, fwp6300, and those of files.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { program, task, settings, evaluation, directory, spec } = options;
  const { notes = {}, reporter = silentReporter, signal } = options;
  const { manifest } = program;
  makeFolder(directory);
  const before = previous(options);
  const first =
    before === null
      ? initialize(manifest, settings.seed)
      : matchParameters(manifest, before.tensors, directory);
  const instances = new Instances(program, parameterMemory(manifest, first, program.allocate));
  const tracker = task.tracker?.() ?? null;
  const tracked = Object.keys(tracker?.metrics() ?? {});
  const stopping = evaluation.stop === null ? [] : [evaluation.stop.metric];
  const wanted = [...new Set([...evaluation.metrics, ...stopping, ...tracked])];
  checkMetrics(manifest, tracked, wanted);
  const stepper = new Stepper(instances, task, settings, tracker);
  let stop = before?.record.stop ?? freshStop;
  let metrics: Metrics = before?.record.metrics ?? {};
  let step = before?.record.step ?? 0;
  if (before !== null) {
    stepper.load(before.tensors);
    tracker?.load(before.record.tracker);
  }
  const log = new MetricsLog(join(directory, "metrics.jsonl"));
  log.truncate(step);

  const save = (status: RunStatus) => {
    // The log first: a checkpoint's lines are always there when it is.
    log.flush();
    const tensors = new Map<string, Tensor>(stepper.save());
    for (const { name, shape } of manifest.parameters) {
      const data = instances.parameters.get(name);
      if (data !== undefined) tensors.set(name, { shape, data });
    }
    saveCheckpoint(directory, tensors, {
      step,
      status,
      spec,
      settings,
      task: { name: task.name, options: task.options },
      alphabet: task.text?.alphabet ?? null,
      metrics,
      stop,
      tracker: tracker?.save() ?? {},
      notes,
    });
  };
  const done = (status: TrainResult["status"], reason: string): TrainResult => {
    reporter.end(step, reason);
    return { status, step, metrics, parameters: instances.parameters, reason };
  };

  reporter.start({
    name: manifest.name,
    task: task.description,
    target: manifest.target,
    parameters: manifest.parameters.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0),
    steps: settings.steps,
    from: step,
    directory,
  });
  if (before?.record.status === "stopped") return done("stopped", "stopped early before");
  if (step >= settings.steps) return done("finished", "already finished");

  const interval =
    settings.checkpoint ??
    (evaluation.every > 0 ? evaluation.every : Math.ceil(settings.steps / 10));
  let breath = performance.now();
  while (step < settings.steps) {
    const taken = stepper.take(step + 1);
    step++;
    log.add({ step, split: "train", metrics: taken });
    reporter.step(step, taken);
    const last = step === settings.steps;
    const due = last || (evaluation.every > 0 && step % evaluation.every === 0);
    let reason: string | null = null;
    if (due) {
      const { batch, carry } = settings;
      const found = evaluate(instances, { task, batch, batches: evaluation.batches, carry });
      metrics = selectMetrics({ ...found, ...tracker?.metrics() }, wanted);
      log.add({ step, split: "validation", metrics });
      reporter.evaluated(step, metrics);
      ({ memory: stop, reason } = judgeStop(evaluation.stop, stop, metrics, step));
    }
    if (reason !== null) {
      save("stopped");
      return done("stopped", `stopped early: ${reason}`);
    }
    if (last) break;
    const saving = step % interval === 0;
    if (saving) save("running");
    if (performance.now() - breath > BREATH) {
      log.flush();
      await breathe();
      breath = performance.now();
    }
    if (signal?.aborted === true) {
      if (!saving) save("running");
      return done("interrupted", "interrupted; a checkpoint was written");
    }
  }
  save("finished");
  return done("finished", "finished");
}
