/**
 * Checkpoints. `step-000400.safetensors` holds the numbers, `checkpoint.json` says everything else and which file that is.
 * The numbers are written first, whole or not at all; then `checkpoint.json` is replaced in one rename; then older numbers
 * are removed. A run that is killed at any moment leaves one complete checkpoint.
 */
import fs from "node:fs";
import { join } from "node:path";
import { problem } from "../catalogue.ts";
import { fileProblem, makeFolder, readJsonFile, writeFileAtomic } from "../files/io.ts";
import type { Tensor } from "../files/safetensors.ts";
import { readSafetensors, writeSafetensors } from "../files/tensors.ts";
import { UNIQUE_NAME } from "../files/unique.ts";
import type { Options, TrainSettings } from "../format/training.ts";
import type { Metrics } from "../evaluate.ts";

/** Where the early stop stands. */
export interface StopMemory {
  readonly best: number | null;
  readonly bestStep: number;
  /** Evaluations in a row without a new best. */
  readonly strikes: number;
}

export type RunStatus = "running" | "finished" | "stopped";

export interface CheckpointRecord {
  readonly format: "fwp-checkpoint";
  readonly version: 1;
  /** Steps that were taken. */
  readonly step: number;
  readonly status: RunStatus;
  /** File of the numbers, in the same folder. */
  readonly tensors: string;
  /** What the program was compiled from, as a digest. */
  readonly spec: string;
  readonly settings: TrainSettings;
  readonly task: { readonly name: string; readonly options: Options };
  /** Characters by token, for a task of text. */
  readonly alphabet: readonly string[] | null;
  /** Of the last evaluation. */
  readonly metrics: Metrics;
  readonly stop: StopMemory;
  readonly tracker: Metrics;
  /** Whatever the caller wants to find again, e.g. how the program was compiled. */
  readonly notes: Readonly<Record<string, string>>;
}

export interface Checkpoint {
  readonly record: CheckpointRecord;
  /** Parameters by name; `optimizer:MOMENT.PARAMETER` and `state:NAME` beside them. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const POINTER = "checkpoint.json";
const WEIGHTS = String.raw`step-\d+\.safetensors`;
const OURS = new RegExp(
  String.raw`^(${WEIGHTS}|\.(${WEIGHTS}|checkpoint\.json)\.${UNIQUE_NAME}\.tmp)$`,
);

/** Writes a checkpoint into `directory`. @throws DiagnosticError as `writeFileAtomic`; the last checkpoint then remains. */
export function saveCheckpoint(
  directory: string,
  tensors: ReadonlyMap<string, Tensor>,
  record: Omit<CheckpointRecord, "format" | "version" | "tensors">,
): void {
  makeFolder(directory);
  const file = `step-${String(record.step).padStart(6, "0")}.safetensors`;
  const complete: CheckpointRecord = {
    format: "fwp-checkpoint",
    version: 1,
    tensors: file,
    ...record,
  };
  writeSafetensors(join(directory, file), tensors);
  writeFileAtomic(join(directory, POINTER), `${JSON.stringify(complete, null, 2)}\n`);
  removeOlder(directory, complete);
}

function removeFiles(directory: string, which: (name: string) => boolean): void {
  try {
    for (const name of fs.readdirSync(directory)) {
      if (which(name)) fs.rmSync(join(directory, name), { force: true });
    }
  } catch (error) {
    throw fileProblem(error, directory);
  }
}

/**
 * Removes what is older than a checkpoint, or was never completed. Saving does so; whoever goes on with a run does so too,
 * since the run may have been killed before it came to it.
 */
export const removeOlder = (directory: string, { tensors }: CheckpointRecord): void =>
  removeFiles(directory, (name) => name !== tensors && OURS.test(name));

/** Removes the checkpoint and the metrics of a run from its folder, and nothing else. */
export const removeRun = (directory: string): void =>
  removeFiles(directory, (name) => OURS.test(name) || name === POINTER || name === "metrics.jsonl");

export const hasCheckpoint = (directory: string): boolean =>
  fs.existsSync(join(directory, POINTER));

function readRecord(path: string): CheckpointRecord {
  const value = readJsonFile(path);
  const malformed = (reason: string) => problem("fwp6009", path, { path, reason });
  if (typeof value !== "object" || value === null) throw malformed("it is not a JSON object");
  const record = value as Partial<Record<keyof CheckpointRecord, unknown>>;
  if (record.format !== "fwp-checkpoint") throw malformed("it is not a checkpoint");
  if (record.version !== 1) throw malformed(`it has version ${String(record.version)}, not 1`);
  const right =
    Number.isSafeInteger(record.step) &&
    typeof record.tensors === "string" &&
    OURS.test(record.tensors) &&
    ["running", "finished", "stopped"].includes(record.status as string) &&
    typeof record.spec === "string" &&
    ["settings", "task", "metrics", "stop", "tracker", "notes"].every((key) => {
      const field = record[key as keyof CheckpointRecord];
      return typeof field === "object" && field !== null;
    });
  if (!right) throw malformed("fields are missing or of the wrong type");
  return value as CheckpointRecord;
}

/**
 * The checkpoint of a run.
 * @throws DiagnosticError fwp6202 when there is none, fwp6009 when `checkpoint.json` is malformed, and those of
 * `readSafetensors`.
 */
export function loadCheckpoint(directory: string): Checkpoint {
  if (!hasCheckpoint(directory)) throw problem("fwp6202", directory, { path: directory });
  const record = readRecord(join(directory, POINTER));
  return { record, tensors: readSafetensors(join(directory, record.tensors)).tensors };
}
