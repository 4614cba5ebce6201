/**
 * Flip-flop, an unknown time delay (Schmidhuber, "Learning to control fast-weight memories", Neural Computation 4(1),
 * 1992, experiment 1): an endless stream of events A, B, C, one of them at random at every step, without episodes and
 * resets. The target is 1 at the first B after an A, else 0.
 *
 * Published protocol: 3 inputs, 1 output, no hidden units, weights from U(−0.1, 0.1), steepness 10; a run is solved at
 * the first of 100 consecutive steps with |error| ≤ 0.05. Published: within 300 steps with one output per fast weight
 * (rate 1), within 800 with FROM/TO. Published training changes the weights after every step, by the exact on-line
 * gradient; here after every window of `length` steps, by the gradient within the window.
 *
 * The training keeps one stream per sequence of the batch; state has to be carried from window to window (`carry`).
 * Reported with the metrics: `solved` (1 or 0), `solved_at` (steps until the hundredth step within the bound, on the
 * stream that got there first; the number of steps so far when none did), `longest_run`.
 *
 * Fields per step: `event` one-hot [3], `target` [1].
 */
import type { Options } from "../format/training.ts";
import { random4 } from "../format/random.ts";
import { type PlaceOf, readOptions, type Schema } from "../options.ts";
import type { Batch, Split, Task, TaskContext, Tracker } from "./task.ts";

export const flipFlopOptions = {
  length: { kind: "integer", default: 4, min: 1, max: 65536, about: "steps per window" },
  eval_windows: { kind: "integer", default: 16, min: 1, about: "windows of an evaluation" },
  bound: { kind: "number", default: 0.05, min: 0, about: "largest error of a solved step" },
  run: { kind: "integer", default: 100, min: 1, about: "solved steps in a row that are asked for" },
} as const satisfies Schema;

const STREAM: Readonly<Record<Split, number>> = { train: 0x666c_0000, validation: 0x666c_8000 };
const [A, B] = [0, 1];

/** Event `step` of a stream: 0, 1, 2 for A, B, C. One word in 2³² is left out so that the three are equally likely. */
function event(seed: number, stream: number, step: number): number {
  const word = random4(seed, stream, step).find((w) => w < 2 ** 32 - 1) ?? 0;
  return word % 3;
}

/** Whether an A came last among the As and Bs before `step`. */
function armed(seed: number, stream: number, step: number): boolean {
  for (let t = step - 1; t >= 0; t--) {
    const found = event(seed, stream, t);
    if (found === A) return true;
    if (found === B) return false;
  }
  return false;
}

/** Counts steps within the bound, per stream. */
function tracker(bound: number, run: number): Tracker {
  let steps = 0;
  let longest = 0;
  let solvedAt = 0;
  let runs: number[] = [];
  return {
    observe({ batch, time, fields }, output) {
      const target = fields.get("target")!;
      for (let t = 0; t < time; t++) {
        for (let b = 0; b < batch; b++) {
          const error = Math.abs(output[b * time + t]! - target[b * time + t]!);
          const now = error <= bound ? (runs[b] ?? 0) + 1 : 0;
          runs[b] = now;
          longest = Math.max(longest, now);
          if (now >= run && solvedAt === 0) solvedAt = steps + t + 1;
        }
      }
      steps += time;
    },
    metrics: () => ({
      solved: solvedAt > 0 ? 1 : 0,
      solved_at: solvedAt > 0 ? solvedAt : steps,
      longest_run: longest,
    }),
    save: () => ({
      steps,
      longest,
      solvedAt,
      ...Object.fromEntries(runs.map((length, b) => [`run${b}`, length])),
    }),
    load(memory) {
      ({ steps = 0, longest = 0, solvedAt = 0 } = memory);
      runs = [];
      for (let b = 0; memory[`run${b}`] !== undefined; b++) runs.push(memory[`run${b}`]!);
    },
  };
}

/** @throws DiagnosticError fwp6101–fwp6103. */
export function flipFlop(given: Options, context: TaskContext, place?: PlaceOf): Task {
  const options = readOptions(flipFlopOptions, given, "task flip_flop", place);
  const { length } = options;
  return {
    name: "flip_flop",
    description: `an endless stream of three events, in windows of ${length} steps`,
    options: { ...options },
    fields: [
      { name: "event", shape: [3], type: "float", vocab: null },
      { name: "target", shape: [1], type: "float", vocab: null },
    ],
    provides: { length, events: 3 },
    stream: true,
    validationBatches: () => options.eval_windows,
    tracker: () => tracker(options.bound, options.run),
    batch(split, index, size): Batch {
      const events = new Float32Array(size * length * 3);
      const target = new Float32Array(size * length);
      for (let b = 0; b < size; b++) {
        const stream = STREAM[split] + b;
        let ready = armed(context.seed, stream, index * length);
        for (let t = 0; t < length; t++) {
          const found = event(context.seed, stream, index * length + t);
          const at = b * length + t;
          events[at * 3 + found] = 1;
          target[at] = found === B && ready ? 1 : 0;
          if (found === A) ready = true;
          if (found === B) ready = false;
        }
      }
      const fields = new Map([
        ["event", events],
        ["target", target],
      ]);
      return { batch: size, time: length, fields };
    },
  };
}
