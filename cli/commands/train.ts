/** `fwp train`: an experiment from its spec to a checkpoint. */
import { dirname, join } from "node:path";
import type { EntryName } from "../../compiler/pipeline.ts";
import { onInterrupt } from "../../runtime/train/interrupt.ts";
import { reporterFor, silentReporter } from "../../runtime/train/reporter.ts";
import { train } from "../../runtime/train/train.ts";
import type { Configure } from "../commands.ts";
import type { Context } from "../context.ts";
import { deviceOption, chooseDevice, loadStep } from "../devices.ts";
import { EXIT, Exit, UsageError } from "../exit.ts";
import { formOptions, formWish, type FormFlags } from "../forms.ts";
import { printDiagnostics, printJson } from "../output.ts";
import { soundProject } from "../project.ts";
import { parseSettings } from "../settings.ts";
import { chooseExperiment, openExperiment } from "../train/experiment.ts";
import { jsonOption, setOption } from "../train/options.ts";
import { digestOf, notesOf, resumedForm } from "../train/run.ts";

export interface TrainFlags extends FormFlags {
  readonly experiment?: string;
  readonly set: readonly string[];
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly output?: string;
  readonly device: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export async function trainFile(file: string, flags: TrainFlags, context: Context): Promise<void> {
  if (flags.resume === true && flags.overwrite === true) {
    throw new UsageError("--resume and --overwrite exclude each other");
  }
  const device = chooseDevice(flags.device);
  const asked = formWish(flags);
  const settings = parseSettings(flags.set);
  const project = soundProject(file);
  const decl = chooseExperiment(project, flags.experiment);
  const { name, experiment, evaluation, task, warnings } = await openExperiment(
    project,
    decl,
    settings,
    dirname(file),
  );
  if (warnings.length > 0) printDiagnostics(context, warnings, false);
  const { step, values, train: training } = experiment;
  // A tracker sees every answer; a program that carries its states gives them out as it trains.
  const asks = task.tracker !== undefined && !training.carry;
  const entries: readonly EntryName[] = [
    "train",
    "evaluate",
    ...(asks ? ["forward" as const] : []),
  ];
  const directory = flags.output ?? join("runs", name);
  const form = flags.resume === true ? resumedForm(directory, flags, asked) : asked;
  const began = performance.now();
  // Every batch is like the first: what is chosen depends on the spec and its settings only.
  const { batch, time } = task.batch("train", 0, training.batch);
  const sizes = { batch, time };
  const program = loadStep(step, values, device, { entries, train: training, sizes, ...form });
  const compiled = performance.now() - began;
  const screen = {
    isTTY: context.terminal,
    columns: process.stderr.columns,
    write: context.err,
  };
  const interruption = onInterrupt();
  try {
    const result = await train({
      program,
      task,
      settings: training,
      evaluation,
      directory,
      spec: digestOf(step, values),
      existing: flags.resume === true ? "resume" : flags.overwrite === true ? "replace" : "refuse",
      notes: notesOf(project, name, flags.set, form, task, directory),
      reporter: flags.quiet === true ? silentReporter : reporterFor(screen),
      signal: interruption.signal,
    });
    if (flags.json === true) {
      const { status, step: steps, metrics, reason } = result;
      const seconds = {
        compile: Math.round(compiled) / 1000,
        train: Math.round(performance.now() - began - compiled) / 1000,
      };
      const { target } = program.manifest;
      printJson(context, { experiment: name, status, reason, step: steps, metrics, target, seconds, directory }); // prettier-ignore
    }
    if (result.status === "interrupted") throw new Exit(EXIT.interrupted);
  } finally {
    interruption.dispose();
  }
}

export const configure: Configure = (command, context) => {
  command
    .argument("<file>", "the spec")
    .option("--experiment <name>", "which of the file's experiments; the only one by default")
    .option("--resume", "go on with the run in the folder, bit for bit as if it had not ended")
    .option("--overwrite", "replace the run in the folder")
    .option("-o, --output <folder>", "folder of the run (default: runs/<experiment>)")
    .option("-q, --quiet", "no progress");
  jsonOption(deviceOption(formOptions(setOption(command))))
    .addHelpText(
      "after",
      "\nWrites checkpoint.json, its tensors and metrics.jsonl into the folder. Ctrl-C ends after the current" +
        "\nstep with a checkpoint and exit code 130.\n\nExample: fwp train specs/char_lm.fwp --set steps=200 -o runs/short",
    )
    .action((file: string, flags: TrainFlags) => trainFile(file, flags, context));
};
