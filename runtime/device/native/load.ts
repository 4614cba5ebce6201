/** Loads compiled C through koffi and gives it the shape of a generated module. */
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import type { ElementType, ProgramManifest, Sizes } from "../../format/program.ts";
import { arrayOver, BYTES } from "../arena.ts";
import type { Data, KernelModule, Program } from "../program.ts";
import { threadCount as threadsOf } from "../threads.ts";
import { fromModule } from "../typescript.ts";
import { libraryFor, withLibrary } from "./cache.ts";
import { findCompiler, NativeUnavailable, withFlags, type Env } from "./compiler.ts";

/** The part of koffi that is used. */
interface Koffi {
  load(path: string): { func(declaration: string): (...values: unknown[]) => unknown };
}

const require = createRequire(import.meta.url);

function koffi(): Koffi {
  try {
    return require("koffi") as Koffi;
  } catch (error) {
    const [line = ""] = String((error as Error).message).split("\n");
    throw new NativeUnavailable(`the package koffi does not load (${line})`);
  }
}

/** Libraries stay: their threads sleep in their code. */
const loaded = new Set<object>();

/** Memory that starts on a cache line, as vectors like it. */
const LINE = 64;
/** Where addresses are multiples of this, any array may start. */
const PAGE = 4096;

/** How many threads besides the caller's can be there at once, of so many. They wait for each other and end. */
const THREADS = `#include <pthread.h>
#include <stdint.h>
enum { MOST = 256 };
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static void *wait_there(void *nothing) {
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return nothing;
}
int64_t fwp_try_threads(int64_t wanted) {
  pthread_t threads[MOST];
  int64_t made = 0;
  pthread_mutex_lock(&gate);
  while (made < wanted && made < MOST && pthread_create(&threads[made], 0, wait_there, 0) == 0) made++;
  pthread_mutex_unlock(&gate);
  for (int64_t i = 0; i < made; i++) pthread_join(threads[i], 0);
  return made;
}
`;

/** Of the threads that programs are told to use, how many there can be: the others do their part. @throws NativeUnavailable */
export function possibleThreads(env: Env = process.env): number {
  const wanted = threadCount(env);
  if (wanted === 1) return 1;
  const library = koffi().load(libraryFor(THREADS, findCompiler(env), env));
  return 1 + Number(library.func("int64_t fwp_try_threads(int64_t wanted)")(wanted - 1));
}

/**
 * The module of a C file (see compiler/targets/native/module.ts). Its functions are those of a generated JavaScript module;
 * the addresses of the buffers are looked up once, at the first call with them.
 */
function moduleOf(path: string, manifest: ProgramManifest, wanted: number) {
  const library = koffi().load(path);
  loaded.add(library);
  // A library that is in use already keeps its threads.
  const threads = Number(library.func("int64_t fwp_threads(int64_t threads)")(wanted));
  const bind = library.func("void fwp_bind(void *table, int64_t place, void *memory)");
  const functions = manifest.entries.map(({ name }) => {
    const run = library.func(`void fwp_${name}(void *buffers, void *sizes)`);
    // The arrays live as long as their list, and the table of their addresses with it.
    const tables = new WeakMap<readonly Data[], BigUint64Array>();
    const counts = new BigInt64Array(3);
    const call = (buffers: readonly Data[], { batch, time, past }: Sizes): void => {
      let table = tables.get(buffers);
      if (table === undefined) {
        table = new BigUint64Array(Math.max(1, buffers.length));
        // Asking for its buffer takes a small array out of the heap, where it could be moved.
        for (const [i, data] of buffers.entries())
          if (data.buffer.byteLength > 0) bind(table, i, data);
        tables.set(buffers, table);
      }
      counts[0] = BigInt(batch);
      counts[1] = BigInt(time);
      counts[2] = BigInt(past);
      run(table, counts);
    };
    return [name, call] as const;
  });
  const allocate = (type: ElementType, length: number): Data => {
    const bytes = length * BYTES[type];
    const memory = new ArrayBuffer(bytes + LINE);
    const table = new BigUint64Array(1);
    bind(table, 0, new Uint8Array(memory));
    const offset = (LINE - (Number(table[0]! % BigInt(PAGE)) % LINE)) % LINE;
    return arrayOver(type, memory, offset, length);
  };
  return { module: Object.fromEntries(functions) as KernelModule, allocate, threads };
}

/** Threads that run a program: `$FWP_THREADS`, or as many as the process may use processors. */
export const threadCount = (env: Env): number => threadsOf(env, availableParallelism());

/**
 * How C is compiled. `kept`: as fast as it gets, and kept for the next time. `passing`: compiled quickly, without
 * optimisation, and forgotten once it is loaded; several times sooner there, for what is run only a few times.
 */
export type Build = "kept" | "passing";

/**
 * A program from the text of its C file, compiled for this machine or found in the cache.
 * @throws NativeUnavailable when there is no working compiler, no place to keep what it makes, or no koffi.
 */
export function loadNative(
  source: string,
  manifest: ProgramManifest,
  env: Env = process.env,
  build: Build = "kept",
): Program {
  koffi();
  const compiler = findCompiler(env);
  const of = (path: string): Program => {
    const { module, allocate, threads } = moduleOf(path, manifest, threadCount(env));
    return fromModule(module, { ...manifest, target: "native" }, { allocate, threads });
  };
  return build === "kept"
    ? of(libraryFor(source, compiler, env))
    : withLibrary(source, withFlags(compiler, "-O0"), env, of);
}
