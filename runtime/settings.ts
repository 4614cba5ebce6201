/** What `train { … }` and `eval { … }` of an experiment say, checked and with defaults. */
import { type Diagnostic, DiagnosticError, type Place } from "../diagnostics/diagnostic.ts";
import { diagnostic, problem, whole } from "./catalogue.ts";
import {
  type Call,
  defaultEvalSettings,
  defaultTrainSettings,
  type EvalSettings,
  type Options,
  type OptionValue,
  type Settings,
  type SettingValue,
  type StopSettings,
  type TrainSettings,
} from "./format/training.ts";
import { optimizerSettings, scheduleSettings } from "./optimizers.ts";
import { type PlaceOf, readOptions, type Schema } from "./options.ts";

const { batch, steps, seed, carry } = defaultTrainSettings;

/** Settings of `train` besides `optimizer` and `schedule`. */
export const trainSchema = {
  batch: { kind: "integer", default: batch, min: 1, max: 65536, about: "sequences per step" },
  steps: { kind: "integer", default: steps, min: 1, about: "steps in all" },
  clip: {
    kind: "number",
    default: null,
    min: 0,
    exclusive: true,
    about: "largest global norm of the gradient",
  },
  seed: {
    kind: "integer",
    default: seed,
    min: 0,
    max: 2 ** 32 - 1,
    about: "of all random numbers",
  },
  carry: { kind: "boolean", default: carry, about: "states go on from batch to batch" },
  checkpoint: {
    kind: "integer",
    default: null,
    min: 1,
    about: "steps from one checkpoint to the next; at every evaluation unless given",
  },
} as const satisfies Schema;

/** Settings of `eval` besides `metrics` and `stop`. */
export const evalSchema = {
  every: {
    kind: "integer",
    default: defaultEvalSettings.every,
    min: 0,
    about: "steps from one evaluation to the next; 0: only at the end",
  },
  batches: {
    kind: "integer",
    default: null,
    min: 1,
    about: "validation batches; all unless given",
  },
} as const satisfies Schema;

/** Options of `stop: early(…)`. */
export const stopSchema = {
  metric: { kind: "text", default: "loss", about: "what is watched" },
  below: { kind: "number", default: null, about: "stop once it is at most this" },
  above: { kind: "number", default: null, about: "stop once it is at least this" },
  patience: {
    kind: "integer",
    default: null,
    min: 1,
    about: "stop after so many evaluations in a row without a smaller value",
  },
} as const satisfies Schema;

const isCall = (value: SettingValue): value is Call =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const at = (place: PlaceOf, name: string): Place =>
  typeof place === "function" ? place(name) : place;

/** `adam(rate: 1e-3)`, or just `adam`. */
function callOf(value: SettingValue, name: string, owner: string, place: PlaceOf): Call {
  if (isCall(value)) return value;
  if (typeof value === "string") return { call: value, options: {} };
  const facts = { name, owner, expected: "a name with options", found: JSON.stringify(value) };
  throw problem("fwp6102", at(place, name), facts);
}

/** Collects what each reader has to say, so that all problems are reported. */
function collector() {
  const problems: Diagnostic[] = [];
  return {
    read<T>(reader: () => T, otherwise: T): T {
      try {
        return reader();
      } catch (error) {
        if (!(error instanceof DiagnosticError)) throw error;
        problems.push(...error.diagnostics);
        return otherwise;
      }
    },
    done() {
      if (problems.length > 0) throw new DiagnosticError(problems);
    },
  };
}

/** Settings apart from some, as options; a call is shown as an object where a plain value belongs. */
function plain(given: Settings, apart: readonly string[], owner: string, place: PlaceOf): Options {
  const options: Record<string, OptionValue> = {};
  const wrong: Diagnostic[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (apart.includes(name)) continue;
    if (isCall(value)) {
      const facts = { name, owner, expected: "a plain value", found: `${value.call}(…)` };
      wrong.push(diagnostic("fwp6102", at(place, name), facts));
    } else options[name] = value;
  }
  if (wrong.length > 0) throw new DiagnosticError(wrong);
  return options;
}

/**
 * Settings of `train { … }`; `schedule` may also be an option of its own: `schedule: cosine(warmup: 100)`.
 * @throws DiagnosticError with every problem, fwp6101–fwp6104.
 */
export function trainSettings(given: Settings, place: PlaceOf = whole("train")): TrainSettings {
  const owner = "train";
  const { optimizer, schedule } = given;
  const apart = ["optimizer", "schedule"];
  const known = { ...trainSchema, ...Object.fromEntries(apart.map((n) => [n, trainSchema.clip])) };
  const all = collector();
  const call = <T>(
    value: SettingValue | undefined,
    name: string,
    otherwise: T,
    read: (c: Call) => T,
  ) =>
    value === undefined
      ? otherwise
      : all.read(() => read(callOf(value, name, owner, place)), otherwise);
  const defaults = defaultTrainSettings;
  const settings: TrainSettings = {
    ...all.read(() => {
      const options = plain(given, apart, owner, place);
      // Read with all names, so that a misspelt `optimizer` is recognised.
      const values = readOptions(known, options, owner, place);
      const { batch, steps, clip, seed, carry, checkpoint } = values;
      return { batch, steps, clip, seed, carry, checkpoint };
    }, defaults),
    optimizer: call(optimizer, "optimizer", defaults.optimizer, (c) =>
      optimizerSettings(c.call, c.options, at(place, "optimizer")),
    ),
    schedule: call(schedule, "schedule", defaults.schedule, (c) =>
      scheduleSettings(c.call, c.options, at(place, "schedule")),
    ),
  };
  all.done();
  return settings;
}

function stopOf(value: SettingValue, place: PlaceOf): StopSettings | null {
  if (value === null) return null;
  const { call, options } = callOf(value, "stop", "eval", place);
  const where = at(place, "stop");
  if (call !== "early") {
    const facts = { name: "stop", owner: "eval", expected: "early(…)", found: call };
    throw problem("fwp6103", where, facts);
  }
  const stop = readOptions(stopSchema, options, "early", where);
  if (stop.below === null && stop.above === null && stop.patience === null) {
    const reason = "it needs one of below, above, patience";
    throw problem("fwp6104", where, { owner: "early", reason });
  }
  return stop;
}

function metricsOf(value: SettingValue, place: PlaceOf): readonly string[] {
  if (Array.isArray(value) && value.every((v) => typeof v === "string")) return value;
  const facts = {
    name: "metrics",
    owner: "eval",
    expected: "a list of names",
    found: JSON.stringify(value),
  };
  throw problem("fwp6102", at(place, "metrics"), facts);
}

/**
 * Settings of `eval { … }`: `stop: early(metric: loss, below: 0.001, patience: 11)`.
 * @throws DiagnosticError with every problem, fwp6101–fwp6104.
 */
export function evalSettings(given: Settings, place: PlaceOf = whole("eval")): EvalSettings {
  const { metrics, stop } = given;
  const apart = ["metrics", "stop"];
  const known = { ...evalSchema, ...Object.fromEntries(apart.map((n) => [n, evalSchema.batches])) };
  const all = collector();
  const defaults = defaultEvalSettings;
  const settings: EvalSettings = {
    ...all.read(() => {
      const options = plain(given, apart, "eval", place);
      const { every, batches } = readOptions(known, options, "eval", place);
      return { every, batches };
    }, defaults),
    metrics:
      metrics === undefined
        ? defaults.metrics
        : all.read(() => metricsOf(metrics, place), defaults.metrics),
    stop: stop === undefined ? null : all.read(() => stopOf(stop, place), null),
  };
  all.done();
  return settings;
}
