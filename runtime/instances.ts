/** Programs at work: instances by entry and sizes that share parameters, and their inputs filled. */
import { newArray, type Allocate } from "./device/arena.ts";
import type { BufferKey, Data, Instance, Program } from "./device/program.ts";
import type { EntrySpec, ProgramManifest, Sizes } from "./format/program.ts";
import { problem } from "./catalogue.ts";
import { suggestion } from "./suggest.ts";

export type Values = ReadonlyMap<string, Data>;

/** @throws DiagnosticError fwp6300 when the program has no such entry. */
export function entryOf(manifest: ProgramManifest, name: string): EntrySpec {
  const found = manifest.entries.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  const known = manifest.entries.map((entry) => entry.name).join(", ");
  throw problem("fwp6300", manifest.name, { name, known: known === "" ? "none" : known });
}

/** @throws DiagnosticError fwp6301 when it is not a program that this runtime can read. */
export function checkManifest(manifest: ProgramManifest): void {
  const { format, version } = manifest as { format: unknown; version: unknown };
  if (format === "fwp-program" && version === 1) return;
  const facts = { expected: "fwp-program 1", found: `${String(format)} ${String(version)}` };
  throw problem("fwp6301", String(manifest.name), facts);
}

/**
 * Parameters as memory to share between entries: of the element type that the program computes with, best from the
 * program's own `allocate`.
 */
export function parameterMemory(
  manifest: ProgramManifest,
  values: Values,
  allocate: Allocate = newArray,
): Map<string, Data> {
  const types = new Map(
    manifest.entries
      .flatMap((entry) => entry.inputs)
      .filter((input) => input.role === "parameter")
      .map((input) => [input.name, input.type]),
  );
  const memory = new Map<string, Data>();
  for (const { name } of manifest.parameters) {
    const found = values.get(name);
    if (found === undefined) continue;
    const data = allocate(types.get(name) ?? "f32", found.length);
    data.set(found);
    memory.set(name, data);
  }
  return memory;
}

/** Instances that are kept for another use. */
const KEPT = 8;

/** The instances of one program, made when first asked for. All of them read the same parameters. */
export class Instances {
  readonly program: Program;
  readonly parameters: ReadonlyMap<string, Data>;
  readonly #made = new Map<string, Instance>();

  /** `parameters`: see `parameterMemory`. A training step changes them in place. */
  constructor(program: Program, parameters: ReadonlyMap<string, Data>) {
    checkManifest(program.manifest);
    this.program = program;
    this.parameters = parameters;
  }

  /** A new instance, not kept; `bound` memory besides the parameters. */
  make(entry: string, sizes: Sizes, bound: ReadonlyMap<BufferKey, Data> = new Map()): Instance {
    const bind = new Map<BufferKey, Data>(bound);
    for (const { role, name } of entryOf(this.program.manifest, entry).inputs) {
      const memory = role === "parameter" ? this.parameters.get(name) : undefined;
      if (memory !== undefined) bind.set(`parameter:${name}`, memory);
    }
    return this.program.instantiate(entry, sizes, { bind });
  }

  /** The instance for these sizes, as its last user left it. Only the latest few are kept: each has memory of its own. */
  get(entry: string, sizes: Sizes): Instance {
    const key = `${entry} ${sizes.batch} ${sizes.time} ${sizes.past}`;
    const found = this.#made.get(key) ?? this.make(entry, sizes);
    // The latest last; the one that was not used for longest goes.
    this.#made.delete(key);
    this.#made.set(key, found);
    for (const old of this.#made.keys()) {
      if (this.#made.size <= KEPT) break;
      this.#made.delete(old);
    }
    return found;
  }
}

/** Copies data into the memory of an input. @throws DiagnosticError fwp6032 when it has another length. */
function fill(memory: Data, data: ArrayLike<number>, name: string): void {
  if (memory.length !== data.length) {
    const facts = { name, expected: `${memory.length} numbers`, found: String(data.length) };
    throw problem("fwp6032", name, facts);
  }
  memory.set(data);
}

/** Fills the sequences an entry reads. @throws DiagnosticError fwp6205 missing, fwp6032 of another size. */
export function fillInputs(
  instance: Instance,
  entry: EntrySpec,
  fields: ReadonlyMap<string, ArrayLike<number>>,
): void {
  for (const { role, name } of entry.inputs) {
    if (role !== "input") continue;
    const data = fields.get(name);
    if (data === undefined) {
      throw problem("fwp6205", name, { name, ...suggestion(name, fields.keys()) });
    }
    fill(instance.input("input", name), data, name);
  }
}

/** Fills the first states an entry reads, those that are given. */
export function fillStates(instance: Instance, entry: EntrySpec, states: Values): void {
  for (const { role, name } of entry.inputs) {
    const data = role === "state" ? states.get(name) : undefined;
    if (data !== undefined) fill(instance.input("state", name), data, name);
  }
}

/** The last states of an entry become its first ones. Not for growing states, whose two ends differ in size. */
export function carryStates(instance: Instance, entry: EntrySpec): void {
  const written = new Set(entry.outputs.filter((o) => o.role === "state").map((o) => o.name));
  for (const { role, name } of entry.inputs) {
    if (role !== "state" || !written.has(name)) continue;
    instance.input("state", name).set(instance.output("state", name));
  }
}

/** States before the first step, `[batch, …]`: constants or learned ones; growing states are empty. */
export function firstStates(
  manifest: ProgramManifest,
  parameters: Values,
  batch: number,
): Map<string, Data> {
  const states = new Map<string, Data>();
  for (const { name, shape, growing, init } of manifest.states) {
    const one = growing ? 0 : shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(batch * one);
    if (init.kind === "constant") data.fill(init.value);
    else {
      const learned = parameters.get(init.name);
      if (learned !== undefined) for (let b = 0; b < batch; b++) data.set(learned, b * one);
    }
    states.set(name, data);
  }
  return states;
}
