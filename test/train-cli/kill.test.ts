/** `fwp train` in real processes, really killed. */
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Checkpoint, hasCheckpoint, loadCheckpoint } from "../../runtime/train/checkpoint.ts";
import { install, type Installed } from "../support/installed.ts";

const KILLS = 20;
let fwp: Installed;

beforeAll(() => {
  fwp = install();
  for (const name of ["tiny.fwp", "tiny_task.js"]) {
    copyFileSync(fileURLToPath(new URL(name, import.meta.url)), join(fwp.folder, name));
  }
});
afterAll(() => fwp.dispose());

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

/** A training; `after` milliseconds from when it says that it begins, it is killed. Its exit code, null when killed. */
async function train(run: string, after: number | null, ...more: string[]): Promise<number | null> {
  const child = fwp.start("train", "tiny.fwp", "-o", run, ...more);
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  if (after === null) return ended;
  await Promise.race([new Promise((said) => child.stderr!.once("data", said)), ended]);
  await pause(after);
  child.kill("SIGKILL");
  return ended;
}

const load = (run: string): Checkpoint => loadCheckpoint(join(fwp.folder, run));

/** The record without what depends on where the folder is. */
const recordOf = ({ record }: Checkpoint) => ({ ...record, notes: {} });

const filesOf = (run: string) => readdirSync(join(fwp.folder, run)).sort();
const logOf = (run: string) => readFileSync(join(fwp.folder, run, "metrics.jsonl"), "utf8");

test(
  `killed ${KILLS} times at random moments and resumed each time: bit for bit the run that was not`,
  { timeout: 600_000 },
  async () => {
    const began = performance.now();
    expect(await train("whole", null)).toBe(0);
    const took = performance.now() - began;
    const whole = load("whole");
    expect(whole.record).toMatchObject({ step: 150, status: "finished" });

    let [killed, run] = [0, 0];
    const steps: number[] = [];
    while (killed < KILLS) {
      const folder = `cut-${run}`;
      const code = await train(folder, Math.random() * took * 0.3, "--resume");
      if (code !== null) {
        // It got to its end before the shot: on with another run.
        expect(code).toBe(0);
        run++;
        continue;
      }
      killed++;
      // Before the first checkpoint there is none, and nothing that looks like one.
      if (hasCheckpoint(join(fwp.folder, folder))) steps.push(load(folder).record.step);
    }
    // They were killed at different places, most of them with something done.
    expect(new Set(steps).size).toBeGreaterThan(3);
    for (let i = 0; i <= run; i++) {
      const folder = `cut-${i}`;
      expect(await train(folder, null, "--resume")).toBe(0);
      const cut = load(folder);
      expect(cut.tensors).toEqual(whole.tensors);
      expect(recordOf(cut)).toEqual(recordOf(whole));
      expect(logOf(folder)).toBe(logOf("whole"));
      // Nothing of the killed runs is left lying about.
      expect(filesOf(folder)).toEqual(filesOf("whole"));
    }
  },
);

test("Ctrl-C: a checkpoint and 130; the same bits once it is resumed", async () => {
  const child = fwp.start("train", "tiny.fwp", "-o", "stopped", "--set", "steps=100000");
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  await new Promise((said) => child.stderr!.once("data", said));
  await pause(200);
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  const { step, status } = load("stopped").record;
  expect(status).toBe("running");
  expect(step).toBeGreaterThan(0);
  expect(step).toBeLessThan(100_000);
  const steps = String(step + 3);
  expect(await train("stopped", null, "--resume", "--set", `steps=${steps}`)).toBe(0);
  expect(await train("straight", null, "--set", `steps=${steps}`)).toBe(0);
  expect(load("stopped").tensors).toEqual(load("straight").tensors);
});
