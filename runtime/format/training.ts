/** What an experiment asks for: plain data, written by the checker, read by the compiler and the training loop. */

export type OptimizerSettings =
  | {
      readonly kind: "sgd";
      readonly rate: number;
      /** 0: none. */
      readonly momentum: number;
      readonly nesterov: boolean;
      /** Decoupled weight decay; 0: none. */
      readonly decay: number;
    }
  | {
      readonly kind: "adam" | "adamw";
      readonly rate: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      /** adam: added to the gradient (L2). adamw: decoupled, times the learning rate. */
      readonly decay: number;
    };

export type ScheduleSettings =
  | { readonly kind: "constant" }
  /** Rises linearly over `steps` steps, then stays. */
  | { readonly kind: "warmup"; readonly steps: number }
  /** Rises linearly over `warmup` steps, then falls along half a cosine to `floor` times the rate at the last step. */
  | { readonly kind: "cosine"; readonly warmup: number; readonly floor: number };

export interface TrainSettings {
  readonly optimizer: OptimizerSettings;
  readonly schedule: ScheduleSettings;
  /** Sequences per step. */
  readonly batch: number;
  /** Steps in all. */
  readonly steps: number;
  /** Largest global norm of the gradient; null: not clipped. Compiled into the training step. */
  readonly clip: number | null;
  /** Of the first parameters and of the batches. An integer from 0 to 2³² − 1. */
  readonly seed: number;
  /** The states at the end of a batch are those at the start of the next, without a gradient between them. */
  readonly carry: boolean;
  /**
   * Steps from one checkpoint to the next; null: one at every evaluation, ten in all when there is only one evaluation.
   */
  readonly checkpoint: number | null;
}

/** Ends the training early. Each condition that is given can end it. */
export interface StopSettings {
  readonly metric: string;
  /** Once the metric is at most this. */
  readonly below: number | null;
  /** Once the metric is at least this. */
  readonly above: number | null;
  /** After this many evaluations in a row without a smaller value. */
  readonly patience: number | null;
}

export interface EvalSettings {
  /** Steps from one evaluation to the next; there is one at the end in any case. 0: only that. */
  readonly every: number;
  /** Validation batches per evaluation; null: as many as the task has. */
  readonly batches: number | null;
  /** What to report. */
  readonly metrics: readonly string[];
  readonly stop: StopSettings | null;
}

export type OptionValue = number | string | boolean | null | readonly OptionValue[];
export type Options = Readonly<Record<string, OptionValue>>;

/** `adamw(rate: 1e-3)` as a value. */
export interface Call {
  readonly call: string;
  readonly options: Options;
}
/** What stands after a setting of `train { … }` or `eval { … }`. A name is its text. */
export type SettingValue = OptionValue | Call;
export type Settings = Readonly<Record<string, SettingValue>>;

/** A built-in task by name, or a module by path. */
export type TaskSettings = (
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "module"; readonly path: string }
) & { readonly options: Options };

export const defaultTrainSettings: TrainSettings = {
  optimizer: { kind: "adamw", rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.01 },
  schedule: { kind: "constant" },
  batch: 16,
  steps: 1000,
  clip: null,
  seed: 1,
  carry: false,
  checkpoint: null,
};

export const defaultEvalSettings: EvalSettings = {
  every: 100,
  batches: null,
  metrics: ["loss"],
  stop: null,
};
