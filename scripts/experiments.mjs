/**
 * Experiments of the literature, repeated: `npm run experiments -- flip_flop` or `-- retrieval`. Prints what each run came
 * to and a summary; docs/experiments.md says what the numbers are compared with.
 *
 * Options: --seeds N (flip_flop, 10), --steps N (retrieval, 1500), --set NAME=VALUE (any number of times).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { main } from "../dist/cli/main.js";
import { processContext } from "../dist/cli/context.js";
import { specsFolder } from "../dist/cli/install.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "10" },
    steps: { type: "string", default: "1500" },
    set: { type: "string", multiple: true, default: [] },
  },
});
const folder = mkdtempSync(join(tmpdir(), "fwp-experiments-"));

/** One training run through the command line; its summary. */
async function run(file, experiment, settings) {
  let [text, said] = ["", ""];
  const context = {
    ...processContext(),
    out: (piece) => void (text += piece),
    err: (piece) => void (said += piece),
  };
  const sets = [...settings, ...values.set].flatMap((setting) => ["--set", setting]);
  const where = ["-o", join(folder, "run"), "--overwrite", "--quiet", "--json"];
  const spec = join(specsFolder(), file);
  const code = await main(["train", spec, "--experiment", experiment, ...sets, ...where], context);
  if (code !== 0) throw new Error(`fwp train ended with ${code}\n${said}${text}`);
  return JSON.parse(text);
}

const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return null;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

/** Steps until 100 in a row are within 0.05, for both architectures of 1991. */
async function flipFlop() {
  const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
  for (const experiment of ["direct", "from_to"]) {
    const solved = [];
    for (const seed of seeds) {
      const { metrics } = await run("flip_flop.fwp", experiment, [`seed=${seed}`]);
      const found = metrics.solved >= 1;
      if (found) solved.push(metrics.solved_at);
      const how = found ? `solved after ${metrics.solved_at} steps` : `not in ${metrics.solved_at}`;
      console.log(`${experiment}  seed ${seed}  ${how}`);
    }
    const range = `median ${median(solved)}, from ${Math.min(...solved)} to ${Math.max(...solved)}`;
    console.log(`${experiment}: ${solved.length} of ${seeds.length} solved, ${range}\n`);
  }
}

/** Setting 2, 20 keys: what the programming instruction is worth. */
async function retrieval() {
  const ends = [];
  for (const rule of ["delta", "additive"]) {
    const settings = [`rule=${rule}`, `steps=${values.steps}`, "eval.every=500"];
    const { metrics, step, seconds } = await run("retrieval.fwp", "updates", settings);
    ends.push(metrics.loss);
    console.log(
      `${rule}  loss ${metrics.loss.toPrecision(4)} after ${step} steps, ${seconds.train} s`,
    );
  }
  console.log(`additive / delta: ${(ends[1] / ends[0]).toPrecision(3)}`);
}

const experiments = { flip_flop: flipFlop, retrieval };
const asked = positionals.length > 0 ? positionals : Object.keys(experiments);
try {
  for (const name of asked) {
    const found = Object.hasOwn(experiments, name) ? experiments[name] : undefined;
    if (found === undefined) {
      console.error(`unknown: ${name}; there are ${Object.keys(experiments).join(", ")}`);
      process.exitCode = 2;
    } else await found();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
