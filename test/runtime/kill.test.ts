/** Real processes, really killed. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadCheckpoint } from "../../runtime/train/checkpoint.ts";
import { temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
const built = join(folder, "built");
const STEPS = 120;

beforeAll(() => {
  const flags = "--target es2022 --module nodenext --types node --skipLibCheck --noCheck";
  const tsc = resolve("node_modules/.bin/tsc");
  const source = resolve("test/runtime/trainChild.ts");
  const rest = ["--rewriteRelativeImportExtensions", "--rootDir", resolve("."), "--outDir", built];
  execFileSync(tsc, [source, "--ignoreConfig", ...flags.split(" "), ...rest]);
  writeFileSync(join(built, "package.json"), '{"type":"module"}');
});

function start(
  directory: string,
  delay: number,
): { child: ChildProcess; started: Promise<void>; ended: Promise<number | null> } {
  const script = join(built, "test/runtime/trainChild.js");
  const child = spawn(process.execPath, [script, directory, String(STEPS), String(delay)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return {
    child,
    started: new Promise((done) => child.stdout!.once("data", () => done())),
    ended: new Promise((done) => child.once("exit", (code) => done(code))),
  };
}

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

test(
  "killed at random moments, resumed each time: the same bits as a run that was not",
  { timeout: 60_000 },
  async () => {
    const [whole, cut] = [join(folder, "whole"), join(folder, "cut")];
    expect(await start(whole, 0).ended).toBe(0);
    let killed = 0;
    for (let i = 0; i < 8; i++) {
      const run = start(cut, 2);
      await run.started;
      await pause(Math.random() * 90);
      run.child.kill("SIGKILL");
      if ((await run.ended) !== 0) killed++;
    }
    expect(killed).toBeGreaterThan(0);
    expect(await start(cut, 0).ended).toBe(0);
    expect(loadCheckpoint(cut)).toEqual(loadCheckpoint(whole));
    expect(readFileSync(join(cut, "metrics.jsonl"))).toEqual(
      readFileSync(join(whole, "metrics.jsonl")),
    );
    // Nothing of the killed runs is left lying about.
    expect(readdirSync(cut).sort()).toEqual(readdirSync(whole).sort());
  },
);

test("Ctrl-C ends with a checkpoint and 130", async () => {
  const directory = join(folder, "interrupted");
  const run = start(directory, 20);
  await run.started;
  await pause(150);
  run.child.kill("SIGINT");
  expect(await run.ended).toBe(130);
  const { record } = loadCheckpoint(directory);
  expect(record.status).toBe("running");
  expect(record.step).toBeGreaterThan(0);
  expect(record.step).toBeLessThan(STEPS);
  const whole = join(folder, "copied");
  cpSync(directory, whole, { recursive: true });
  expect(await start(whole, 0).ended).toBe(0);
  expect(loadCheckpoint(whole).record).toMatchObject({ status: "finished", step: STEPS });
});
