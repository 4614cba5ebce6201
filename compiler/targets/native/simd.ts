/**
 * Which loops are marked for vectors. A compiler may not reorder the additions of a float sum by itself; `omp simd` with a
 * reduction allows it for the loop that it marks, in an order that depends on the program and the machine alone. A loop
 * whose iterations are independent is marked when its iterations lie side by side in memory.
 */
import type { Statement } from "../../loop/ir.ts";
import type { Loop } from "../../loop/split.ts";
import { Strides } from "../../loop/strides.ts";
import { bodiesOf, expressionsOf, loadsIn, usesVariable, type Load } from "../../loop/scan.ts";

/** The pragma for each loop that gets one. */
export type Marks = ReadonlyMap<Statement, string>;

/** The sums that a loop makes and nothing else: null if it does more. */
function sumsOf(loop: Loop): string[] | null {
  if (loop.down || loop.step !== 1) return null;
  const sums: string[] = [];
  const own = new Set<string>();
  for (const s of loop.body) {
    if (s.op === "comment") continue;
    if (s.op === "define" && !s.mutable && s.type.lanes === 1) {
      own.add(s.name);
      continue;
    }
    if (s.op !== "assign" || s.value.type.kind !== "float" || s.value.type.lanes > 1) return null;
    const { value, name } = s;
    if (value.op !== "binary" || value.fn !== "add") return null;
    if (value.a.op !== "variable" || value.a.name !== name) return null;
    sums.push(name);
  }
  const read = (name: string) =>
    loop.body.filter((s) => expressionsOf(s).some((e) => usesVariable(e, name))).length;
  if (new Set(sums).size !== sums.length || sums.some((s) => own.has(s) || read(s) > 1))
    return null;
  return sums.length === 0 ? null : sums;
}

/** Independent iterations that store side by side and hold no loop but sums. */
function storesSideBySide(loop: Loop, strides: Strides): boolean {
  if (loop.spread !== "independent" || loop.down || loop.step !== 1) return false;
  return loop.body.every((s) => {
    switch (s.op) {
      case "comment":
        return true;
      case "define":
        return s.type.lanes === 1;
      case "assign":
        return s.value.type.lanes === 1;
      case "store":
        return s.value.type.lanes === 1 && strides.of(s.index, loop.variable) === 1;
      case "for":
        return sumsOf(s) !== null;
      case "if":
      case "barrier":
      case "prefetch":
        return false;
    }
  });
}

export function marksOf(body: readonly Statement[]): Marks {
  const strides = new Strides();
  body.forEach((s) => strides.note(s));
  const marks = new Map<Statement, string>();
  const sideBySide = (loads: Iterable<Load>, v: string): boolean =>
    [...loads].every((x) => {
      const stride = strides.of(x.index, v);
      return stride === 0 || stride === 1;
    });
  const visit = (s: Statement): void => {
    if (s.op === "for" && mark(s)) return;
    for (const inner of bodiesOf(s)) inner.forEach(visit);
  };
  const mark = (loop: Loop): boolean => {
    const sums = sumsOf(loop);
    if (sums !== null && loop.spread === "serial") {
      if (sideBySide(loadsIn(loop.body), loop.variable)) {
        marks.set(loop, `omp simd reduction(+ : ${sums.join(", ")})`);
      }
      return true;
    }
    if (!storesSideBySide(loop, strides)) return false;
    if (!sideBySide(loadsIn(loop.body), loop.variable)) return false;
    marks.set(loop, "omp simd");
    return true;
  };
  body.forEach(visit);
  return marks;
}
