/** Runs the binary of a WebAssembly module (compiler/targets/wasm/module.ts). */
import type { ElementType, EntrySpec, ProgramManifest, Sizes } from "../../format/program.ts";
import { BYTES, newArray, placeScratch } from "../arena.ts";
import { entrySpec, isInPlace, lengthOf, makeInstance, noEntry } from "../instance.ts";
import type { BufferKey, Data, Instance, InstanceOptions, Program } from "../program.ts";
import type { Env } from "../threads.ts";
import type { Bytes, Module } from "./engine.ts";
import { wasmEngine } from "./features.ts";
import { Pace } from "./pace.ts";
import { withSharedMemory } from "./shared.ts";
import { aligned, Space, type Code, type SpaceEntry } from "./space.ts";
import { wasmThreads } from "./team.ts";

/** Room in a program's own memory besides its parameters. */
const ROOM = 256 * 2 ** 20;
/** An address in memory. */
const ADDRESS = 4;

/** Memory outside that a run reads, and writes if `back`, through a copy inside. */
interface Shadow {
  readonly outside: Data;
  readonly inside: Data;
  readonly back: boolean;
}

/** What an engine is to compile, and how many threads are to run it. */
function chosen(binary: Bytes, env?: Env): { readonly bytes: Bytes; readonly threads: number } {
  const { threads } = wasmThreads(env);
  const shared = threads > 1 ? withSharedMemory(binary) : null;
  return shared === null ? { bytes: binary, threads: 1 } : { bytes: shared, threads };
}

/**
 * As many threads run it as `env` says (the process's own by default; see `wasmThreads`).
 * @throws WasmUnavailable where there is no WebAssembly with vectors.
 */
export function loadWasm(binary: Bytes, manifest: ProgramManifest, env?: Env): Program {
  const engine = wasmEngine();
  const { bytes, threads } = chosen(binary, env);
  return programOf({ module: new engine.Module(bytes), threads }, manifest);
}

/** The same, compiled beside the caller, as pages have it. @throws WasmUnavailable */
export async function compileWasm(binary: Bytes, manifest: ProgramManifest): Promise<Program> {
  const { bytes, threads } = chosen(binary);
  return programOf({ module: await wasmEngine().compile(bytes), threads }, manifest);
}

/** The same where a module has been compiled already. One thread runs it. */
export const wasmProgram = (module: Module, manifest: ProgramManifest): Program =>
  programOf({ module, threads: 1 }, manifest);

function programOf(code: Code, manifest: ProgramManifest): Program {
  let own: Space | null = null;
  const home = (): Space => (own ??= Space.make(code, 0, ROOM + 2 * parameterBytes(manifest)));
  return {
    manifest: { ...manifest, target: "wasm" },
    allocate: (type, length) => home().allocate(type, length) ?? newArray(type, length),
    instantiate: (name, sizes, options = {}) =>
      instantiate(code, home(), manifest, name, sizes, options),
  };
}

function parameterBytes({ parameters }: ProgramManifest): number {
  const counts = parameters.map((p) => p.shape.reduce((n, size) => n * size, BYTES.f64));
  return counts.reduce((n, bytes) => n + bytes, 0);
}

/** Bytes for all of an entry's memory inside of a module's. */
function bytesOf(
  spec: EntrySpec,
  sizes: Sizes,
  foreign: ReadonlySet<BufferKey>,
  threads: number,
): number {
  const own = spec.inputs.filter((b) => foreign.has(`${b.role}:${b.name}`));
  const written = spec.outputs.filter((b) => !isInPlace(b));
  const buffers = [...own, ...written].map((b) => aligned(lengthOf(b, sizes) * BYTES[b.type]));
  const count = spec.inputs.length + spec.outputs.length + spec.scratch.length;
  const { total } = placeScratch(spec.scratch, sizes, threads);
  return buffers.reduce((n, b) => n + b, total) + aligned(count * ADDRESS);
}

function instantiate(
  code: Code,
  home: Space,
  manifest: ProgramManifest,
  name: string,
  sizes: Sizes,
  options: InstanceOptions,
): Instance {
  const spec = entrySpec(manifest, name);
  const bound = options.bind ?? new Map<BufferKey, Data>();
  const here = home.entry(name, sizes);
  if (here === null) throw noEntry(manifest, name);
  const { threads } = here;
  const keys = spec.inputs.map((b): BufferKey => `${b.role}:${b.name}`);
  /** What has to be inside of this memory, counting copies of what is bound and lies elsewhere. */
  const needed = (space: Space | null): number => {
    const foreign = keys.filter((key) => {
      const data = bound.get(key);
      return data === undefined || space?.holds(data) !== true;
    });
    return bytesOf(spec, sizes, new Set(foreign), threads);
  };
  const inHome = needed(home);
  const start = home.take(inHome);
  const bytes = start === null ? needed(null) : inHome;
  const space = start === null ? Space.make(code, bytes) : home;
  const entry = start === null ? space.entry(name, sizes)! : here;
  const pace = new Pace();
  let at = start ?? space.take(bytes)!;
  const allocate = (type: ElementType, length: number): Data => {
    const data = space.array(type, at, length);
    at += aligned(length * BYTES[type]);
    return data;
  };
  let prepared: { readonly table: number; readonly shadows: readonly Shadow[] } | null = null;
  const prepare = (buffers: readonly Data[]) => {
    const shadows = new Map<Data, Shadow>();
    const inputs = spec.inputs.length;
    const addresses = buffers.map((data, i) => {
      if (space.holds(data)) return data.byteOffset;
      const type =
        data instanceof Int32Array ? "i32" : data instanceof Float64Array ? "f64" : "f32";
      const inside = shadows.get(data)?.inside ?? allocate(type, data.length);
      shadows.set(data, { outside: data, inside, back: i >= inputs });
      return inside.byteOffset;
    });
    const table = allocate("i32", addresses.length);
    table.set(addresses);
    return { table: table.byteOffset, shadows: [...shadows.values()] };
  };
  const run = (buffers: readonly Data[], own: Sizes): void => {
    prepared ??= prepare(buffers);
    const { table, shadows } = prepared;
    for (const { outside, inside } of shadows) inside.set(outside);
    inTime(entry, pace, table, own);
    for (const { outside, inside, back } of shadows) if (back) outside.set(inside);
  };
  const made = makeInstance(manifest.name, spec, run, sizes, options, { allocate, threads });
  if (start === null) return made;
  return { ...made, release: () => home.give(start, inHome) };
}

/** Runs an entry: with all threads where they are there and that has turned out to be faster. */
function inTime(entry: SpaceEntry, pace: Pace, table: number, sizes: Sizes): void {
  // A run before the threads know this memory says nothing of them.
  if (entry.threads === 1 || !entry.ready()) return entry.run(table, sizes, false);
  const together = pace.choose();
  const start = performance.now();
  entry.run(table, sizes, together);
  pace.learn(together, performance.now() - start);
}
