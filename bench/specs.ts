/** Specs on disk, compiled: the same way as the command line takes them. */
import { experimentTask, instantiateExperiment } from "../compiler/check/experiments.ts";
import { instantiate } from "../compiler/check/instantiate.ts";
import { loadProject, type Project } from "../compiler/check/project.ts";
import { parseExpression, splitSetting, type Setting } from "../compiler/check/settings.ts";
import type { StepProgram } from "../compiler/graph/ir.ts";
import {
  compileStep,
  fixSizes,
  type Compiled,
  type EntryName,
  type Form,
} from "../compiler/pipeline.ts";
import { describeTask, environment } from "../cli/environment.ts";
import { diskHost, readSpec } from "../cli/host.ts";
import { specsFolder } from "../cli/install.ts";
import { loadEntries, machineOf, type Target } from "../cli/targets.ts";
import { DiagnosticError, type Diagnostic } from "../diagnostics/diagnostic.ts";
import { fillInputs, Instances, parameterMemory } from "../runtime/instances.ts";
import type { Instance, Program } from "../runtime/device/program.ts";
import type { TrainSettings } from "../runtime/format/training.ts";
import { initialize } from "../runtime/parameters/initialise.ts";
import { makeTask } from "../runtime/tasks/registry.ts";
import type { Batch, Task } from "../runtime/tasks/task.ts";
import { join } from "node:path";

/** A file of `specs/`, or text of one's own that imports the library. */
export type Spec = { readonly file: string } | { readonly text: string };

function open(spec: Spec): Project {
  if ("text" in spec) return loadProject("bench.fwp", spec.text, diskHost);
  const path = join(specsFolder(), spec.file);
  return loadProject(path, readSpec(path), diskHost);
}

function refuse(diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new DiagnosticError(errors);
}

const settingsOf = (texts: readonly string[]): Setting[] =>
  texts.map((text) => {
    const { path, value } = splitSetting(text)!;
    return { path, value: parseExpression(value, "bench").value! };
  });

/** A program that is ready to run, and how long it took to get there. */
export interface Ready {
  readonly compiled: Compiled;
  readonly program: Program;
  readonly instances: Instances;
  readonly seconds: number;
}

function ready(compiled: Compiled, target: Target, started: number): Ready {
  const { manifest } = compiled;
  const program = loadEntries(target, compiled.entries, manifest);
  const seconds = (performance.now() - started) / 1000;
  const parameters = parameterMemory(manifest, initialize(manifest, 1), program.allocate);
  return { compiled, program, instances: new Instances(program, parameters), seconds };
}

/** A layer or model by name, with the entries asked for. */
export function layer(
  spec: Spec,
  name: string,
  settings: readonly string[],
  entries: readonly EntryName[],
  {
    target = "typescript",
    form = "auto",
    chunk,
  }: { target?: Target; form?: Form; chunk?: number } = {},
): Ready {
  const started = performance.now();
  const project = open(spec);
  refuse(project.diagnostics);
  const made = instantiate(project, name, settingsOf(settings));
  refuse(made.diagnostics);
  if (!("step" in made)) throw new Error(`${name} has no program`);
  const compiled = compileStep(made.step, made.values, {
    entries,
    form,
    ...(chunk === undefined ? {} : { chunk }),
    machine: machineOf(target),
  });
  return ready(compiled, target, started);
}

export interface Experiment extends Ready {
  readonly task: Task;
  readonly train: TrainSettings;
}

/** A layer or model by name, as a step with numbers for its sizes. */
export function stepOf(spec: Spec, name: string, settings: readonly string[]): StepProgram {
  const project = open(spec);
  refuse(project.diagnostics);
  const made = instantiate(project, name, settingsOf(settings));
  refuse(made.diagnostics);
  if (!("step" in made)) throw new Error(`${name} has no program`);
  return fixSizes(made.step, made.values);
}

/** An experiment by name, ready for a training step. The task's text is loaded outside the time taken. */
export async function experiment(
  spec: Spec,
  name: string,
  settings: readonly string[] = [],
  entries: readonly EntryName[] = ["train"],
  target: Target = "typescript",
): Promise<Experiment> {
  let started = performance.now();
  const env = environment(specsFolder());
  const project = open(spec);
  refuse(project.diagnostics);
  const decl = project.main.own.get(name);
  if (decl?.kind !== "experiment") throw new Error(`there is no experiment ${name}`);
  const given = settingsOf(settings);
  const asked = experimentTask(project, decl, given, env);
  refuse(asked.diagnostics);
  const loading = performance.now();
  const task = await makeTask(asked.task!.settings, { directory: specsFolder(), seed: 1 });
  started += performance.now() - loading;
  const made = instantiateExperiment(project, decl, given, env, describeTask(task));
  refuse(made.diagnostics);
  if (!("step" in made)) throw new Error(`${name} has no program`);
  const { step, values, train } = made;
  const compiled = compileStep(step, values, { entries, train, machine: machineOf(target) });
  return { ...ready(compiled, target, started), task, train };
}

/** The character model as it has always been measured here, whatever the experiment in specs/ trains now. */
const CHARACTERS = [
  "model.width=64",
  "model.depth=2",
  "task.length=128",
  "batch=4",
  "optimizer=adamw(rate: 4e-3)",
];

export const characterModel = (
  entries: readonly EntryName[] = ["train"],
  target: Target = "typescript",
): Promise<Experiment> =>
  experiment({ file: "char_lm.fwp" }, "char_lm", CHARACTERS, entries, target);

/** An instance of a training step with a batch in place; `rate` and step 1 as its scalars. */
export function trainingInstance(made: Experiment, batch: Batch): Instance {
  const entry = made.compiled.manifest.entries.find((e) => e.name === "train")!;
  const instance = made.instances.make("train", { batch: batch.batch, time: batch.time, past: 0 });
  fillInputs(instance, entry, batch.fields);
  instance.input("scalar", "learning_rate")[0] = made.train.optimizer.rate;
  if (entry.inputs.some((i) => i.role === "scalar" && i.name === "step")) {
    instance.input("scalar", "step")[0] = 1;
  }
  return instance;
}
