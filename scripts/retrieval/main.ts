/**
 * `npm run retrieval`: associative retrieval as published, beside the released figures. One run after another, each a
 * `fwp train` of its own; what is done is in docs/retrieval.json and not done again, what was cut is gone on with when
 * more time is given. Writes docs/retrieval.md too.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { packageRoot, specsFolder } from "../../cli/install.ts";
import { readOptions, refuse } from "../../bench/options.ts";
import { CELLS, keyOf, type Cell, type Outcome, type Outcomes } from "./cells.ts";
import { retrievalTable } from "./page.ts";

const HELP = `Usage: npm run retrieval -- [options]

  --minutes N   the most that one run may take in all; those cut before go on (default 10)
  --only TEXT   runs whose name contains the text, such as "DPFP-1" or "20 pairs"
  --device D    as for fwp train (default auto)
  --list        names the runs and what is known of them
  --help        this text`;

const root = packageRoot();
const RESULTS = join(root, "docs", "retrieval.json");
const PAGE = join(root, "docs", "retrieval.md");

const folderOf = (cell: Cell): string =>
  join(root, "runs", "retrieval", keyOf(cell).replaceAll(/[^\w]+/gu, "_"));

function load(): Outcomes {
  return existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, "utf8")) as Outcomes) : {};
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

async function save(outcomes: Outcomes): Promise<void> {
  const sorted = CELLS.flatMap((cell) => {
    const found = outcomes[keyOf(cell)];
    return found === undefined ? [] : [[keyOf(cell), found] as const];
  });
  const style = { printWidth: 100 };
  const json = await format(JSON.stringify(Object.fromEntries(sorted)), { ...style, parser: "json" }); // prettier-ignore
  replaceFile(RESULTS, json);
  const table = `<!-- generated: retrieval -->\n\n${retrievalTable(outcomes)}\n\n<!-- end -->`;
  const page = readFileSync(PAGE, "utf8").replace(
    /<!-- generated: retrieval -->[\s\S]*?<!-- end -->/u,
    () => table,
  );
  replaceFile(PAGE, await format(page, { ...style, parser: "markdown" }));
}

interface Summary {
  readonly status: "finished" | "stopped" | "interrupted";
  readonly reason: string;
  readonly step: number;
  readonly seconds: { readonly train: number };
}

interface LogLine {
  readonly step: number;
  readonly split: string;
  readonly loss: number;
}

/** What a run ended with; null when the time was over before training began, or the process broke off. */
type Ended = { readonly summary: Summary | null; readonly failed: boolean };

/** Trains for at most so many seconds. */
function train(cell: Cell, seconds: number, device: string): Promise<Ended> {
  const folder = folderOf(cell);
  const going = existsSync(join(folder, "checkpoint.json")) ? ["--resume"] : [];
  const sets = cell.settings.flatMap((setting) => ["--set", setting]);
  const args = ["train", join(specsFolder(), "retrieval.fwp"), "--experiment", cell.experiment, ...sets, ...going, "-o", folder, "--quiet", "--json", "--device", device]; // prettier-ignore
  const child = spawn(process.execPath, [join(root, "dist", "bin", "fwp.js"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const timer = setTimeout(() => child.kill("SIGINT"), 1000 * seconds);
  let text = "";
  child.stdout.on("data", (piece: Buffer) => (text += piece.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      const done = code === 0 || code === 130;
      // Ended by the signal itself: it came before there was anything to save.
      resolve({ summary: done ? (JSON.parse(text) as Summary) : null, failed: !done && code !== null }); // prettier-ignore
    });
  });
}

/** What the run's own log says of it. */
function outcomeOf(cell: Cell, summary: Summary, before: Outcome | undefined): Outcome | null {
  const lines = readFileSync(join(folderOf(cell), "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  const found = lines
    .map((line) => JSON.parse(line) as LogLine)
    .filter((line) => line.split === "validation");
  const [first, ...rest] = found;
  if (first === undefined) return null;
  const best = rest.reduce((a, b) => (b.loss < a.loss ? b : a), first);
  return {
    loss: best.loss,
    at: best.step,
    step: summary.step,
    ended: summary.status === "interrupted" ? null : summary.reason,
    seconds: (before?.seconds ?? 0) + summary.seconds.train,
  };
}

const say = (outcome: Outcome): string =>
  `loss ${outcome.loss.toPrecision(3)} at step ${outcome.at} of ${outcome.step}, ${outcome.ended ?? "time was over"}, ${Math.round(outcome.seconds)} s`;

/** Exit code. */
async function main(): Promise<number> {
  const values = readOptions(
    {
      minutes: { type: "string", default: "10" },
      only: { type: "string", default: "" },
      device: { type: "string", default: "auto" },
      list: { type: "boolean", default: false },
    },
    HELP,
  );
  const minutes = Number(values.minutes);
  const cells = CELLS.filter((cell) => keyOf(cell).includes(values.only));
  if (!(minutes > 0)) refuse("--minutes takes a number above 0");
  if (cells.length === 0) refuse(`no run has \`${values.only}\` in its name; --list names them`);
  let outcomes = load();
  // Small ones first: an early end leaves as much as possible.
  for (const cell of cells.toSorted((a, b) => a.pairs - b.pairs)) {
    const key = keyOf(cell);
    const before = outcomes[key];
    if (values.list || (before !== undefined && before.ended !== null)) {
      console.log(`${key}: ${before === undefined ? "not run" : say(before)}`);
      continue;
    }
    const left = 60 * minutes - (before?.seconds ?? 0);
    if (left <= 0) continue;
    const { summary, failed } = await train(cell, left, values.device);
    if (failed) {
      console.error(`${key}: the training failed`);
      return 1;
    }
    const outcome = summary === null ? null : outcomeOf(cell, summary, before);
    if (outcome === null) {
      console.log(`${key}: the time was over before the first evaluation`);
      continue;
    }
    outcomes = { ...outcomes, [key]: outcome };
    await save(outcomes);
    console.log(`${key}: ${say(outcome)}`);
  }
  return 0;
}

process.exitCode = await main();
