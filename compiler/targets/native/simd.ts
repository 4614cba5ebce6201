/**
 * Which loops are marked for vectors. A compiler may not reorder the additions of a float sum by itself; `omp simd` with a
 * reduction allows it for the loop that it marks, in an order that depends on the program and the machine alone. A loop
 * whose iterations are independent is marked when its iterations lie side by side in memory.
 */
import type { Expr, Statement } from "../../loop/ir.ts";
import { bodiesOf, expressionsOf, parts } from "../../loop/scan.ts";

type Loop = Extract<Statement, { op: "for" }>;

/** The pragma for each loop that gets one. */
export type Marks = ReadonlyMap<Statement, string>;

/** Coefficient of a variable in an int expression; null if it is not linear in it with a number. */
type Stride = number | null;

class Strides {
  /** Int variables by name, as they were defined. */
  readonly #defined = new Map<string, Expr>();

  note(s: Statement): void {
    if (s.op === "define" && s.type.kind === "int" && !s.mutable)
      this.#defined.set(s.name, s.value);
    for (const body of bodiesOf(s)) body.forEach((x) => this.note(x));
  }

  of(e: Expr, variable: string): Stride {
    switch (e.op) {
      case "number":
        return 0;
      case "variable": {
        if (e.name === variable) return 1;
        const value = this.#defined.get(e.name);
        return value === undefined ? 0 : this.of(value, variable);
      }
      case "binary": {
        const [a, b] = [this.of(e.a, variable), this.of(e.b, variable)];
        if (a === 0 && b === 0) return 0;
        if (a === null || b === null) return null;
        if (e.fn === "add") return a + b;
        if (e.fn === "sub") return a - b;
        if (e.fn !== "mul") return null;
        if (b === 0 && e.b.op === "number") return a * e.b.value;
        return a === 0 && e.a.op === "number" ? b * e.a.value : null;
      }
      default:
        return this.#mentions(e, variable) ? null : 0;
    }
  }
  #mentions(e: Expr, variable: string): boolean {
    if (e.op === "variable") return this.of(e, variable) !== 0;
    return [...parts(e)].some((x) => this.#mentions(x, variable));
  }
}

/** Everything that a body reads, nested loops included. */
function* loadsIn(body: readonly Statement[]): Generator<Extract<Expr, { op: "load" }>> {
  for (const s of body) {
    for (const e of expressionsOf(s)) yield* loadsOf(e);
    for (const inner of bodiesOf(s)) yield* loadsIn(inner);
  }
}
function* loadsOf(e: Expr): Generator<Extract<Expr, { op: "load" }>> {
  if (e.op === "load") yield e;
  for (const x of parts(e)) yield* loadsOf(x);
}

const usesVariable = (e: Expr, name: string): boolean =>
  e.op === "variable" ? e.name === name : [...parts(e)].some((x) => usesVariable(x, name));

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
        return false;
    }
  });
}

export function marksOf(body: readonly Statement[]): Marks {
  const strides = new Strides();
  body.forEach((s) => strides.note(s));
  const marks = new Map<Statement, string>();
  const sideBySide = (loads: Iterable<Extract<Expr, { op: "load" }>>, v: string): boolean =>
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
