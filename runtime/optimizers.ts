/**
 * Optimisers and schedules, described: what they are called, what they keep, what can be set. The update itself is
 * compiled into the training step; the learning rate of each step comes from here.
 */
import { unreachable } from "../diagnostics/diagnostic.ts";
import { problem, whole } from "./catalogue.ts";
import type { Options, OptimizerSettings, ScheduleSettings } from "./format/training.ts";
import { type PlaceOf, readOptions, type Schema } from "./options.ts";
import { suggestion } from "./suggest.ts";

const rate = (value: number) =>
  ({
    kind: "number",
    default: value,
    min: 0,
    about: "learning rate, before the schedule",
  }) as const;
const decay = (value: number) =>
  ({ kind: "number", default: value, min: 0, about: "weight decay" }) as const;
const beta = (value: number, about: string) =>
  ({ kind: "number", default: value, min: 0, max: 0.9999999, about }) as const;

const sgd = {
  rate: rate(0.1),
  momentum: {
    kind: "number",
    default: 0,
    min: 0,
    max: 1,
    about: "how much of the last step is kept",
  },
  nesterov: { kind: "boolean", default: false, about: "look ahead along the momentum" },
  decay: decay(0),
} as const satisfies Schema;

const adam = (weightDecay: number) =>
  ({
    rate: rate(1e-3),
    beta1: beta(0.9, "decay of the mean of the gradient"),
    beta2: beta(0.999, "decay of the mean of its square"),
    epsilon: {
      kind: "number",
      default: 1e-8,
      min: 0,
      about: "added to the root of the second moment",
    },
    decay: decay(weightDecay),
  }) as const satisfies Schema;

/** Options by optimiser: SGD; Adam (Kingma and Ba, 2015); AdamW (Loshchilov and Hutter, 2019). */
export const optimizerSchemas = { sgd, adam: adam(0), adamw: adam(0.01) } as const;

export const scheduleSchemas = {
  constant: {},
  warmup: {
    steps: { kind: "integer", default: 100, min: 1, about: "steps over which the rate rises" },
  },
  cosine: {
    warmup: { kind: "integer", default: 0, min: 0, about: "steps over which the rate rises" },
    floor: { kind: "number", default: 0, min: 0, max: 1, about: "last rate / largest rate" },
  },
} as const satisfies Readonly<Record<string, Schema>>;

function unknown(kind: string, name: string, known: readonly string[], place: PlaceOf): never {
  const at = typeof place === "function" ? place(name) : place;
  throw problem("fwp6101", at, { owner: kind, name, ...suggestion(name, known) });
}

/**
 * An optimiser by name with its options, checked and with defaults.
 * @throws DiagnosticError fwp6101–fwp6104.
 */
export function optimizerSettings(
  name: string,
  options: Options = {},
  place: PlaceOf = whole(name),
): OptimizerSettings {
  switch (name) {
    case "sgd": {
      const settings = { kind: name, ...readOptions(optimizerSchemas.sgd, options, name, place) };
      if (settings.nesterov && settings.momentum === 0) {
        const at = typeof place === "function" ? place("nesterov") : place;
        throw problem("fwp6104", at, { owner: name, reason: "nesterov needs a momentum" });
      }
      return settings;
    }
    case "adam":
    case "adamw":
      return { kind: name, ...readOptions(optimizerSchemas[name], options, name, place) };
    default:
      return unknown("optimizer", name, Object.keys(optimizerSchemas), place);
  }
}

/** A schedule by name with its options. @throws DiagnosticError fwp6101–fwp6103. */
export function scheduleSettings(
  name: string,
  options: Options = {},
  place: PlaceOf = whole(name),
): ScheduleSettings {
  switch (name) {
    case "constant":
      readOptions(scheduleSchemas.constant, options, name, place);
      return { kind: name };
    case "warmup":
      return { kind: name, ...readOptions(scheduleSchemas.warmup, options, name, place) };
    case "cosine":
      return { kind: name, ...readOptions(scheduleSchemas.cosine, options, name, place) };
    default:
      return unknown("schedule", name, Object.keys(scheduleSchemas), place);
  }
}

/** What an optimiser keeps for each parameter, each of the parameter's shape and zero at first. */
export function momentsOf(optimizer: OptimizerSettings): readonly string[] {
  switch (optimizer.kind) {
    case "sgd":
      return optimizer.momentum === 0 ? [] : ["momentum"];
    case "adam":
    case "adamw":
      return ["first_moment", "second_moment"];
    default:
      return unreachable(optimizer);
  }
}

/**
 * The learning rate of step `step` (from 1) of `total`, relative to the optimiser's own rate.
 * Warm-up: step / steps. Cosine: floor + (1 − floor) (1 + cos π p) / 2, with p from 0 at the end of the warm-up to 1 at
 * the last step (Loshchilov and Hutter, "SGDR", 2017, without restarts).
 */
export function learningRate(schedule: ScheduleSettings, step: number, total: number): number {
  switch (schedule.kind) {
    case "constant":
      return 1;
    case "warmup":
      return Math.min(1, step / schedule.steps);
    case "cosine": {
      const { warmup, floor } = schedule;
      if (step < warmup) return step / warmup;
      const rest = Math.max(1, total - Math.max(1, warmup));
      const progress = Math.min(1, (step - Math.max(1, warmup)) / rest);
      return floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
    }
    default:
      return unreachable(schedule);
  }
}
