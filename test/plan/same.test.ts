import { describe, expect, it } from "vitest";
import { add, float, int } from "../../compiler/loop/build.ts";
import type { LoopKernel, Statement } from "../../compiler/loop/ir.ts";
import { SharedKernels } from "../../compiler/loop/same.ts";
import { at, becomes, given, kernelOf, loop, put, read, v } from "./kernels.ts";

/** out[i] = a[i] + b[i], by other names. */
const sum = (out: string, a: string, b: string, i: string): LoopKernel =>
  kernelOf(["n"], loop(i, v("n"), "serial", put(out, at(v(i)), add(read(a, v(i)), read(b, v(i))))));

/** How many functions several kernels are. */
function count(...kernels: readonly LoopKernel[]): number {
  const shared = new SharedKernels();
  return new Set(kernels.map((k) => shared.functionOf(k).name)).size;
}
const named = (name: string, kernel: LoopKernel): LoopKernel => ({ ...kernel, name });

/** With one buffer that is an array of the module. */
function inModule(name: string, length: number): LoopKernel {
  const kernel = sum("y", name, "w", "i");
  const buffers = kernel.buffers.map((b) =>
    b.name === name ? { ...b, space: "module" as const, length } : b,
  );
  return { ...named(`${name}_${length}`, kernel), buffers };
}

describe("kernels of one module", () => {
  it("are one function where names alone differ, and comments", () => {
    const first = sum("y", "x", "w", "i");
    const other = named("other", sum("q", "p", "o", "j"));
    const said: Statement = { op: "comment", text: "as above" };
    expect(count(first, other)).toBe(1);
    expect(count(first, { ...other, body: [said, ...other.body, said] })).toBe(1);
  });

  it("are two where a name stands for two, on either side", () => {
    const twice = named("twice", kernelOf(["n"], ...sum("y", "x", "x", "i").body));
    const buffers = sum("y", "x", "w", "i").buffers;
    expect(count(sum("y", "x", "w", "i"), { ...twice, buffers })).toBe(2);
    expect(count({ ...twice, buffers }, named("first", sum("y", "x", "w", "i")))).toBe(2);
  });

  it("are two where buffers come in another order, or something is done otherwise", () => {
    const first = sum("y", "x", "w", "i");
    const turned = [first.buffers[1]!, first.buffers[0]!, first.buffers[2]!];
    expect(count(first, { ...named("turned", first), buffers: turned })).toBe(2);
    const bodies: readonly (readonly Statement[])[] = [
      [given("s", float(0), true), becomes("s", float(1))],
      [given("s", float(-0), true), becomes("s", float(1))],
      [given("s", float(0)), becomes("s", float(1))],
      [given("s", int(0), true), becomes("s", int(1))],
      [given("s", float(0), true), put("y", int(0), float(1))],
      [given("s", float(0), true), put("y", int(0), float(1), true)],
      [given("s", float(0), true)],
    ];
    const kernels = bodies.map((body, i) => named(`k${i}`, kernelOf([], ...body)));
    expect(count(...kernels)).toBe(bodies.length);
  });

  it("know arrays of the module by their names, however long they became", () => {
    expect(count(inModule("x", 4), inModule("x", 8))).toBe(1);
    expect(count(inModule("x", 4), inModule("z", 4))).toBe(2);
  });
});
