/** WebAssembly at run time: memory that is shared, that does not move, and that has an end. */
import { beforeAll, describe, expect, test } from "vitest";
import { chooseDevice } from "../../cli/devices.ts";
import { BATCH, dim } from "../../compiler/dims.ts";
import { GraphBuilder } from "../../compiler/graph/builder.ts";
import { compileEntry } from "../../compiler/plan/entry.ts";
import { WASM } from "../../compiler/plan/machine.ts";
import type { BufferKey, Data, Program } from "../../runtime/device/program.ts";
import { Space } from "../../runtime/device/wasm/space.ts";
import { wasmEngine } from "../../runtime/device/wasm/features.ts";
import { wasmOf } from "../../compiler/targets/wasm/module.ts";
import { programOf } from "../targets/harness.ts";
import { loadWasmEntries } from "../support/wasm.ts";

/** y = x + w, and w ← 2 w. */
function entry() {
  const b = new GraphBuilder("sum");
  const x = b.input("x", [BATCH, dim(5)]);
  const w = b.input("w", [dim(5)]);
  const y = b.add(x, b.broadcast(w, [1], b.shape(x)));
  return compileEntry(programOf(b, { y }, { w: b.scaleBy(w, 2) }), "forward", { machine: WASM });
}

const sizes = (batch: number) => ({ batch, time: 1, past: 0 });
let program: Program;
beforeAll(() => void (program = loadWasmEntries([entry()], "f32")));

function run(w: Data, batch = 2) {
  const bind = new Map<BufferKey, Data>([["parameter:w", w]]);
  const instance = program.instantiate("forward", sizes(batch), { bind });
  instance.input("input", "x").fill(10);
  instance.run();
  return { instance, y: instance.output("output", "y") };
}

describe("memory", () => {
  test("that the program gave is read and written where it is", () => {
    const w = program.allocate!("f32", 5);
    w.set([1, 2, 3, 4, 5]);
    const { y } = run(w);
    expect([...y]).toEqual([11, 12, 13, 14, 15, 11, 12, 13, 14, 15]);
    expect([...w]).toEqual([2, 4, 6, 8, 10]);
    expect(y.buffer).toBe(w.buffer);
  });

  test("from elsewhere is copied in before a run, and out after it what was written", () => {
    const w = Float32Array.of(1, 2, 3, 4, 5);
    const { y, instance } = run(w);
    expect([...y.subarray(0, 5)]).toEqual([11, 12, 13, 14, 15]);
    expect([...w]).toEqual([2, 4, 6, 8, 10]);
    w.fill(1);
    instance.run();
    expect([...y.subarray(5)]).toEqual([11, 11, 11, 11, 11]);
    expect(w[0]).toBe(2);
  });

  test("arrays stay what they are while instances come for which there is no room", () => {
    const w = program.allocate!("f32", 5);
    w.fill(1);
    const first = run(w);
    // More than what is left of 256 MiB.
    const large = run(w, 8_000_000);
    expect(large.y.buffer).not.toBe(w.buffer);
    expect(large.y.at(-1)).toBe(12);
    expect([...w]).toEqual([4, 4, 4, 4, 4]);
    expect(first.y).toHaveLength(10);
    expect(first.y[0]).toBe(11);
    first.instance.run();
    expect(first.y[0]).toBe(14);
  });

  test("that was released is taken again, full of zeros", () => {
    const w = program.allocate!("f32", 5);
    const { instance, y } = run(w);
    const at = y.byteOffset;
    instance.release!();
    const next = program.instantiate("forward", sizes(2), { bind: new Map([["parameter:w", w]]) });
    expect(next.output("output", "y").byteOffset).toBe(at);
    expect(next.output("output", "y").every((v) => v === 0)).toBe(true);
  });
});

test("pieces that are given back grow together again", () => {
  const module = new (wasmEngine().Module)(wasmOf([entry()], { precision: "f32" }));
  const space = Space.make({ module, threads: 1 }, 64 * 4);
  const rest = space.take(1)!;
  const [a, b, c] = [space.take(64)!, space.take(64)!, space.take(64)!];
  expect(new Set([rest, a, b, c]).size).toBe(4);
  for (const start of [b, a, c]) space.give(start, 64);
  expect(space.take(192)).toBe(a);
});

test("a device of its own, and what auto takes where no compiler works", () => {
  expect(chooseDevice("wasm")).toEqual({ device: "wasm", auto: false, why: null });
  const { device, auto, why } = chooseDevice("auto", {
    PATH: "",
    CC: "/bin/false",
    HOME: "/nowhere",
  });
  expect([device, auto]).toEqual(["wasm", true]);
  expect(why).toMatch(/^native: no C compiler works/);
  expect(chooseDevice("auto", { FWP_DEVICE: "wasm" }).device).toBe("wasm");
});
