/** Element types of a safetensors file, and the arrays they are read into. Little endian, as the machines we run on. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { Data } from "../device/program.ts";

export const elementTypes = ["F64", "F32", "F16", "BF16", "I32", "I64"] as const;
export type StoredType = (typeof elementTypes)[number];

export const ELEMENT_BYTES: Readonly<Record<StoredType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I32: 4,
  I64: 8,
};

/** The value of an IEEE half: 1 sign bit, 5 of exponent, 10 of fraction. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The numbers in `bytes`, which starts at offset 0 of its own buffer; or, alone in a list, an integer that does not fit. */
export function decodeElements(type: StoredType, bytes: Uint8Array): Data | [bigint] {
  const { buffer } = bytes;
  switch (type) {
    case "F64":
      return new Float64Array(buffer);
    case "F32":
      return new Float32Array(buffer);
    case "I32":
      return new Int32Array(buffer);
    case "F16":
      return Float32Array.from(new Uint16Array(buffer), halfToNumber);
    case "BF16": {
      // The upper half of a float32.
      const words = Uint32Array.from(new Uint16Array(buffer), (bits) => bits * 0x10000);
      return new Float32Array(words.buffer);
    }
    case "I64": {
      const wide = new BigInt64Array(buffer);
      const narrow = Int32Array.from(wide, Number);
      const wrong = wide.findIndex((value, i) => BigInt(narrow[i]!) !== value);
      return wrong < 0 ? narrow : [wide[wrong]!];
    }
    default:
      return unreachable(type);
  }
}
