/** What loops cost: rounds counted, also where they go different ways. */
import { expect, test } from "vitest";
import { add, binary, float, int, mul, select, sub } from "../../compiler/loop/build.ts";
import type { Statement } from "../../compiler/loop/ir.ts";
import { costOf } from "../../compiler/plan/cost.ts";
import { given, kernelOf, loop, put, read, v } from "./kernels.ts";

const flops = (time: number, ...body: readonly Statement[]): number =>
  costOf(kernelOf(["time"], ...body), { batch: 1, time, past: 0 }).flops;
const one = (variable: string) => put("y", v(variable), add(read("x", v(variable)), float(1)));

test("a triangle: the middle round stands for all", () => {
  const body = loop("i", v("time"), "serial", loop("j", v("i"), "serial", one("j")));
  expect(flops(9, body)).toBe((9 * 8) / 2);
});

test("there in all rounds but the last, then there again and back in as many", () => {
  const round = v("round");
  const last = sub(v("time"), int(1));
  const there = loop("t", int(10), "serial", one("t"));
  const back = loop("s", int(100), "serial", one("s"));
  const both = sub(mul(int(2), v("time")), int(1));
  const body = loop(
    "round",
    both,
    "serial",
    given("at", select(binary("lt", last, round), sub(mul(int(2), last), round), round)),
    there,
    { op: "if", condition: binary("le", last, round), body: [back], otherwise: [] },
  );
  for (const n of [1, 2, 7]) expect(flops(n, body)).toBe((2 * n - 1) * 10 + n * 100);
});
