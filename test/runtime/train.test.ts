import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSafetensors } from "../../runtime/files/tensors.ts";
import { defaultEvalSettings, defaultTrainSettings } from "../../runtime/format/training.ts";
import type { EvalSettings, TrainSettings } from "../../runtime/format/training.ts";
import { optimizerSettings } from "../../runtime/optimizers.ts";
import { flipFlop } from "../../runtime/tasks/flip_flop.ts";
import { loadCheckpoint } from "../../runtime/train/checkpoint.ts";
import { lineReporter, showDuration, terminalReporter } from "../../runtime/train/reporter.ts";
import { train, type TrainOptions } from "../../runtime/train/train.ts";
import { fakeProgram, manifest } from "./fakeProgram.ts";
import { fakeTask } from "./fakeTask.ts";
import { codesFrom, diagnosticsFrom, temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
let made = 0;
const fresh = () => join(folder, `run${made++}`);

interface Changes extends Partial<Omit<TrainOptions, "settings" | "evaluation">> {
  settings?: Partial<TrainSettings>;
  evaluation?: Partial<EvalSettings>;
}
const options = (
  directory: string,
  { settings, evaluation, ...rest }: Changes = {},
): TrainOptions => ({
  program: fakeProgram(),
  task: fakeTask,
  settings: {
    ...defaultTrainSettings,
    optimizer: { kind: "sgd", rate: 0.3, momentum: 0.5, nesterov: false, decay: 0 },
    batch: 2,
    steps: 60,
    carry: true,
    ...settings,
  },
  evaluation: { ...defaultEvalSettings, every: 10, ...evaluation },
  directory,
  spec: "fake",
  ...rest,
});

const tensorsOf = (directory: string) => loadCheckpoint(directory).tensors;
const logOf = (directory: string) => readFileSync(join(directory, "metrics.jsonl"), "utf8");

describe("a training", () => {
  test("learns, logs every step and evaluation, and leaves one checkpoint", async () => {
    const directory = fresh();
    const result = await train(options(directory));
    expect(result.status).toBe("finished");
    expect(result.metrics["loss"]).toBeLessThan(1e-3);
    expect(result.parameters.get("w")![0]).toBeCloseTo(2, 1);
    const lines = logOf(directory)
      .trim()
      .split("\n")
      .map((l) => JSON.parse(l) as { split: string });
    expect(lines.filter((l) => l.split === "train")).toHaveLength(60);
    expect(lines.filter((l) => l.split === "validation")).toHaveLength(6);
    expect(readdirSync(directory).sort()).toEqual([
      "checkpoint.json",
      "metrics.jsonl",
      "step-000060.safetensors",
    ]);
    expect([...tensorsOf(directory).keys()].sort()).toEqual([
      "b",
      "optimizer:momentum.b",
      "optimizer:momentum.w",
      "state:c",
      "w",
    ]);
  });

  test("a carried state is needed for this stream: without it the loss stays high", async () => {
    const carried = await train(options(fresh()));
    const reset = await train(options(fresh(), { settings: { carry: false } }));
    expect(reset.metrics["loss"]).toBeGreaterThan(30 * carried.metrics["loss"]!);
  });

  test("the same seed gives the same bits", async () => {
    const [a, b, c] = [fresh(), fresh(), fresh()];
    await train(options(a));
    await train(options(b));
    await train(options(c, { settings: { seed: 2 } }));
    expect(tensorsOf(b)).toEqual(tensorsOf(a));
    expect(logOf(b)).toBe(logOf(a));
    expect(tensorsOf(c)).not.toEqual(tensorsOf(a));
  });

  test("without evaluations on the way there are checkpoints all the same", async () => {
    const directory = fresh();
    const evaluation = { every: 0 };
    const program = fakeProgram({ broken: 25 });
    expect(await codesFrom(() => train(options(directory, { program, evaluation })))).toEqual([
      "fwp6200",
    ]);
    expect(loadCheckpoint(directory).record.step).toBe(24);
    expect((await train(options(directory, { evaluation, existing: "resume" }))).status).toBe(
      "finished",
    );
  });

  test("plans each entry once", async () => {
    const program = fakeProgram();
    await train(options(fresh(), { program }));
    expect(program.planned).toBe(2);
  });
});

describe("ends early", () => {
  test("once a metric is small enough, and a resumed run stays ended", async () => {
    const directory = fresh();
    const stop = { metric: "loss", below: 0.1, above: null, patience: null };
    const result = await train(options(directory, { evaluation: { stop } }));
    expect(result.status).toBe("stopped");
    expect(result.step).toBeLessThan(60);
    expect(result.step % 10).toBe(0);
    const again = await train(options(directory, { evaluation: { stop }, existing: "resume" }));
    expect([again.status, again.step]).toEqual(["stopped", result.step]);
  });

  test("and clears away what a killed run left behind, even with nothing more to save", async () => {
    const directory = fresh();
    await train(options(directory));
    const complete = readdirSync(directory).sort();
    const left = ["step-000050.safetensors", ".step-000060.safetensors.12-ab.tmp"];
    for (const name of [...left, "mine.txt"]) writeFileSync(join(directory, name), "");
    await train(options(directory, { existing: "resume" }));
    expect(readdirSync(directory).sort()).toEqual(["mine.txt", ...complete].sort());
  });

  test("after a number of evaluations without a better one", async () => {
    const settings = { optimizer: optimizerSettings("sgd", { rate: 0 }) };
    const stop = { metric: "loss", below: null, above: null, patience: 3 };
    const result = await train(options(fresh(), { settings, evaluation: { stop } }));
    expect([result.status, result.step]).toEqual(["stopped", 40]);
  });

  test("when the loss is not a number; the last checkpoint stays", async () => {
    const directory = fresh();
    const run = () => train(options(directory, { program: fakeProgram({ broken: 25 }) }));
    expect(await codesFrom(run)).toEqual(["fwp6200"]);
    expect(loadCheckpoint(directory).record.step).toBe(20);
  });

  test("when it is interrupted; resumed, it ends with the bits of a run that was not", async () => {
    const [whole, cut] = [fresh(), fresh()];
    await train(options(whole));
    const interruption = new AbortController();
    const reporter = {
      start() {},
      step: (step: number) => void (step === 17 && interruption.abort()),
      evaluated() {},
      end() {},
    };
    const first = await train(options(cut, { reporter, signal: interruption.signal }));
    expect([first.status, first.step]).toEqual(["interrupted", 17]);
    const second = await train(options(cut, { existing: "resume" }));
    expect(second.status).toBe("finished");
    expect(tensorsOf(cut)).toEqual(tensorsOf(whole));
    expect(logOf(cut)).toBe(logOf(whole));
  });
});

describe("an existing run", () => {
  test("is refused, resumed with more steps, or replaced", async () => {
    const [directory, long] = [fresh(), fresh()];
    await train(options(directory, { settings: { steps: 20 } }));
    expect(await codesFrom(() => train(options(directory)))).toEqual(["fwp6201"]);
    await train(options(directory, { existing: "resume" }));
    await train(options(long));
    expect(tensorsOf(directory)).toEqual(tensorsOf(long));
    const again = await train(options(directory, { existing: "replace", settings: { steps: 5 } }));
    expect(again.step).toBe(5);
    expect(logOf(directory).trim().split("\n")).toHaveLength(6);
  });

  test("of another spec, task or setting is not resumed", async () => {
    const directory = fresh();
    await train(options(directory, { settings: { steps: 5 } }));
    const resumed = (changes: Changes) =>
      diagnosticsFrom(() => train(options(directory, { existing: "resume", ...changes })));
    for (const [changes, name] of [
      [{ spec: "other" }, "spec"],
      [{ settings: { seed: 9 } }, "seed"],
      [{ settings: { batch: 9 } }, "batch"],
      [{ task: { ...fakeTask, options: { length: 5 } } }, "options of the task"],
    ] as const) {
      const [found] = await resumed(changes);
      expect(found!.code).toBe("fwp6203");
      expect(found!.message).toContain(`another ${name}:`);
    }
  });

  test.each([
    ["not JSON", "{", "fwp6009"],
    ["another format", '{"format":"x"}', "fwp6009"],
    ["fields missing", '{"format":"fwp-checkpoint","version":1,"step":3}', "fwp6009"],
  ])("with a checkpoint that is %s", async (_, text, code) => {
    const directory = fresh();
    mkdirSync(directory);
    writeFileSync(join(directory, "checkpoint.json"), text);
    expect(await codesFrom(() => loadCheckpoint(directory))).toEqual([code]);
  });

  test("without its tensors, and no run at all", async () => {
    const directory = fresh();
    expect(await codesFrom(() => loadCheckpoint(directory))).toEqual(["fwp6202"]);
    await train(options(directory, { settings: { steps: 5 } }));
    const path = join(directory, "step-000005.safetensors");
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 3));
    expect(await codesFrom(() => loadCheckpoint(directory))).toEqual(["fwp6020"]);
    expect(await codesFrom(() => readSafetensors(path))).toEqual(["fwp6020"]);
  });
});

