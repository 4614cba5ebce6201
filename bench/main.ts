/**
 * `npm run bench`: the training step of the demo model against TensorFlow.js, what its parts reach, and the peers.
 * Exit code 1 when a goal is missed.
 */
import { profileText } from "../cli/profile/text.ts";
import { scalarCeiling } from "./ceiling.ts";
import { demo, profileDemo } from "./demo.ts";
import { FULL, QUICK } from "./measure.ts";
import { short } from "./format.ts";
import { readOptions, refuse } from "./options.ts";
import { keepResults, writePage } from "./pages.ts";
import { PEER_HELP, PEER_OPTIONS, peersCommand } from "./peers/command.ts";
import { demoLines, newResults, RATIO_GOAL, rowLine } from "./report.ts";
import type { Row } from "./parts.ts";
import { GROUPS } from "./rows.ts";

const SHOWN_KERNELS = 25;

const names = ["demo", ...GROUPS.map((g) => g.name), "peers"];
const PARTS = [
  "demo: the training step of the demo model against TensorFlow.js",
  ...GROUPS.map((g) => `${g.name}: ${g.about}`),
  "peers: the same work in other libraries, where they are installed",
];
const HELP = `Usage: npm run bench -- [options]

  --quick       fewer rounds; writes nothing
  --only NAME   one part; writes nothing but for peers
  --profile     the kernels of the demo's training step, nothing else
  --page        docs/benchmarks.md from results on disk, nothing else
  --json        prints everything for tools
  --help        this text

Of the peers:
${PEER_HELP}

ONNX runtimes for \`forward\` are found in .peers/node_modules, or below the folder $FWP_PEERS_PACKAGES.

Without options bench/results.json and docs/benchmarks.md are written. Exit code 1 when a goal is missed.

Parts:
${PARTS.map((line) => `  ${line}`).join("\n")}`;

const options = readOptions(
  {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    profile: { type: "boolean", default: false },
    page: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    ...PEER_OPTIONS,
  },
  HELP,
);
if (options.only !== undefined && !names.includes(options.only)) {
  refuse(`there is no part \`${options.only}\`; there are: ${names.join(", ")}`);
}
const say = (line: string): void => {
  if (!options.json) console.log(line);
};
const effort = options.quick ? QUICK : FULL;
const wanted = (name: string): boolean => options.only === undefined || options.only === name;

if (options.page) {
  if (await writePage()) process.exit(0);
  refuse("there is no bench/results.json; `npm run bench` writes it");
}
if (options.only === "peers") {
  // Rows as they come, also where the output is for tools.
  const missed = await peersCommand(options, options.json ? console.error : console.log);
  if (missed.length > 0) console.error(`goals missed: ${missed.join("; ")}`);
  process.exit(missed.length > 0 ? 1 : 0);
}
if (options.profile) {
  const found = await profileDemo();
  console.log(options.json ? JSON.stringify(found, null, 2) : profileText(found, false));
  process.exit(0);
}

const found = wanted("demo") ? await demo(effort) : null;
if (found !== null) say(`${demoLines(found).join("\n")}\n`);
const ceiling = scalarCeiling(effort);
say(`scalar ceiling of one thread: ${short(ceiling)} GFLOP/s`);
const rows: Row[] = [];
for (const group of GROUPS.filter((g) => wanted(g.name))) {
  say(`\n${group.name}: ${group.about}`);
  for (const row of await group.run(effort)) {
    rows.push(row);
    say(`  ${rowLine(row, ceiling)}`);
  }
}
const results = newResults(ceiling, found, rows);
if (options.json) console.log(JSON.stringify(results, null, 2));
if (!options.quick && options.only === undefined) {
  const { kernels: all } = await profileDemo();
  const kernels = all.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, SHOWN_KERNELS);
  await keepResults({ ...results, kernels });
  say("\nwrote bench/results.json and docs/benchmarks.md");
}

const missed: string[] = [];
if (options.only === undefined) {
  say("\npeers:");
  missed.push(...(await peersCommand({ ...options, json: false }, say)));
}
if (found !== null && found.ratio < RATIO_GOAL) missed.push(`ratio ${found.ratio.toFixed(2)}`);
for (const row of rows) {
  const { milliseconds, limit } = row;
  if (milliseconds !== null && limit !== undefined && milliseconds > limit) {
    missed.push(`${row.what}: ${short(milliseconds)} ms`);
  }
  if (row.ratio !== undefined && row.ratio <= 1) {
    missed.push(`${row.what}: ratio ${row.ratio.toFixed(2)}`);
  }
}
if (missed.length > 0) {
  console.error(`goals missed: ${missed.join("; ")}`);
  process.exitCode = 1;
}
