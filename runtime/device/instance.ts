/** One entry of a program with its memory. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { problem } from "../catalogue.ts";
import type { BufferSpec, EntrySpec, ProgramManifest, Sizes } from "../format/program.ts";
import { allocateScratch, evaluateSize, newArray, poison, type Allocate } from "./arena.ts";
import type { BufferKey, Data, Instance, InstanceOptions } from "./program.ts";

/** How a target runs the functions of a module. */
export interface Running {
  /** For memory that the caller does not give. */
  readonly allocate?: Allocate;
  /** How many threads run them at once: each has its own of what is private. */
  readonly threads?: number;
}

export function noEntry(manifest: ProgramManifest, name: string): Error {
  const known = manifest.entries.map((e) => e.name).join(", ");
  return problem("fwp6300", manifest.name, { name, known });
}

/** @throws DiagnosticError fwp6300 when there is none of this name. */
export function entrySpec(manifest: ProgramManifest, name: string): EntrySpec {
  const spec = manifest.entries.find((e) => e.name === name);
  if (spec === undefined) throw noEntry(manifest, name);
  return spec;
}

/** Elements of a buffer. */
export const lengthOf = (b: BufferSpec, sizes: Sizes): number =>
  b.shape.reduce<number>((n, s) => n * evaluateSize(s, sizes), 1);

/** Whether an output is written over the input of its name. */
export const isInPlace = (b: BufferSpec): boolean =>
  b.role === "parameter" || b.role === "optimizer";

/**
 * Gives an entry memory: what is bound, and from `allocate` all else. `run` is called with the buffers in the order
 * inputs, outputs, scratch, always the same list.
 */
export function makeInstance(
  program: string,
  spec: EntrySpec,
  run: (buffers: readonly Data[], sizes: Sizes) => void,
  sizes: Sizes,
  options: InstanceOptions,
  { allocate = newArray, threads = 1 }: Running = {},
): Instance {
  const inputs = new Map<BufferKey, Data>();
  const outputs = new Map<BufferKey, Data>();
  const buffers: Data[] = [];
  for (const b of spec.inputs) {
    const key: BufferKey = `${b.role}:${b.name}`;
    const length = lengthOf(b, sizes);
    const bound = options.bind?.get(key);
    if (
      bound !== undefined &&
      (bound.length !== length || bound.constructor !== newArray(b.type, 0).constructor)
    ) {
      throw problem("fwp6032", program, {
        name: b.name,
        expected: `${length} ${b.type}`,
        found: `${bound.length} of ${bound.constructor.name}`,
      });
    }
    const data = bound ?? allocate(b.type, length);
    inputs.set(key, data);
    buffers.push(data);
  }
  for (const b of spec.outputs) {
    const key: BufferKey = `${b.role}:${b.name}`;
    const over = isInPlace(b) ? inputs.get(key) : undefined;
    const data = over ?? allocate(b.type, lengthOf(b, sizes));
    if (over === undefined && options.poison === true) poison(data);
    outputs.set(key, data);
    buffers.push(data);
  }
  const scratch = allocateScratch(spec.scratch, sizes, allocate, threads);
  if (options.poison === true) scratch.buffers.forEach(poison);
  buffers.push(...scratch.buffers);
  const find = (map: Map<BufferKey, Data>, key: BufferKey, way: string): Data => {
    const found = map.get(key);
    if (found === undefined) throw new InternalError(`${spec.name} has no ${way} ${key}`);
    return found;
  };
  return {
    sizes,
    input: (role, name) => find(inputs, `${role}:${name}`, "input"),
    output: (role, name) => find(outputs, `${role}:${name}`, "output"),
    run: () => run(buffers, sizes),
    scratchBytes: scratch.bytes,
  };
}
