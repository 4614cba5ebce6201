/** Short innermost loops, several iterations at a time: what counts and tests is done less often. */
import { add, int, intVariable } from "./build.ts";
import { copied } from "./copy.ts";
import type { Expr, LoopKernel, Statement } from "./ir.ts";
import { expressionsOf, parts } from "./scan.ts";
import { Names, split, type Loop } from "./split.ts";

/** Iterations at a time, of bodies of at most so many operations. */
const COUNT = 4;
const MOST = 90;

const sizeOf = (e: Expr): number => parts(e).reduce((n, x) => n + sizeOf(x), 1);

/** The operations of a body without loops and conditions; infinite of any other. */
function bodySize(body: readonly Statement[]): number {
  let size = 0;
  for (const s of body) {
    if (s.op === "for" || s.op === "if" || s.op === "barrier") return Infinity;
    size += expressionsOf(s).reduce((n, e) => n + sizeOf(e), 0);
  }
  return size;
}

/** `wanted`: which loops are worth it. */
export function unroll(kernel: LoopKernel, wanted: (loop: Loop) => boolean): LoopKernel {
  const names = new Names(kernel);
  const visit = (s: Statement): readonly Statement[] => {
    if (s.op === "if") {
      return [{ ...s, body: s.body.flatMap(visit), otherwise: s.otherwise.flatMap(visit) }];
    }
    if (s.op !== "for") return [s];
    if (s.down || bodySize(s.body) > MOST || !wanted(s)) {
      return [{ ...s, body: s.body.flatMap(visit) }];
    }
    return split(s, COUNT, names, (from, to) => {
      const body = Array.from({ length: COUNT }, (_, i) => {
        const at = add(intVariable(s.variable), int(i * s.step));
        return copied(s.body, new Map([[s.variable, at]]), names);
      });
      return [{ ...s, from, to, step: COUNT * s.step, body: body.flat() }];
    });
  };
  return { ...kernel, body: kernel.body.flatMap(visit) };
}
