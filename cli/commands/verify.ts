import type { Command } from "commander";
import type { Context } from "../context.ts";
import { EXIT, Exit, UsageError } from "../exit.ts";
import { specFiles } from "../host.ts";
import { printJson } from "../output.ts";
import { addSetOption, parseSettings } from "../settings.ts";
import { candidatesOn, type Candidates } from "../verify/candidates.ts";
import { verifyFiles, type Request, type Runner } from "../verify/files.ts";
import { QUICK_ROUNDS, ROUNDS } from "../verify/rounds.ts";
import { reportJson, reportText, summarise, summaryText, type Verified } from "../verify/report.ts";
import { UnitRunner, type Unit } from "../verify/units.ts";
import { DEFAULT_JOBS, hasWorkers, runInWorkers, type Watch } from "../verify/workers.ts";

interface Options {
  readonly of?: string;
  readonly set: readonly string[];
  readonly seed: string;
  readonly rounds?: string;
  readonly quick?: boolean;
  readonly device?: string;
  readonly jobs?: string;
  readonly json?: boolean;
}

/** Seeds of later rounds follow on the given one. */
const LARGEST_SEED = 2 ** 31;
const MOST_ROUNDS = 1000;
const MOST_JOBS = 256;

function wholeNumber(option: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= from && value <= to) return value;
  throw new UsageError(`${option} takes a whole number from ${from} to ${to}, not ${text}`);
}

/** Some of the units in this process, one after the other. */
function runHere(
  request: Request,
  candidates: Candidates,
  units: readonly Unit[],
  places: Iterable<number>,
  { doing, done }: Watch,
): void {
  const runner = new UnitRunner(request, candidates);
  for (const place of places) {
    done(
      place,
      runner.run(units[place]!, (text) => doing(place, text)),
    );
  }
}

/** All of them. */
const here =
  (request: Request, candidates: Candidates): Runner =>
  async (units, watch) =>
    runHere(request, candidates, units, units.keys(), watch);

/** In as many processes as are asked for; here if that is one, if it is not worth another, or if there can be none. */
const spread =
  (request: Request, device: string, jobs: number, context: Context): Runner =>
  async (units, watch) => {
    // What is wrong with the device is said once.
    const candidates = candidatesOn(device);
    if (jobs === 1 || units.length === 1 || !hasWorkers()) {
      runHere(request, candidates, units, units.keys(), watch);
      return;
    }
    const left = await runInWorkers(units, { task: request, device, jobs }, watch);
    if (left.length === 0) return;
    context.err("no other process can be started: what is left is verified in this one\n");
    runHere(request, candidates, units, left, watch);
  };

/** The command, perhaps with what is held against the oracle: tests pass programs that are wrong. */
export async function verify(
  files: readonly string[],
  options: Options,
  context: Context,
  candidates: Candidates | null = null,
): Promise<void> {
  const seed = wholeNumber("--seed", options.seed, 0, LARGEST_SEED);
  const quick = options.quick === true;
  const rounds =
    options.rounds === undefined
      ? quick
        ? QUICK_ROUNDS
        : ROUNDS
      : wholeNumber("--rounds", options.rounds, 1, MOST_ROUNDS);
  const settings = parseSettings(options.set);
  const { of } = options;
  const jobs =
    options.jobs === undefined ? DEFAULT_JOBS : wholeNumber("--jobs", options.jobs, 1, MOST_JOBS);
  const request = {
    files,
    settings,
    seed,
    rounds,
    quick,
    ...(of === undefined ? {} : { of }),
  };
  const all: Verified[] = [];
  const run =
    candidates === null
      ? spread(request, options.device ?? "auto", jobs, context)
      : here(request, candidates);
  await verifyFiles(request, context, run, (file, verified) => {
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
      "Runs every layer and model in every form of time on every device, at awkward sizes and on random\n" +
        "numbers, and compares outputs, last states and all gradients with the oracle: the step as the\n" +
        "spec reads, in float64. Takes seconds per layer; --quick for a first look.",
    )
    .argument("<file...>", ".fwp files, or folders of them")
    .option("--of <name>", "only this layer or model");
  addSetOption(command)
    .option("--seed <number>", "draws sizes and numbers", "1")
    .option("--rounds <number>", `choices of sizes for each layer and model (default: ${ROUNDS})`)
    .option("--quick", `small sizes, up to 19 steps, ${QUICK_ROUNDS} rounds`)
    .option(
      "--device <device>",
      "compares this one: native, wasm or typescript (auto: all that work)",
      "auto",
    )
    .option("--jobs <number>", "processes at once (default: one per core)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Forms:    sequential, one loop over time; staged, what depends on no state outside of it; chunk N,
          loops over chunks of N steps, where there is such a form; step, a call per step.
          "cut": in pieces, the state carried from one to the next.
Devices:  by default native code is compiled quickly, without optimisation, and gates are held still on
          typescript alone; with --device native C is compiled as it is to run, which takes longer.
Gates:    where a state decays, "decay 1": the derived form with its decay given as ones, and the form
          that is derived when the decay is known to be one (folded), against the rule without decay;
          "equal decays": the same for a decay per channel that is the same in all channels; "gate 1":
          the same for a sigmoid in states that have one form together.
Sizes:    in six rounds every count and free width is 1, 3, 16, 60 and 64, and lengths are 1, 2, 7, 63,
          64, 65, 100 and 257 steps (form step: up to 7), not all with all. What would be too much work
          is made smaller, the first counts first; what was not tried is said below the table.
Errors:   root mean square of the difference over that of the oracle's value, the worst of all lengths.
          Allowed in f32 1e-5 and, of gradients, 1e-4; in f64 1e-12 and 1e-10.
Numbers:  random; drawn again, up to five times, where the oracle itself, rounding every number to
          float32, is more than an eighth of what is allowed off.
Not comparable: if it still is, a value that is further off than allowed, but by less than 8 times
          what the rounded oracle is (for f64: 2^-29 of that); and results that are near overflow.
          They are counted, and no failure.

Examples:
  fwp verify delta.fwp
  fwp verify delta.fwp --of Delta --set rule=oja --rounds 5 --seed 3
  fwp verify specs --quick --json`,
    )
    .action((files: string[], options: Options) => verify(specFiles(files), options, context));
}
