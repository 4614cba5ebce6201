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

export interface ModuleOptions {
  /** What floats are computed in; elements in memory have the types that the entries give them. */
  readonly precision: Precision;
  /** How many elements a kernel must compute for several threads to share it. */
  readonly worthSpreading?: number;
}
export interface WasmOptions extends ModuleOptions {
  /** Uses fused products and sums, which not every engine has. */
  readonly relaxed?: boolean;
}

/**
 * The module, with its memory imported. For each entry it exports `fwp_ENTRY(table, batch, time, past, thread, threads)`,
 * where `table` is the address of the addresses of the buffers, in the order inputs, outputs, scratch. All of `threads`
 * threads call it with the same numbers; of scratch memory that is private there must be a piece for each. With `threads` 0
 * it runs nothing and gives 1 if several threads are worth it for these sizes, else 0. Doubles have the host's functions (`math`), and
 * threads meet in the host's `team.meet(threads)`, which is not called for one.
 */
export function wasmModule(
  entries: readonly CompiledEntry[],
  { precision, worthSpreading = WORTH_SPREADING }: ModuleOptions,
): WasmModule {
  const library = new Library();
  const shared = new SharedKernels();
  const functions = entries.flatMap((entry) => {
    const callees = entry.kernels.map((kernel) => shared.functionOf(kernel));
    const fresh = callees.filter((f) => f.isNew).map((f) => prepared(f.kernel, precision));
    const own = fresh.map((kernel) => kernelFunction(kernel, library, precision));
    const calls = callees.map((f, k): Call => ({ kernel: entry.kernels[k]!, callee: f.name }));
    return [...own, entryFunction(entry, calls, library, worthSpreading)];
  });
  return { imports: library.imports, functions: [...library.functions, ...functions] };
}

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
