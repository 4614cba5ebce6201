/**
 * `npm run bench`: the training step of the demo model against TensorFlow.js, and what its parts reach.
 *
 * Options: `--quick` (fewer rounds, writes nothing), `--only NAME` (one part; writes nothing), `--profile` (kernels of the
 * demo's training step, nothing else), `--json`. Exit code 1 when a goal is missed.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { format } from "prettier";
import { packageRoot } from "../cli/install.ts";
import { scalarCeiling } from "./ceiling.ts";
import { demo, profileDemo } from "./demo.ts";
import { FULL, QUICK } from "./measure.ts";
import { profileTable } from "./profile.ts";
import { demoLines, newResults, page, RATIO_GOAL, rowLine, short } from "./report.ts";
import type { Row } from "./parts.ts";
import { CHECK_LIMIT, GROUPS } from "./rows.ts";

const SHOWN_KERNELS = 25;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    profile: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const names = ["demo", ...GROUPS.map((g) => g.name)];
if (options.only !== undefined && !names.includes(options.only)) {
  console.error(`there is no part \`${options.only}\`; there are: ${names.join(", ")}`);
  process.exit(2);
}
const say = (line: string): void => {
  if (!options.json) console.log(line);
};
const effort = options.quick ? QUICK : FULL;
const wanted = (name: string): boolean => options.only === undefined || options.only === name;

if (options.profile) {
  const kernels = await profileDemo();
  const total = kernels.reduce((sum, k) => sum + k.milliseconds, 0);
  if (options.json) console.log(JSON.stringify(kernels, null, 2));
  else console.log(`${profileTable(kernels, SHOWN_KERNELS)}\n\n${short(total)} ms in all`);
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
  const root = packageRoot();
  const kernels = (await profileDemo()).slice(0, SHOWN_KERNELS);
  const json = JSON.stringify({ ...results, kernels });
  const style = { printWidth: 100 };
  writeFileSync(
    join(root, "bench", "results.json"),
    await format(json, { ...style, parser: "json" }),
  );
  writeFileSync(
    join(root, "docs", "benchmarks.md"),
    await format(page(results, kernels), { ...style, parser: "markdown" }),
  );
  say("\nwrote bench/results.json and docs/benchmarks.md");
}

const missed: string[] = [];
if (found !== null && found.ratio < RATIO_GOAL) missed.push(`ratio ${found.ratio.toFixed(2)}`);
for (const row of rows) {
  if (row.group === "checking" && (row.milliseconds ?? 0) > CHECK_LIMIT) missed.push(row.what);
  if (row.ratio !== undefined && row.ratio <= 1) {
    missed.push(`${row.what}: ratio ${row.ratio.toFixed(2)}`);
  }
}
if (missed.length > 0) {
  console.error(`goals missed: ${missed.join("; ")}`);
  process.exitCode = 1;
}
