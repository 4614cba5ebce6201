import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { halfToNumber } from "../../runtime/files/elements.ts";
import {
  decodeSafetensors,
  safetensorsBytes,
  type Tensor,
} from "../../runtime/files/safetensors.ts";
import { readSafetensors, writeSafetensors } from "../../runtime/files/tensors.ts";
import { codesFrom, temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();

/** A file with this header text, its true length unless another is claimed, and this much data. */
function file(
  header: string | object,
  data: number | Uint8Array = 0,
  claimed?: bigint,
): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

describe("round trip", () => {
  test("names, shapes, types and values survive, and so does text about them", () => {
    const tensors = new Map<string, Tensor>([
      [
        "layers.0.k.weight",
        { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, NaN, Infinity, -0) },
      ],
      ['précis " \\ \n', { shape: [], data: Float64Array.of(Math.PI) }],
      ["10", { shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) }],
      ["__proto__", { shape: [0, 4], data: new Float32Array(0) }],
    ]);
    const path = join(folder, "a.safetensors");
    writeSafetensors(path, tensors, new Map([["step", "12"]]));
    const read = readSafetensors(path);
    expect(read.metadata).toEqual(new Map([["step", "12"]]));
    expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()));
  });

  test("the order of writing does not matter to the bytes", () => {
    const a = ["a", { shape: [1], data: Float32Array.of(1) }] as const;
    const b = ["b", { shape: [1], data: Float64Array.of(2) }] as const;
    expect(safetensorsBytes(new Map<string, Tensor>([a, b]))).toEqual(
      safetensorsBytes(new Map<string, Tensor>([b, a])),
    );
  });
});

describe("element types", () => {
  test("halves: zero, subnormal, one, largest, infinity", () => {
    const bits = [0x0000, 0x0001, 0x3c00, 0xbc00, 0x7bff, 0x7c00, 0xfc00];
    expect(bits.map(halfToNumber)).toEqual([0, 2 ** -24, 1, -1, 65504, Infinity, -Infinity]);
    expect(halfToNumber(0x7e00)).toBeNaN();
  });

  test("F16, BF16 and I64 are widened or narrowed", () => {
    const data = new Uint8Array(16);
    new Uint16Array(data.buffer).set([0x3c00, 0xc000, 0x3f80, 0x4049]);
    new BigInt64Array(data.buffer, 8).set([-7n]);
    const header = {
      half: { dtype: "F16", shape: [2], data_offsets: [0, 4] },
      brain: { dtype: "BF16", shape: [2], data_offsets: [4, 8] },
      long: { dtype: "I64", shape: [1], data_offsets: [8, 16] },
    };
    const { tensors } = decodeSafetensors(file(header, data), "x");
    expect([...tensors.values()].map((t) => [...t.data])).toEqual([[1, -2], [1, 3.140625], [-7]]);
  });

  test("an integer beyond 32 bits is refused", async () => {
    const data = new Uint8Array(new BigInt64Array([2n ** 31n]).buffer);
    const header = { long: { dtype: "I64", shape: [1], data_offsets: [0, 8] } };
    expect(await codesFrom(() => decodeSafetensors(file(header, data), "x"))).toEqual(["fwp6026"]);
  });
});

const good = { a: f32([2], 0, 8) };
test.each<[string, Uint8Array, string]>([
  ["an empty file", new Uint8Array(0), "fwp6020"],
  ["a header longer than the file", file(good, 8, 4000n), "fwp6020"],
  ["a header of exabytes", file(good, 8, 2n ** 63n), "fwp6022"],
  ["data cut off", file(good, 7), "fwp6020"],
  ["data left over", file(good, 9), "fwp6020"],
  ["a header that is not JSON", file("{nope", 8), "fwp6021"],
  ["a header that is not UTF-8", file('{"\u{1}', 8), "fwp6021"],
  ["a header that is a list", file("[]"), "fwp6021"],
  ["an entry that is a number", file({ a: 4 }), "fwp6021"],
  ["no element type", file({ a: { shape: [], data_offsets: [0, 4] } }, 4), "fwp6021"],
  ["an unknown element type", file({ a: { ...f32([2], 0, 8), dtype: "F8" } }, 8), "fwp6024"],
  ["a negative size", file({ a: f32([-2], 0, 8) }, 8), "fwp6021"],
  ["a size that is not whole", file({ a: f32([0.5], 0, 2) }, 2), "fwp6021"],
  [
    "offsets that are text",
    file({ a: { ...f32([1], 0, 4), data_offsets: ["0", "4"] } }),
    "fwp6021",
  ],
  ["a shape that needs more than it has", file({ a: f32([3], 0, 8) }, 8), "fwp6025"],
  ["a shape whose size overflows", file({ a: f32([2 ** 52, 2 ** 52], 0, 8) }, 8), "fwp6025"],
  ["an end before the beginning", file({ a: f32([1], 4, 0) }, 8), "fwp6025"],
  ["tensors that overlap", file({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), "fwp6025"],
  ["a hole between tensors", file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), "fwp6025"],
  ["data beyond the end", file({ a: f32([2], 8, 16) }, 8), "fwp6025"],
  [
    "a name twice",
    file('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\\u0061":1}', 4),
    "fwp6023",
  ],
  ["text about it that is a number", file({ __metadata__: { x: 1 } }), "fwp6021"],
])("refuses %s", async (_, bytes, code) => {
  const path = join(folder, "bad.safetensors");
  writeFileSync(path, bytes);
  expect(await codesFrom(() => readSafetensors(path))).toEqual([code]);
});

test("a damaged file gives a diagnostic or tensors of the right size, never another exception", () => {
  const whole = safetensorsBytes(new Map([["a", { shape: [2, 2], data: new Float32Array(4) }]]));
  const damage = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255), cut: fc.nat(8) });
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
      let bytes = Uint8Array.from(whole);
      for (const { at, byte, cut } of damages) {
        if (at < bytes.length) bytes[at] = byte;
        bytes = bytes.slice(0, bytes.length - cut);
      }
      try {
        for (const { shape, data } of decodeSafetensors(bytes, "x").tensors.values()) {
          expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        }
      } catch (error) {
        expect(error).toBeInstanceOf(DiagnosticError);
      }
    }),
    { numRuns: 2000 },
  );
});
