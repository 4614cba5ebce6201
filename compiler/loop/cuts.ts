/**
 * Loops whose iterations ask where they are (what is padded, what is put together from pieces), cut where the answers
 * change: each piece is a loop without questions, which becomes vectors.
 */
import { int } from "./build.ts";
import { copied } from "./copy.ts";
import type { Expr, Statement } from "./ir.ts";
import { mapParts, rewriteLoops } from "./rewrite.ts";
import { expressionsIn, expressionsOf } from "./scan.ts";
import type { Fresh, Loop } from "./split.ts";

/** More pieces than this are too much code. */
const MOST = 12;

export const withoutQuestions = (body: readonly Statement[], names: Fresh): Statement[] =>
  rewriteLoops(body, (loop) => cut(loop, names));

/** Coefficient of the variable and constant; null for anything else. */
type Line = readonly [number, number];
function line(e: Expr, v: string): Line | null {
  if (e.op === "number") return e.type.kind === "int" ? [0, e.value] : null;
  if (e.op === "variable") return e.name === v ? [1, 0] : null;
  if (e.op !== "binary" || e.type.kind !== "int" || (e.fn !== "add" && e.fn !== "sub")) return null;
  const [a, b] = [line(e.a, v), line(e.b, v)];
  if (a === null || b === null) return null;
  return e.fn === "add" ? [a[0] + b[0], a[1] + b[1]] : [a[0] - b[0], a[1] - b[1]];
}

/** The first iteration from which a comparison has another answer; null if it is no question of where. */
function turn(e: Expr, v: string): number | null {
  if (e.op !== "binary" || (e.fn !== "le" && e.fn !== "lt")) return null;
  const [a, b] = [line(e.a, v), line(e.b, v)];
  if (a === null || b === null) return null;
  const [slope, rest] = [b[0] - a[0], b[1] - a[1] - (e.fn === "lt" ? 1 : 0)];
  // It holds where slope · v + rest ≥ 0.
  return slope === 1 ? -rest : slope === -1 ? rest + 1 : null;
}

/** Whether a condition holds in a piece that begins at `at`; null if that is not known. */
function answer(e: Expr, v: string, at: number): boolean | null {
  if (e.op === "unary" && e.fn === "not") {
    const x = answer(e.x, v, at);
    return x === null ? null : !x;
  }
  if (e.op !== "binary") return null;
  if (e.fn === "and" || e.fn === "or") {
    const [a, b] = [answer(e.a, v, at), answer(e.b, v, at)];
    const decides = e.fn === "or";
    if (a === decides || b === decides) return decides;
    return a === null || b === null ? null : !decides;
  }
  if (turn(e, v) === null) return null;
  const [a, b] = [line(e.a, v)!, line(e.b, v)!];
  const [x, y] = [a[0] * at + a[1], b[0] * at + b[1]];
  return e.fn === "le" ? x <= y : x < y;
}

/** An expression with the questions in it answered for a piece. */
function answered(e: Expr, v: string, at: number): Expr {
  const inside = (x: Expr) => answered(x, v, at);
  const known = e.op === "select" ? answer(e.condition, v, at) : null;
  if (e.op !== "select" || known === null) return mapParts(e, inside);
  return inside(known ? e.a : e.b);
}

function cut(loop: Loop, names: Fresh): Statement[] | null {
  const { from, to, variable: v } = loop;
  if (loop.spread !== "independent" || loop.down || loop.step !== 1) return null;
  if (from.op !== "number" || to.op !== "number") return null;
  const plain = loop.body.every((s) => s.op === "comment" || s.op === "define" || s.op === "store");
  if (!plain) return null;
  const [first, last] = [from.value, to.value];
  const turns = new Set<number>();
  for (const s of loop.body) {
    for (const e of expressionsOf(s)) {
      for (const x of expressionsIn(e)) {
        const at = x.op === "binary" ? turn(x, v) : null;
        if (at !== null && at > first && at < last) turns.add(at);
      }
    }
  }
  if (turns.size === 0 || turns.size >= MOST) return null;
  const places = [first, ...[...turns].sort((a, b) => a - b), last];
  return places.slice(0, -1).flatMap((at, i) => {
    const body = loop.body.flatMap((s): Statement[] => {
      if (s.op === "comment") return i === 0 ? [s] : [];
      if (s.op === "define") return [{ ...s, value: answered(s.value, v, at) }];
      if (s.op !== "store") return [s];
      return [{ ...s, index: answered(s.index, v, at), value: answered(s.value, v, at) }];
    });
    return copied([{ ...loop, from: int(at), to: int(places[i + 1]!), body }], new Map(), names);
  });
}
