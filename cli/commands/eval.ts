/** `fwp eval`: how well a trained model does. */
import { statSync } from "node:fs";
import { evaluate, selectMetrics } from "../../runtime/evaluate.ts";
import { showMetrics } from "../../runtime/train/reporter.ts";
import type { Configure } from "../commands.ts";
import type { Context } from "../context.ts";
import { deviceOption, chooseDevice, loadStep } from "../devices.ts";
import { UsageError } from "../exit.ts";
import { asksForForm, formOptions, formWish, type FormFlags } from "../forms.ts";
import { printJson } from "../output.ts";
import { soundProject } from "../project.ts";
import { jsonOption, numberOption, setOption } from "../train/options.ts";
import { checkpointInstances, openRun, runTask } from "../train/run.ts";

interface EvalFlags extends FormFlags {
  readonly checkpoint?: string;
  readonly set: readonly string[];
  readonly batches?: number;
  readonly device: string;
  readonly json?: boolean;
}

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

async function evaluateRun(path: string, flags: EvalFlags, context: Context): Promise<void> {
  const named = flags.checkpoint;
  if (named === undefined && !isFolder(path) && path.endsWith(".fwp")) {
    throw new UsageError("name the run of the spec with --checkpoint");
  }
  const device = chooseDevice(flags.device);
  const asked = formWish(flags);
  const saved = openRun(named ?? path);
  // A spec that is named beside the run is read in place of the one that the run keeps.
  const fresh = named !== undefined && named !== path ? soundProject(path) : null;
  const run = fresh === null ? saved : { ...saved, project: fresh };
  const { experiment, evaluation, task } = await runTask(run, flags.set);
  const { step, values, train } = experiment;
  // As the training measured it, unless flags or another spec ask for something else.
  const trained = asksForForm(flags) || fresh !== null ? undefined : saved.source.form;
  const form = trained ?? asked;
  const { batch, time } = task.batch("train", 0, train.batch);
  const sizes = { batch, time };
  const program = loadStep(step, values, device, { entries: ["evaluate"], train, sizes, ...form });
  const found = evaluate(checkpointInstances(program, run), {
    task,
    batch: train.batch,
    batches: flags.batches ?? evaluation.batches,
    carry: train.carry,
  });
  // A task's own measure watches the training; it is as the training left it.
  const tracked = Object.keys(task.tracker?.().metrics() ?? {});
  const { record } = run.checkpoint;
  const kept = Object.entries(record.metrics).filter(([name]) => tracked.includes(name));
  const all = { ...found, ...Object.fromEntries(kept) };
  const metrics = selectMetrics(all, [
    ...new Set([...evaluation.metrics, ...kept.map(([n]) => n)]),
  ]);
  if (flags.json === true) printJson(context, { step: record.step, metrics });
  else context.out(`step ${record.step}  ${showMetrics(metrics)}\n`);
}

export const configure: Configure = (command, context) => {
  command
    .argument("<path>", "the folder of a run, or a spec together with --checkpoint")
    .option("--checkpoint <folder>", "the folder of a run")
    .option("--batches <n>", "validation batches (default: as the experiment says)", numberOption("integer", 1)); // prettier-ignore
  jsonOption(deviceOption(formOptions(setOption(command))))
    .addHelpText(
      "after",
      "\nExample: fwp eval runs/char_lm --set task.length=512 compares with longer sequences.",
    )
    .action((path: string, flags: EvalFlags) => evaluateRun(path, flags, context));
};
