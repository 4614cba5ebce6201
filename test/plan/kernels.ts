/** Statements of the loop language, written short. */
import { add, int, intVariable, load, mul } from "../../compiler/loop/build.ts";
import type { Expr, LoopKernel, Spread, Statement } from "../../compiler/loop/ir.ts";
import { FLOAT, INT } from "../../compiler/loop/ir.ts";
import { buffersIn } from "../../compiler/loop/scan.ts";

export const v = intVariable;
export const at = (...terms: readonly (Expr | readonly [string, number])[]): Expr =>
  terms.reduce<Expr>(
    (sum, t) => add(sum, "op" in t ? t : mul(intVariable(t[0]), int(t[1]))),
    int(0),
  );
export const read = (buffer: string, index: Expr): Expr => load(buffer, index, "float");

export function loop(
  variable: string,
  to: Expr,
  spread: Spread,
  ...body: readonly Statement[]
): Statement {
  return { op: "for", variable, from: int(0), to, step: 1, down: false, spread, body };
}
export const put = (buffer: string, index: Expr, value: Expr, adding = false): Statement => ({
  op: "store",
  buffer,
  index,
  value,
  add: adding,
});
export const given = (name: string, value: Expr, mutable = false): Statement => ({
  op: "define",
  name,
  type: value.type.kind === "int" ? INT : FLOAT,
  mutable,
  value,
});
export const becomes = (name: string, value: Expr): Statement => ({ op: "assign", name, value });

export const kernelOf = (sizes: readonly string[], ...body: readonly Statement[]): LoopKernel => ({
  name: "test",
  title: "a test",
  buffers: [...buffersIn(body)].map(([name, access]) => ({
    name,
    type: "f32",
    space: "global",
    access,
    length: null,
  })),
  sizes,
  body,
});
