/**
 * Short loops of arithmetic, written out in vectors: a C compiler would call a function, or use a string instruction, to set
 * or copy a few numbers, which takes longer than the numbers do.
 */
import { add, int } from "./build.ts";
import { copied } from "./copy.ts";
import type { Expr, Statement } from "./ir.ts";
import { asVectors, Lanes } from "./lanes.ts";
import { rewriteLoops } from "./rewrite.ts";
import type { Fresh, Loop } from "./split.ts";
import { Strides } from "./strides.ts";

/** Vectors that a loop is written out to, and statements in all. */
const VECTORS = 4;
const STATEMENTS = 32;

export function shortLoopsWrittenOut(
  body: readonly Statement[],
  lanes: number,
  names: Fresh,
): Statement[] {
  const strides = new Strides();
  body.forEach((s) => strides.note(s));
  return rewriteLoops(body, (loop) => asVectors(() => writtenOut(loop, lanes, strides, names)));
}

const isMove = (e: Expr): boolean => e.op === "number" || e.op === "load" || e.op === "variable";

function writtenOut(
  loop: Loop,
  lanes: number,
  strides: Strides,
  names: Fresh,
): readonly Statement[] | null {
  const { from, to } = loop;
  if (loop.spread !== "independent" || loop.down || loop.step !== 1) return null;
  if (from.op !== "number" || to.op !== "number") return null;
  const vectors = Math.floor((to.value - from.value) / lanes);
  const work = loop.body.filter((s) => s.op !== "comment");
  if (vectors < 1 || vectors > VECTORS || vectors * work.length > STATEMENTS) return null;
  const plain = work.every(
    (s) =>
      (s.op === "define" && !s.mutable && (s.type.kind === "int" || isMove(s.value))) ||
      (s.op === "store" && s.value.type.kind === "float" && isMove(s.value)),
  );
  if (!plain || !work.some((s) => s.op === "store")) return null;
  const made: Statement[] = [];
  for (let v = 0; v < vectors; v++) {
    const at = add(from, int(v * lanes));
    const body = new Lanes(loop.variable, strides, lanes).block(v === 0 ? loop.body : work);
    made.push(...copied(body, new Map([[loop.variable, at]]), names));
  }
  const rest = from.value + vectors * lanes;
  return rest < to.value ? [...made, { ...loop, from: int(rest) }] : made;
}
