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

/**
 * The module, with its memory imported. For each entry it exports `fwp_ENTRY(table, batch, time, past)`, where `table` is
 * the address of the addresses of the buffers, in the order inputs, outputs, scratch. Doubles have the host's functions
 * (`math`).
 */
export function wasmModule(
  entries: readonly CompiledEntry[],
  { precision, relaxed = false }: WasmOptions,
): WasmModule {
  const library = new Library();
  const options = { real: precision, relaxed };
  const shared = new SharedKernels();
  const functions = entries.flatMap((entry) => {
    const callees = entry.kernels.map((kernel) => {
      const { name, isNew } = shared.functionOf(kernel);
      const own = isNew ? [kernelFunction(prepared(kernel, precision), library, options)] : [];
      return { called: name, own };
    });
    const called = callees.map((c) => c.called);
    return [...callees.flatMap((c) => c.own), entryFunction(entry, called)];
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
): Uint8Array<ArrayBuffer> => encode(wasmModule(entries, options));

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
