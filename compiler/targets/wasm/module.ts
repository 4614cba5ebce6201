/** Compiled entries as one WebAssembly module: a function for each kernel, and one for each entry that runs all of its kernels. */
import type { LoopKernel } from "../../loop/ir.ts";
import { SharedKernels } from "../../loop/same.ts";
import { expressionsOf } from "../../loop/scan.ts";
import type { Loop } from "../../loop/split.ts";
import { unroll } from "../../loop/unroll.ts";
import { vectorise } from "../../loop/vectorise.ts";
import type { CompiledEntry } from "../../plan/entry.ts";
import type { Precision } from "../../plan/memory.ts";
import { WORTH_SPREADING } from "../../plan/spread.ts";
import { encode } from "./encode.ts";
import { entryFunction, type Call } from "./entry.ts";
import { Library } from "./functions/index.ts";
import type { WasmModule } from "./instructions.ts";
import { kernelFunction } from "./statements.ts";

export interface WasmOptions {
  /** What floats are computed in; elements in memory have the types that the entries give them. */
  readonly precision: Precision;
  /** As bytes: uses fused products and sums, which not every engine has. */
  readonly relaxed?: boolean;
  /** How many elements a kernel must compute for several threads to share it. */
  readonly worthSpreading?: number;
}

/** Entries with their kernels as they are translated. */
interface Prepared {
  readonly entry: CompiledEntry;
  /** Its kernels and the function that each of them is. */
  readonly calls: readonly Call[];
  /** Those that come first here. */
  readonly own: readonly LoopKernel[];
}

function preparedFrom(entries: readonly CompiledEntry[], precision: Precision): Prepared[] {
  const shared = new SharedKernels();
  return entries.map((entry) => {
    const functions = entry.kernels.map((kernel) => shared.functionOf(kernel));
    const own = functions.filter((f) => f.isNew).map((f) => prepared(f.kernel, precision));
    const calls = functions.map((f, k): Call => ({ kernel: entry.kernels[k]!, callee: f.name }));
    return { entry, calls, own };
  });
}

function moduleOf(
  all: readonly Prepared[],
  { precision, worthSpreading = WORTH_SPREADING }: WasmOptions,
): WasmModule {
  const library = new Library();
  const options = { real: precision };
  const functions = all.flatMap(({ entry, calls, own }) => [
    ...own.map((kernel) => kernelFunction(kernel, library, options)),
    entryFunction(entry, calls, library, worthSpreading),
  ]);
  return { imports: library.imports, functions: [...library.functions, ...functions] };
}

/**
 * The module, with its memory imported. For each entry it exports `fwp_ENTRY(table, batch, time, past, thread, threads)`,
 * where `table` is the address of the addresses of the buffers, in the order inputs, outputs, scratch. All of `threads`
 * threads call it with the same numbers; of scratch memory that is private there must be a piece for each. With `threads` 0
 * it runs nothing and gives 1 if several threads are worth it for these sizes, else 0. Doubles have the host's functions (`math`), and
 * threads meet in the host's `team.meet(threads)`, which is not called for one.
 */
export const wasmModule = (entries: readonly CompiledEntry[], options: WasmOptions): WasmModule =>
  moduleOf(preparedFrom(entries, options.precision), options);

/** Vectors where loops allow them: of floats, which come in fours. */
const prepared = (kernel: LoopKernel, precision: Precision): LoopKernel =>
  unroll(precision === "f32" ? vectorise(kernel, LANES) : kernel, hasVectors);

const hasVectors = (loop: Loop): boolean =>
  loop.body.some((s) => expressionsOf(s).some((e) => e.type.lanes > 1));

/** The same as bytes. */
export const wasmOf = (
  entries: readonly CompiledEntry[],
  options: WasmOptions,
): Uint8Array<ArrayBuffer> => encode(wasmModule(entries, options), options.relaxed);

/** Both modules as bytes: without and with fused products and sums. */
export function wasmPair(
  entries: readonly CompiledEntry[],
  precision: Precision,
): Readonly<Record<"plain" | "relaxed", Uint8Array<ArrayBuffer>>> {
  const module = wasmModule(entries, { precision });
  return { plain: encode(module, false), relaxed: encode(module, true) };
}

/** Floats in a vector. */
const LANES = 4;
