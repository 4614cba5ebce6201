/** Runs commands in this process, from the sources. */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import type { Context } from "../../cli/context.ts";
import { main } from "../../cli/main.ts";
import type { FileSystem } from "../../runtime/files/io.ts";
import type { Tensor } from "../../runtime/files/safetensors.ts";
import { readSafetensors, writeSafetensors } from "../../runtime/files/tensors.ts";

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface World {
  readonly stdin?: string | Uint8Array | (() => Uint8Array);
  readonly env?: Context["env"];
  readonly io?: FileSystem;
}

/** `fwp` with these arguments. */
export async function fwp(args: readonly string[], world: World = {}): Promise<Ended> {
  let [out, err] = ["", ""];
  const { stdin = "", env = {}, io = fs } = world;
  const code = await main(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdin: () => {
      if (typeof stdin === "function") return stdin();
      return typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
    },
    env,
    terminal: false,
    io,
  });
  return { code, out, err };
}

let folder = "";

/** A folder for each test of the file that calls this. */
export function useFolder(): void {
  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), "fwp-cli-"));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
}

export const inFolder = (name: string): string => join(folder, name);

/** Writes a file into the test's folder. */
export function file(name: string, content: string | Uint8Array): string {
  const path = inFolder(name);
  fs.mkdirSync(join(path, ".."), { recursive: true });
  fs.writeFileSync(path, content);
  return path;
}

/** Everything in the test's folder, hidden files included. */
export const listing = (): string[] => fs.readdirSync(folder).sort();

/** Codes of the diagnostics in a text. */
export const codes = (text: string): string[] =>
  [...text.matchAll(/\[(fwp\d{4})\]/g)].map((m) => m[1]!);

/** A refusal: diagnostics with these codes, exit code 1, no trace of a stack. */
export function expectRefused(ended: Ended, ...expected: readonly string[]): void {
  expect(codes(ended.err), ended.err).toEqual(expected);
  expect(ended.err).not.toMatch(/\n\s+at |internal error/);
  expect(ended.code).toBe(1);
}

export type Numbers = Float32Array | Float64Array | Int32Array;

/** A tensor with smooth, different numbers. */
export function wave(shape: readonly number[], make: "f32" | "f64" = "f32", phase = 0): Tensor {
  const values = Float64Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => 0.8 * Math.sin(1.7 * i + 0.3 + phase),
  );
  return { shape, data: make === "f64" ? values : Float32Array.from(values) };
}

export const tokens = (shape: readonly number[], vocab: number): Tensor => ({
  shape,
  data: Int32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => (7 * i + 3) % vocab,
  ),
});

/** Writes tensors into the test's folder. */
export function tensors(name: string, content: Readonly<Record<string, Tensor>>): string {
  const path = inFolder(name);
  writeSafetensors(path, new Map(Object.entries(content)));
  return path;
}

export const readTensors = (path: string): ReadonlyMap<string, Tensor> =>
  readSafetensors(path).tensors;

/** Largest difference between tensors of the same names and shapes. */
export function difference(a: ReadonlyMap<string, Tensor>, b: ReadonlyMap<string, Tensor>): number {
  expect([...a.keys()]).toEqual([...b.keys()]);
  let largest = 0;
  for (const [name, { shape, data }] of a) {
    expect(b.get(name)!.shape, name).toEqual(shape);
    const other = b.get(name)!.data;
    for (let i = 0; i < data.length; i++) {
      const apart = Math.abs(data[i]! - other[i]!);
      largest = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : Math.max(largest, apart);
    }
  }
  return largest;
}
