/** Tasks by name, and tasks from a module of the user's own. */
import { rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { problem, whole } from "../catalogue.ts";
import { readTextFile } from "../files/io.ts";
import { uniqueName } from "../files/unique.ts";
import type { FieldSpec } from "../format/program.ts";
import type { Options, TaskSettings } from "../format/training.ts";
import type { PlaceOf, Schema } from "../options.ts";
import { suggestion } from "../suggest.ts";
import { flipFlop, flipFlopOptions } from "./flip_flop.ts";
import { retrieval, retrievalOptions } from "./retrieval.ts";
import type { Batch, Task, TaskContext } from "./task.ts";
import { text, textOptions } from "./text.ts";

export interface TaskEntry {
  /** One line for help. */
  readonly about: string;
  readonly schema: Schema;
  make(options: Options, context: TaskContext, place?: PlaceOf): Task | Promise<Task>;
}

/** The built-in tasks. */
export const tasks: Readonly<Record<string, TaskEntry>> = {
  text: { about: "predict the next character of a text", schema: textOptions, make: text },
  retrieval: {
    about: "store key-value pairs, answer for a key",
    schema: retrievalOptions,
    make: retrieval,
  },
  flip_flop: {
    about: "an endless stream: say when the first B after an A comes",
    schema: flipFlopOptions,
    make: flipFlop,
  },
};

export interface TaskLoading extends TaskContext {
  /** Turns TypeScript into JavaScript; needed for tasks in .ts files only. */
  readonly transpile?: (source: string, path: string) => string;
  readonly place?: PlaceOf;
}

/** A module's exports. TypeScript is written beside itself as JavaScript for a moment, so that its imports resolve. */
async function importModule(path: string, loading: TaskLoading): Promise<unknown> {
  const source = readTextFile(path);
  if (!/\.[cm]?ts$/.test(path)) return import(pathToFileURL(path).href);
  if (loading.transpile === undefined) {
    throw problem("fwp6107", path, {
      path,
      reason: "TypeScript cannot be read here; give JavaScript",
    });
  }
  const javascript = loading.transpile(source, path);
  const name = `.${basename(path)}.${uniqueName()}.mjs`;
  const temporary = join(dirname(path), name);
  try {
    writeFileSync(temporary, javascript);
    return await import(pathToFileURL(temporary).href);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** What is wrong with an object that should be a task; null when it is one. */
function faultOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return "it does not give an object";
  const task = value as Partial<Record<keyof Task, unknown>>;
  if (!Array.isArray(task.fields) || task.fields.length === 0) return "`fields` is not a list";
  for (const field of task.fields as unknown[]) {
    const { name, shape, type, vocab, nonzero } = (field ?? {}) as Record<string, unknown>;
    if (typeof name !== "string") return "a field has no `name`";
    if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n > 0)) {
      return `the shape of the field \`${name}\` is not a list of sizes`;
    }
    if (type !== "float" && type !== "token")
      return `the type of \`${name}\` is not float or token`;
    if (type === "token" && !(Number.isInteger(vocab) && (vocab as number) > 0)) {
      return `the field \`${name}\` of tokens has no \`vocab\``;
    }
    if (nonzero !== undefined && (nonzero !== "last" || type === "token")) {
      return `\`nonzero\` of the field \`${name}\` can only be "last", and only of numbers`;
    }
  }
  if (typeof task.batch !== "function") return "`batch` is not a function";
  return null;
}

const isSize = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) > 0;

/** @throws TypeError if a field that is to be zero before the last step is not. */
function checkZeros({ batch, time, fields }: Batch, specs: readonly FieldSpec[]): void {
  for (const { name, shape, nonzero } of specs) {
    const data = fields.get(name);
    if (nonzero === undefined || data === undefined) continue;
    const step = shape.reduce((a, b) => a * b, 1);
    for (let row = 0; row < batch; row++) {
      const start = row * time * step;
      const early = data.subarray(start, start + (time - 1) * step).findIndex((x) => x !== 0);
      if (early < 0) continue;
      const at = Math.floor(early / step);
      throw new TypeError(
        `\`${name}\` is to be nonzero at the last step only, but is ${data[start + early]} at step ${at} of ${time} of sequence ${row}, both counted from 0`,
      );
    }
  }
}

/** A user's batch, its fields in a map. Their sizes are checked where they are used. */
function checkBatch(value: unknown): Batch {
  const { batch, time, fields } = (value ?? {}) as Partial<Record<keyof Batch, unknown>>;
  if (!isSize(batch) || !isSize(time)) throw new TypeError("`batch` and `time` are not sizes");
  if (typeof fields !== "object" || fields === null) throw new TypeError("it has no `fields`");
  const map = fields instanceof Map ? fields : new Map(Object.entries(fields));
  for (const [name, data] of map as Map<string, unknown>) {
    if (data instanceof Float32Array || data instanceof Int32Array) continue;
    throw new TypeError(`\`${name}\` is neither a Float32Array nor an Int32Array`);
  }
  return { batch, time, fields: map as Batch["fields"] };
}

/** A user's task with what it may leave out. */
function complete(
  task: Partial<Task> & Pick<Task, "fields" | "batch">,
  path: string,
  given: Options,
): Task {
  const { fields, provides = {}, stream = false, tracker, text: codec } = task;
  return {
    name: task.name ?? basename(path),
    description: task.description ?? `from ${basename(path)}`,
    options: task.options ?? given,
    fields: fields.map((field) => ({ ...field, vocab: field.vocab ?? null })),
    provides,
    stream,
    batch: (split, index, size) => {
      try {
        const batch = checkBatch(task.batch(split, index, size));
        checkZeros(batch, fields);
        return batch;
      } catch (error) {
        if (error instanceof DiagnosticError) throw error;
        const reason = `its batch: ${error instanceof Error ? error.message : String(error)}`;
        throw problem("fwp6107", path, { path, reason });
      }
    },
    validationBatches: (size) => task.validationBatches?.(size) ?? null,
    ...(codec === undefined ? {} : { text: codec }),
    ...(tracker === undefined ? {} : { tracker: () => tracker.call(task) }),
  };
}

async function moduleTask(given: string, options: Options, loading: TaskLoading): Promise<Task> {
  const path = resolve(loading.directory, given);
  const unusable = (reason: string) => problem("fwp6107", path, { path, reason });
  try {
    const exported = (await importModule(path, loading)) as { default?: unknown };
    if (typeof exported.default !== "function")
      throw unusable("it has no function as default export");
    const make = exported.default as (options: Options, context: TaskContext) => unknown;
    const context: TaskContext = { directory: loading.directory, seed: loading.seed };
    const made: unknown = await make(options, context);
    const fault = faultOf(made);
    if (fault !== null) throw unusable(fault);
    return complete(made as Task, path, options);
  } catch (error) {
    if (error instanceof DiagnosticError) throw error;
    throw unusable(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The task that an experiment names.
 * @throws DiagnosticError fwp6100 unknown task, fwp6101–fwp6108 bad options or module, and those of reading files.
 */
export async function makeTask(settings: TaskSettings, loading: TaskLoading): Promise<Task> {
  if (settings.kind === "module") return moduleTask(settings.path, settings.options, loading);
  const { name, options } = settings;
  const found = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (found === undefined) {
    const { place = whole(name) } = loading;
    const at = typeof place === "function" ? place(name) : place;
    throw problem("fwp6100", at, { name, ...suggestion(name, Object.keys(tasks)) });
  }
  return found.make(options, loading, loading.place);
}
