/** Compiled entries as one WebAssembly module: a function for each kernel, and one for each entry that runs all of its kernels. */
import type { LoopKernel } from "../../loop/ir.ts";
import { SharedKernels } from "../../loop/same.ts";
import { expressionsOf } from "../../loop/scan.ts";
import type { Loop } from "../../loop/split.ts";
import { unroll } from "../../loop/unroll.ts";
import { vectorise } from "../../loop/vectorise.ts";
import type { CompiledEntry } from "../../plan/entry.ts";
import type { Precision } from "../../plan/memory.ts";
import { Body } from "./body.ts";
import { encode } from "./encode.ts";
import { Library } from "./functions/index.ts";
import type { Instruction, WasmFunction, WasmModule } from "./instructions.ts";
import { kernelFunction } from "./statements.ts";

export interface WasmOptions {
  /** What floats are computed in; elements in memory have the types that the entries give them. */
  readonly precision: Precision;
  /** Uses fused products and sums, which not every engine has. */
  readonly relaxed?: boolean;
}

/** Entries with their kernels as they are translated, which is the same with and without fused operations. */
interface Prepared {
  readonly entry: CompiledEntry;
  /** The function that each kernel is. */
  readonly called: readonly string[];
  /** Those that come first here. */
  readonly own: readonly LoopKernel[];
}

function preparedFrom(entries: readonly CompiledEntry[], precision: Precision): Prepared[] {
  const shared = new SharedKernels();
  return entries.map((entry) => {
    const functions = entry.kernels.map((kernel) => shared.functionOf(kernel));
    const own = functions.filter((f) => f.isNew).map((f) => prepared(f.kernel, precision));
    return { entry, called: functions.map((f) => f.name), own };
  });
}

function moduleOf(
  all: readonly Prepared[],
  { precision, relaxed = false }: WasmOptions,
): WasmModule {
  const library = new Library();
  const options = { real: precision, relaxed };
  const functions = all.flatMap(({ entry, called, own }) => [
    ...own.map((kernel) => kernelFunction(kernel, library, options)),
    entryFunction(entry, called),
  ]);
  return { imports: library.imports, functions: [...library.functions, ...functions] };
}

/**
 * The module, with its memory imported. For each entry it exports `fwp_ENTRY(table, batch, time, past)`, where `table` is
 * the address of the addresses of the buffers, in the order inputs, outputs, scratch. Doubles have the host's functions
 * (`math`).
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
): Uint8Array<ArrayBuffer> => encode(wasmModule(entries, options));

/** Both modules as bytes: without and with fused products and sums. */
export function wasmPair(
  entries: readonly CompiledEntry[],
  precision: Precision,
): Readonly<Record<"plain" | "relaxed", Uint8Array<ArrayBuffer>>> {
  const all = preparedFrom(entries, precision);
  const bytes = (relaxed: boolean) => encode(moduleOf(all, { precision, relaxed }));
  return { plain: bytes(false), relaxed: bytes(true) };
}

/** Floats in a vector. */
const LANES = 4;

const SIZES = ["batch", "time", "past"];

function entryFunction(entry: CompiledEntry, called: readonly string[]): WasmFunction {
  const body = new Body(["table", ...SIZES].map((name) => [name, "i32"] as const));
  const places = new Map<string, number>();
  entry.buffers.forEach((name, i) => {
    if (!places.has(name)) places.set(name, i);
  });
  for (const [k, kernel] of entry.kernels.entries()) {
    const addresses = kernel.buffers.flatMap(({ name }): Instruction[] => [
      { op: "local.get", local: 0 },
      { op: "i32.load", offset: 4 * places.get(name)! },
    ]);
    const sizes = kernel.sizes.map((size): Instruction => ({
      op: "local.get",
      local: 1 + SIZES.indexOf(size),
    }));
    body.emit(...addresses, ...sizes, { op: "call", callee: called[k]! });
  }
  const title = `All kernels of the entry ${entry.spec.name}.`;
  return body.finish(`fwp_${entry.spec.name}`, title, null, true);
}
