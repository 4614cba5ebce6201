/** metrics.jsonl: one JSON object per line, in the order of the steps. */
import fs from "node:fs";
import { fileProblem, readTextFile, writeFileAtomic } from "../files/io.ts";
import type { Metrics } from "../evaluate.ts";

export interface LogLine {
  readonly step: number;
  readonly split: "train" | "validation";
  readonly metrics: Metrics;
}

const LOG_LIMIT = 2 ** 30;

function stepOf(line: string): number | null {
  try {
    const value = JSON.parse(line) as { step?: unknown } | null;
    return typeof value?.step === "number" ? value.step : null;
  } catch {
    return null;
  }
}

/** Appends lines. They are kept in memory until `flush`, so that a step costs no system call. */
export class MetricsLog {
  readonly #path: string;
  #waiting: string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  add({ step, split, metrics }: LogLine): void {
    this.#waiting.push(`${JSON.stringify({ step, split, ...metrics })}\n`);
  }

  /** @throws DiagnosticError fwp6003–fwp6005. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    try {
      fs.appendFileSync(this.#path, this.#waiting.join(""));
    } catch (error) {
      throw fileProblem(error, this.#path);
    }
    this.#waiting = [];
  }

  /** Drops lines after `step`, and what a killed run left of a line: they will be written again. */
  truncate(step: number): void {
    if (!fs.existsSync(this.#path)) return;
    const lines = readTextFile(this.#path, { maxBytes: LOG_LIMIT }).split("\n");
    const kept = lines.filter((line) => (stepOf(line) ?? Infinity) <= step);
    writeFileAtomic(this.#path, kept.map((line) => `${line}\n`).join(""));
  }
}
