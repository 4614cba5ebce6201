/** Scratch memory of one entry: buffers that are not needed at the same time lie in the same bytes. */
import { APART, LINE } from "../format/program.ts";
import type { ElementType, ScratchSpec, SizeExpr, Sizes } from "../format/program.ts";
import type { Data } from "./program.ts";

/** The number that a size comes to. */
export function evaluateSize(size: SizeExpr, sizes: Sizes): number {
  if (typeof size === "number") return size;
  if (typeof size === "string") return sizes[size];
  const args = size.args.map((a) => evaluateSize(a, sizes));
  const [a = 0, b = 1] = args;
  switch (size.op) {
    case "add":
      return args.reduce((x, y) => x + y, 0);
    case "mul":
      return args.reduce((x, y) => x * y, 1);
    case "div":
      return Math.floor(a / b);
    case "ceildiv":
      return Math.ceil(a / b);
    case "mod":
      return a % b;
    case "max":
      return Math.max(...args);
    case "min":
      return Math.min(...args);
  }
}

export const BYTES: Readonly<Record<ElementType, number>> = { f32: 4, f64: 8, i32: 4 };

export interface Placement {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * An offset for each buffer such that no two of them overlap in both time and space: the largest first, each at the
 * lowest place that is free during its life.
 */
export function placeScratch(
  specs: readonly ScratchSpec[],
  sizes: Sizes,
  threads = 1,
): { readonly places: readonly Placement[]; readonly total: number } {
  const bytes = specs.map((s) => {
    const length = Math.max(0, evaluateSize(s.length, sizes));
    const one = Math.ceil((length * BYTES[s.type]) / LINE) * LINE;
    return s.private === true && threads > 1 ? (one + APART) * threads : one;
  });
  const order = specs.map((_, i) => i).sort((i, j) => bytes[j]! - bytes[i]! || i - j);
  const offsets: number[] = [];
  const placed: number[] = [];
  let total = 0;
  for (const i of order) {
    const [spec, size] = [specs[i]!, bytes[i]!];
    const beside = placed
      .filter((j) => specs[j]!.first <= spec.last && spec.first <= specs[j]!.last)
      .sort((j, k) => offsets[j]! - offsets[k]!);
    let best: { offset: number; room: number } | null = null;
    let end = 0;
    for (const j of beside) {
      const room = offsets[j]! - end;
      if (room >= size && (best === null || room < best.room)) best = { offset: end, room };
      end = Math.max(end, offsets[j]! + bytes[j]!);
    }
    offsets[i] = best?.offset ?? end;
    total = Math.max(total, offsets[i]! + size);
    placed.push(i);
  }
  return { places: bytes.map((b, i) => ({ offset: offsets[i]!, bytes: b })), total };
}

/** How a target gets memory for so many elements. */
export type Allocate = (type: ElementType, length: number) => Data;

export function newArray(type: ElementType, length: number): Data {
  if (type === "i32") return new Int32Array(length);
  return type === "f64" ? new Float64Array(length) : new Float32Array(length);
}

/** An array over part of some memory. */
export function arrayOver(
  type: ElementType,
  memory: ArrayBufferLike,
  offset: number,
  length: number,
): Data {
  if (type === "i32") return new Int32Array(memory, offset, length);
  return type === "f64"
    ? new Float64Array(memory, offset, length)
    : new Float32Array(memory, offset, length);
}

/** Makes any read before the first write show: NaN, or an absurd integer. */
export function poison(data: Data): void {
  data.fill(data instanceof Int32Array ? -0x7fffffff : Number.NaN);
}

/** All scratch buffers of an entry, in the order of their specs, in one piece of memory. */
export function allocateScratch(
  specs: readonly ScratchSpec[],
  sizes: Sizes,
  allocate: Allocate = newArray,
  threads = 1,
): { readonly buffers: readonly Data[]; readonly bytes: number } {
  const { places, total } = placeScratch(specs, sizes, threads);
  const memory = allocate("f64", total / BYTES.f64);
  const buffers = specs.map((s, i) => {
    const length =
      s.private === true
        ? places[i]!.bytes / BYTES[s.type]
        : Math.max(0, evaluateSize(s.length, sizes));
    return arrayOver(s.type, memory.buffer, memory.byteOffset + places[i]!.offset, length);
  });
  return { buffers, bytes: total };
}
