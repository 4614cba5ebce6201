/**
 * A module over memory that threads share. Packages hold modules that take memory of one thread, as it is everywhere; they
 * are the same but for the limits of the memory that they import, which the compiler prints long enough to be replaced.
 */
import type { Bytes } from "./engine.ts";

const HEADER = 8;
const [TYPES, IMPORTS] = [1, 2];
/** compiler/targets/wasm/encode.ts prints the first. The second: shared, of any size up to the largest. */
const LIMITS = [0x00, 0x80, 0x80, 0x80, 0x00];
const SHARED = [0x03, 0x00, 0x80, 0x80, 0x04];
/** The first import: `env.memory`, a memory. */
const MEMORY = [..."\u0003env\u0006memory\u0002"].map((c) => c.charCodeAt(0));

/** A number of variable length, and where the next byte is. */
function unsigned(bytes: Bytes, start: number): { readonly value: number; readonly next: number } {
  let [value, at] = [0, start];
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte % 128) * scale;
    if (byte < 128) return { value, next: at };
  }
}

/** The same module over shared memory; null if it is not made for that. */
export function withSharedMemory(binary: Bytes): Bytes | null {
  let at = HEADER;
  if (binary[at] === TYPES) {
    const { value, next } = unsigned(binary, at + 1);
    at = next + value;
  }
  if (binary[at] !== IMPORTS) return null;
  const section = unsigned(binary, at + 1).next;
  const first = unsigned(binary, section).next;
  const expected = [...MEMORY, ...LIMITS];
  if (!expected.every((byte, i) => binary[first + i] === byte)) return null;
  const copy = binary.slice();
  copy.set(SHARED, first + MEMORY.length);
  return copy;
}
