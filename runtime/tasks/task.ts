/** What a task is: where batches come from. A module of one's own makes an object of the same kind. */
import type { Options } from "../format/training.ts";
import type { FieldSpec } from "../format/program.ts";

export type Split = "train" | "validation";

export interface Batch {
  readonly batch: number;
  readonly time: number;
  /** By the field's name: `[batch, time, …shape]`, row-major. Tokens are integers. */
  readonly fields: ReadonlyMap<string, Float32Array | Int32Array>;
}

/** Text as tokens and back. */
export interface TextCodec {
  /** Characters by token. */
  readonly alphabet: readonly string[];
  /** @throws DiagnosticError fwp6106 for a character that is not in the alphabet. */
  encode(text: string): Int32Array;
  decode(tokens: Iterable<number>): string;
}

/** Watches the training for a task's own measure. Its memory goes into checkpoints. */
export interface Tracker {
  /**
   * Sees a batch and the model's first output for it, `[batch, time, …]`, made before the batch changed the weights.
   * `index` counts batches from 0.
   */
  observe(batch: Batch, output: ArrayLike<number>, index: number): void;
  /** What it found so far, by name. */
  metrics(): Readonly<Record<string, number>>;
  save(): Readonly<Record<string, number>>;
  load(memory: Readonly<Record<string, number>>): void;
}

export interface Task {
  readonly name: string;
  /** One sentence for logs: the sizes that matter. */
  readonly description: string;
  /** Every option, defaults included. With the task's name this says exactly which data there is. */
  readonly options: Options;
  /** What a batch holds, per step. */
  readonly fields: readonly FieldSpec[];
  /** Numbers that a spec can use as `task.NAME`. */
  readonly provides: Readonly<Record<string, number>>;
  /** Batch i + 1 goes on where batch i ended, sequence by sequence. */
  readonly stream: boolean;
  /**
   * Batch number `index` (from 0) of `size` sequences. The same arguments always give the same batch, whatever was
   * asked before: that is what makes a resumed run equal one that was never interrupted. A task with fixed validation
   * sequences may give another number of sequences there.
   */
  batch(split: Split, index: number, size: number): Batch;
  /** How many validation batches of `size` sequences there are; null: as many as one asks for. */
  validationBatches(size: number): number | null;
  readonly text?: TextCodec;
  tracker?(): Tracker;
}

/** What a task may need from outside. */
export interface TaskContext {
  /** Relative paths in options start here. */
  readonly directory: string;
  /** Of the run; the data depend on it. */
  readonly seed: number;
}
