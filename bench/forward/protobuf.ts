/** Protocol buffers, as far as a model in ONNX needs them: messages are lists of fields, each already bytes. */

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  // Negative numbers are those of 64 bits in two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const tag = (field: number, type: number): Uint8Array => varint(field * 8 + type);

export const integer = (field: number, value: number): Uint8Array =>
  joined([tag(field, VARINT), varint(value)]);

export function float(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joined([tag(field, FIXED32), bytes]);
}

export const bytes = (field: number, value: Uint8Array): Uint8Array =>
  joined([tag(field, BYTES), varint(value.length), value]);

export const text = (field: number, value: string): Uint8Array =>
  bytes(field, new TextEncoder().encode(value));

export const message = (field: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  bytes(field, joined(parts));
