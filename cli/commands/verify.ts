import type { Command } from "commander";
import type { Context } from "../context.ts";
import { EXIT, Exit, UsageError } from "../exit.ts";
import { printJson } from "../output.ts";
import { addSetOption, parseSettings } from "../settings.ts";
import { candidatesOn, type Candidates } from "../verify/candidates.ts";
import { verifyFiles } from "../verify/files.ts";
import { reportJson, reportText, summarise, summaryText, type Verified } from "../verify/report.ts";

interface Options {
  readonly of?: string;
  readonly set: readonly string[];
  readonly seed: string;
  readonly rounds: string;
  readonly device?: string;
  readonly json?: boolean;
}

/** Seeds of later rounds follow on the given one. */
const LARGEST_SEED = 2 ** 31;
const MOST_ROUNDS = 1000;

function wholeNumber(option: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= from && value <= to) return value;
  throw new UsageError(`${option} takes a whole number from ${from} to ${to}, not ${text}`);
}

/** The command, with what is held against the oracle as an argument: tests pass programs that are wrong. */
export function verify(
  files: readonly string[],
  options: Options,
  context: Context,
  candidates: Candidates = candidatesOn(options.device ?? "auto"),
): void {
  const seed = wholeNumber("--seed", options.seed, 0, LARGEST_SEED);
  const rounds = wholeNumber("--rounds", options.rounds, 1, MOST_ROUNDS);
  const settings = parseSettings(options.set);
  const { of } = options;
  const request = {
    files,
    settings,
    seed,
    rounds,
    candidates,
    ...(of === undefined ? {} : { of }),
  };
  const all: Verified[] = [];
  verifyFiles(request, context, (file, verified) => {
    all.push(...verified);
    if (options.json === true || verified.length === 0) return;
    context.out(`${files.length > 1 ? `${file}\n` : ""}${reportText(verified)}\n`);
  });
  if (options.json === true) printJson(context, reportJson(all));
  else context.out(summaryText(all));
  if (summarise(all).failed > 0) throw new Exit(EXIT.bad);
}

export function configure(command: Command, context: Context): void {
  command
    .description(
      "Runs every layer and model in every form of time on every device, at small random sizes and on\n" +
        "random numbers, and compares outputs, last states and all gradients with the oracle: the step\n" +
        "as the spec reads, in float64.",
    )
    .argument("<file...>", ".fwp files")
    .option("--of <name>", "only this layer or model");
  addSetOption(command)
    .option("--seed <number>", "draws sizes and numbers", "1")
    .option("--rounds <number>", "choices of sizes for each layer and model", "2")
    .option(
      "--device <device>",
      "compares this one: native or typescript (auto: all that work)",
      "auto",
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Forms:    sequential, one loop over time; staged, what depends on no state outside of it; chunk N,
          loops over chunks of N steps, where there is such a form; step, a call per step.
          "cut": in pieces, the state carried from one to the next.
Errors:   root mean square of the difference over that of the oracle's value, the worst of all
          lengths: 1, 2, 7 and 19 steps (form step: up to 7). Allowed in f32 1e-5 and, of gradients,
          1e-4; in f64 1e-11 and 1e-9; more where rounding the inputs changes the results by more.
Values that overflow in the oracle too are not comparable, and no failure.

Examples:
  fwp verify delta.fwp
  fwp verify delta.fwp --of Delta --set rule=oja --rounds 5 --seed 3
  fwp verify specs/*.fwp --json`,
    )
    .action((files: string[], options: Options) => verify(files, options, context));
}
