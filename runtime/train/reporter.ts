/** What a training says while it runs: a progress bar on a terminal, plain lines elsewhere. */
import type { Metrics } from "../evaluate.ts";

export interface RunStart {
  readonly name: string;
  readonly task: string;
  readonly parameters: number;
  readonly steps: number;
  /** Steps taken before, of a resumed run. */
  readonly from: number;
  readonly directory: string;
  /** Of the program that is trained. */
  readonly target: string;
}

export interface Reporter {
  start(run: RunStart): void;
  step(step: number, metrics: Metrics): void;
  evaluated(step: number, metrics: Metrics): void;
  end(step: number, message: string): void;
}

export const silentReporter: Reporter = {
  start() {},
  step() {},
  evaluated() {},
  end() {},
};

/** 4 significant digits: `2.314`, `0.000812`, `1.2e-7`. */
export function showNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e-4 && Math.abs(value) < 1e6
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(2);
}

export function showMetrics(metrics: Metrics): string {
  const entries = Object.entries(metrics);
  return entries.map(([name, value]) => `${name} ${showNumber(value)}`).join("  ");
}

const two = (n: number): string => String(n).padStart(2, "0");

/** `42s`, `3m 05s`, `2h 10m`. */
export function showDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** Where a reporter writes, and the time: `process.stderr` and the clock, or stand-ins. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}
type Clock = () => number;
const clock: Clock = () => performance.now() / 1000;

function heading(run: RunStart): string {
  const resumed = run.from > 0 ? `, resumed after step ${run.from}` : "";
  return (
    `${run.name}: ${run.parameters.toLocaleString("en")} parameters, ${run.steps} steps${resumed}\n` +
    `task: ${run.task}\ndevice: ${run.target}\nwriting to ${run.directory}\n`
  );
}

/** Steps per second since the start of this process. */
function speed(now: Clock) {
  let began = now();
  let from = 0;
  let total = 0;
  return {
    start(run: RunStart) {
      began = now();
      from = run.from;
      total = run.steps;
    },
    of(step: number) {
      const rate = (step - from) / Math.max(1e-9, now() - began);
      const left = rate > 0 ? (total - step) / rate : 0;
      return { total, text: `${showNumber(rate)} steps/s  eta ${showDuration(left)}` };
    },
    elapsed: () => now() - began,
  };
}

/** A bar that is drawn over itself, at most ten times a second; evaluations stay above it. */
export function terminalReporter(output: Output, now: Clock = clock): Reporter {
  const pace = speed(now);
  let drawn = -Infinity;
  const clear = () => output.write("\r\u001b[K");
  return {
    start(run) {
      pace.start(run);
      output.write(heading(run));
    },
    step(step, metrics) {
      if (now() - drawn < 0.1) return;
      drawn = now();
      const { total, text } = pace.of(step);
      const width = 24;
      const done = Math.floor((width * step) / total);
      const bar = "█".repeat(done) + "░".repeat(width - done);
      const shown = metrics["loss"] === undefined ? "" : `  loss ${showNumber(metrics["loss"])}`;
      const line = `${bar} ${step}/${total}${shown}  ${text}`;
      clear();
      output.write(line.slice(0, (output.columns ?? 80) - 1));
    },
    evaluated(step, metrics) {
      clear();
      output.write(`step ${step}  ${showMetrics(metrics)}\n`);
      drawn = -Infinity;
    },
    end(step, message) {
      clear();
      output.write(`${message} (step ${step}, ${showDuration(pace.elapsed())})\n`);
    },
  };
}

/** A line per evaluation, and about twenty lines of the training in between. */
export function lineReporter(output: Output, now: Clock = clock): Reporter {
  const pace = speed(now);
  let interval = 1;
  return {
    start(run) {
      pace.start(run);
      interval = Math.max(1, Math.floor(run.steps / 20));
      output.write(heading(run));
    },
    step(step, metrics) {
      if (step % interval !== 0) return;
      const { total, text } = pace.of(step);
      output.write(`step ${step}/${total}  train: ${showMetrics(metrics)}  ${text}\n`);
    },
    evaluated(step, metrics) {
      output.write(`step ${step}  validation: ${showMetrics(metrics)}\n`);
    },
    end(step, message) {
      output.write(`${message} (step ${step}, ${showDuration(pace.elapsed())})\n`);
    },
  };
}

/** The one that suits the output. */
export function reporterFor(output: Output): Reporter {
  return output.isTTY === true ? terminalReporter(output) : lineReporter(output);
}