describe("is refused before it starts", () => {
  test.each<[string, Changes, string]>([
    ["a metric nobody measures", { evaluation: { metrics: ["los"] } }, "fwp6204"],
    ["a task without the data", { task: flipFlop({}, { directory: "", seed: 1 }) }, "fwp6205"],
    ["a folder that is a file", { directory: "/dev/null/run" }, "fwp6008"],
    [
      "a growing state that is carried",
      {
        program: {
          ...fakeProgram(),
          manifest: { ...manifest, states: [{ ...manifest.states[0]!, growing: true }] },
        },
      },
      "fwp6206",
    ],
    [
      "a program without a training",
      { program: { ...fakeProgram(), manifest: { ...manifest, entries: [] } } },
      "fwp6300",
    ],
  ])("%s", async (_, changes, code) => {
    expect(await codesFrom(() => train(options(fresh(), changes)))).toEqual([code]);
  });
});

test("derived metrics and a tracker's are reported with the rest", async () => {
  const seen: number[] = [];
  const task = {
    ...fakeTask,
    tracker: () => ({
      observe: (_: unknown, output: ArrayLike<number>, index: number) => {
        expect(output.length).toBe(8);
        seen.push(index);
      },
      metrics: () => ({ watched: seen.length }),
      save: () => ({}),
      load() {},
    }),
  };
  const evaluation = { metrics: ["bits_per_character"] };
  const { metrics } = await train(options(fresh(), { task, evaluation, settings: { steps: 10 } }));
  expect(Object.keys(metrics)).toEqual(["loss", "bits_per_character", "watched"]);
  expect(metrics["bits_per_character"]).toBeCloseTo(metrics["loss"]! / Math.LN2, 12);
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

const collect = (isTTY: boolean) => {
  let text = "";
  return { isTTY, columns: 60, write: (s: string) => (text += s), text: () => text };
};

describe("what is said", () => {
  test("plain lines without control characters", async () => {
    const output = collect(false);
    await train(options(fresh(), { reporter: lineReporter(output) }));
    expect(output.text()).toMatch(/^Regression: 2 parameters, 60 steps\ntask: a line\n/);
    expect(output.text()).toMatch(
      /step 60 {2}validation: loss [\d.e-]+\nfinished \(step 60, 0s\)\n$/,
    );
    expect(output.text()).not.toContain("\u001b");
  });

  test("a bar that fits the terminal", async () => {
    const output = collect(true);
    await train(options(fresh(), { reporter: terminalReporter(output, () => made++) }));
    const lines = output.text().replaceAll("\r\u001b[K", "\n").split("\n");
    expect(Math.max(...lines.slice(3).map((l) => l.length))).toBeLessThan(60);
    expect(output.text()).toContain("████████████░░░░░░░░░░░░ 30/60  loss ");
  });

  test("durations", () => {
    expect([0.4, 59, 61, 3600, 7265].map(showDuration)).toEqual([
      "0s",
      "59s",
      "1m 01s",
      "1h 00m",
      "2h 01m",
    ]);
  });
});
