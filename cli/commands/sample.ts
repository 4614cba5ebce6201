/** `fwp sample`: text from a trained character model, one step at a time. */
import { sample, sampleOptions } from "../../runtime/sample.ts";
import { Session } from "../../runtime/session.ts";
import { textCodec } from "../../runtime/tasks/codec.ts";
import type { Configure } from "../commands.ts";
import type { Context } from "../context.ts";
import { deviceOption, chooseDevice, loadStep } from "../devices.ts";
import { UsageError } from "../exit.ts";
import { printJson } from "../output.ts";
import { trainProblem } from "../train/catalogue.ts";
import { jsonOption, numberOption } from "../train/options.ts";
import { checkpointInstances, modelStep, openRun, runExperiment } from "../train/run.ts";

interface SampleFlags {
  readonly checkpoint?: string;
  readonly prompt: string;
  readonly length: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly seed: number;
  readonly device: string;
  readonly json?: boolean;
}

function sampleRun(given: string | undefined, flags: SampleFlags, context: Context): void {
  const path = flags.checkpoint ?? given;
  if (path === undefined) throw new UsageError("name the folder of a run");
  const device = chooseDevice(flags.device);
  const run = openRun(path);
  const { alphabet } = run.checkpoint.record;
  if (alphabet === null) throw trainProblem("fwp8202", path, { path });
  const step = modelStep(runExperiment(run));
  const program = loadStep(step, () => undefined, device, { entries: ["step"] });
  const session = new Session(program, checkpointInstances(program, run));
  const { prompt, length, temperature, topK = null, seed } = flags;
  const options = { length, temperature, top_k: topK, seed };
  const pieces = sample(session, program.manifest, textCodec(alphabet), prompt, options);
  if (flags.json === true) {
    printJson(context, { prompt, text: [...pieces].join("") });
    return;
  }
  context.out(prompt);
  for (const piece of pieces) context.out(piece);
  context.out("\n");
}

export const configure: Configure = (command, context) => {
  const { length, temperature, seed } = sampleOptions;
  const whole = numberOption("integer", 0);
  command
    .argument("[folder]", "the folder of a run")
    .option("--checkpoint <folder>", "the folder of a run")
    .option("--prompt <text>", "what the model reads first", "")
    .option("--length <n>", length.about, whole, length.default)
    .option("--temperature <x>", temperature.about, numberOption("number", 0), temperature.default)
    .option("--top-k <k>", "draw only among so many likeliest", numberOption("integer", 1))
    .option("--seed <n>", seed.about, whole, seed.default);
  jsonOption(deviceOption(command))
    .addHelpText("after", '\nExample: fwp sample runs/char_lm --prompt "Call me " --length 300')
    .action((folder: string | undefined, flags: SampleFlags) => sampleRun(folder, flags, context));
};
