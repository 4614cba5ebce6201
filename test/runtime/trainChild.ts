/** Trains the fake program in a process of its own, to be killed. Arguments: folder, steps, milliseconds per step. */
import { defaultEvalSettings, defaultTrainSettings } from "../../runtime/format/training.ts";
import { onInterrupt } from "../../runtime/train/interrupt.ts";
import { train } from "../../runtime/train/train.ts";
import { fakeProgram } from "./fakeProgram.ts";
import { fakeTask } from "./fakeTask.ts";

const [directory = "", steps = "0", delay = "0"] = process.argv.slice(2);
const { signal } = onInterrupt();
const wait = new Int32Array(new SharedArrayBuffer(4));
const result = await train({
  program: fakeProgram(),
  task: fakeTask,
  settings: { ...defaultTrainSettings, batch: 2, steps: Number(steps), carry: true, checkpoint: 3 },
  evaluation: { ...defaultEvalSettings, every: 10 },
  directory,
  spec: "fake",
  existing: "resume",
  signal,
  reporter: {
    start: () => void process.stdout.write("started\n"),
    step: () => void Atomics.wait(wait, 0, 0, Number(delay)),
    evaluated() {},
    end() {},
  },
});
process.exit(result.status === "interrupted" ? 130 : 0);
