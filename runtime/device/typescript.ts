/** Runs generated JavaScript: loads a module and gives each of its entries memory. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import type { BufferSpec, EntrySpec, ProgramManifest, Sizes } from "../format/program.ts";
import { allocateScratch, evaluateSize, newArray, poison, type Allocate } from "./arena.ts";
import type {
  BufferKey,
  Data,
  Instance,
  InstanceOptions,
  KernelModule,
  Program,
} from "./program.ts";
import { problem } from "../catalogue.ts";

/** How a target runs the functions of a module. */
export interface Running {
  /** For memory that the caller does not give. */
  readonly allocate?: Allocate;
  /** How many threads run them at once: each has its own of what is private. */
  readonly threads?: number;
}

/** A program from the functions of its generated module. */
export function fromModule(
  module: KernelModule,
  manifest: ProgramManifest,
  { allocate = newArray, threads = 1 }: Running = {},
): Program {
  return {
    manifest,
    instantiate(name, sizes, options = {}) {
      const spec = manifest.entries.find((e) => e.name === name);
      const run = module[name];
      if (spec === undefined || run === undefined) {
        const known = manifest.entries.map((e) => e.name).join(", ");
        throw problem("fwp6300", manifest.name, { name, known });
      }
      return instance(manifest.name, spec, run, sizes, options, allocate, threads);
    },
  };
}

function instance(
  program: string,
  spec: EntrySpec,
  run: KernelModule[string],
  sizes: Sizes,
  options: InstanceOptions,
  allocate: Allocate,
  threads: number,
): Instance {
  const lengthOf = (b: BufferSpec) =>
    b.shape.reduce<number>((n, s) => n * evaluateSize(s, sizes), 1);
  const inputs = new Map<BufferKey, Data>();
  const outputs = new Map<BufferKey, Data>();
  const buffers: Data[] = [];
  for (const b of spec.inputs) {
    const key: BufferKey = `${b.role}:${b.name}`;
    const length = lengthOf(b);
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
    const over = b.role === "parameter" || b.role === "optimizer" ? inputs.get(key) : undefined;
    const data = over ?? allocate(b.type, lengthOf(b));
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
    run: () => run!(buffers, sizes),
    scratchBytes: scratch.bytes,
  };
}

/**
 * A program from the text of a generated module. The module is evaluated as one function whose result holds the entries:
 * the kernels stay ordinary functions, optimised like those of any file.
 */
export function loadJavaScript(javascript: string, manifest: ProgramManifest): Program {
  const names = manifest.entries.map((e) => e.name);
  const body = javascript.replace(/^export function /gm, "function ");
  const make = new Function(`"use strict";\n${body}\nreturn { ${names.join(", ")} };`);
  return fromModule(make() as KernelModule, manifest);
}
