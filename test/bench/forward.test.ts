/** The comparison of forward passes: the file that ONNX runtimes get, weights, the choice of a form. No library is needed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fastestOf } from "../../bench/forward/candidates.ts";
import type { Weight } from "../../bench/forward/model.ts";
import { onnxModel } from "../../bench/forward/onnx_model.ts";
import { findPackage } from "../../bench/forward/packages.ts";
import { float, integer, joined, message, text } from "../../bench/forward/protobuf.ts";
import { arrange } from "../../bench/forward/weights.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("fields of protocol buffers", () => {
  expect(hex(integer(1, 150))).toBe("089601");
  expect(hex(integer(1, -1))).toBe("08ffffffffffffffffff01");
  expect(hex(integer(20, 7))).toBe("a00107");
  expect(hex(text(2, "testing"))).toBe("120774657374696e67");
  expect(hex(float(2, 1))).toBe("150000803f");
  expect(hex(message(3, integer(1, 150), joined([])))).toBe("1a03089601");
});

type Field = readonly [field: number, value: number | Uint8Array];

function fieldsOf(bytes: Uint8Array): Field[] {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  const found: Field[] = [];
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 === 0) {
      found.push([tag >> 3, varint()]);
      continue;
    }
    const length = tag % 8 === 5 ? 4 : varint();
    found.push([tag >> 3, bytes.subarray(at, at + length)]);
    at += length;
  }
  return found;
}

const all = (bytes: Uint8Array, field: number): Uint8Array[] =>
  fieldsOf(bytes).flatMap(([f, value]) => (f === field ? [value as Uint8Array] : []));
const names = (bytes: Uint8Array, field: number): string[] =>
  all(bytes, field).map((name) => Buffer.from(name).toString());

const [HEADS, SIZE, WIDTH, VOCAB] = [2, 4, 8, 5];

const at = (name: string): string => `layers.0.${name}`;

function parameters(): Map<string, Weight> {
  const shapes: Record<string, number[]> = { "x.table": [VOCAB, WIDTH], "logits.weight": [VOCAB, WIDTH], "logits.bias": [VOCAB], "norm.gain": [WIDTH], "norm.bias": [WIDTH] }; // prettier-ignore
  for (const name of ["q", "k", "v"]) shapes[at(`DeltaMixer.${name}.weight`)] = [HEADS, SIZE, WIDTH]; // prettier-ignore
  Object.assign(shapes, {
    [at("DeltaMixer.rate.weight")]: [HEADS, WIDTH],
    [at("DeltaMixer.rate.bias")]: [HEADS],
    [at("DeltaMixer.y.weight")]: [WIDTH, HEADS, SIZE],
    [at("mlp.h.weight")]: [3 * WIDTH, WIDTH],
    [at("mlp.h.bias")]: [3 * WIDTH],
    [at("mlp.y.weight")]: [WIDTH, 3 * WIDTH],
    [at("mlp.y.bias")]: [WIDTH],
  });
  for (const norm of ["norm", "norm_2"]) {
    for (const part of ["gain", "bias"]) shapes[at(`${norm}.${part}`)] = [WIDTH];
  }
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, data: Float32Array.from({ length }, (_, i) => i) }];
    }),
  );
}

test("weights become matrices from inputs to outputs", () => {
  const found = arrange(parameters(), 1, HEADS);
  const { shape, data } = found.get("0.q")!;
  expect(shape).toEqual([WIDTH, HEADS * SIZE]);
  // The second input of the third output.
  expect(data[HEADS * SIZE + 2]).toBe(2 * WIDTH + 1);
  expect(found.get("0.rate")!.shape).toEqual([WIDTH, HEADS]);
  expect(found.get("0.y")!.shape).toEqual([HEADS * SIZE, WIDTH]);
});

test.each([1, 2, 16, 32])(
  "a model in ONNX, chunks of %d: every value is made before it is used",
  (chunk) => {
    const sizes = { batch: 3, time: 64, heads: HEADS, size: SIZE, depth: 1, chunk };
    const file = onnxModel(arrange(parameters(), 1, HEADS), sizes);
    const [graph] = all(file, 7) as [Uint8Array];
    const known = new Set([...all(graph, 11).flatMap((v) => names(v, 1)), ...all(graph, 5).flatMap((c) => names(c, 8))]); // prettier-ignore
    expect(known).toContain("tokens");
    for (const node of all(graph, 1)) {
      for (const name of names(node, 1)) expect(known, names(node, 4)[0]).toContain(name);
      for (const name of names(node, 2)) {
        expect(known).not.toContain(name);
        known.add(name);
      }
    }
    expect(known).toContain(names(all(graph, 12)[0]!, 1)[0]);
  },
);

const waits = (chunk: number, ms: number) => ({
  chunk,
  run: () => new Promise<Float32Array>((done) => setTimeout(done, ms, new Float32Array())),
});

test("the fastest form is taken", async () => {
  expect((await fastestOf([waits(1, 30), waits(2, 1), waits(4, 30)])).chunk).toBe(2);
});

test("packages are found where the user says", () => {
  const folder = mkdtempSync(join(tmpdir(), "fwp-packages-"));
  try {
    const home = join(folder, "node_modules", "some-runtime");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), '{ "name": "some-runtime", "version": "1.2.3", "main": "main.js", "exports": { ".": "./main.js" } }'); // prettier-ignore
    writeFileSync(join(home, "main.js"), "");
    const env = { FWP_PEERS_PACKAGES: folder };
    expect(findPackage("some-runtime", env)).toEqual({ path: join(home, "main.js"), version: "1.2.3" }); // prettier-ignore
    expect(findPackage("none", env)).toBeNull();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
