/** Squares turned over in registers, for every number of lanes that machines have, in both precisions. */
import { expect, test } from "vitest";
import { Emitter } from "../../compiler/plan/emitter.ts";
import { transposed } from "../../compiler/plan/transposed.ts";
import { variable } from "../../compiler/loop/build.ts";
import type { Expr } from "../../compiler/loop/ir.ts";

/** Rows are vectors of names of their elements; shuffles are carried out on these. */
test.each([
  [4, 4],
  [8, 4],
  [16, 4],
  [2, 8],
  [4, 8],
  [8, 8],
])("%i lanes of %i bytes", (lanes, bytes) => {
  const known = new Map<string, readonly string[]>();
  const rows = Array.from({ length: lanes }, (_, i) => {
    known.set(
      `r${i}`,
      Array.from({ length: lanes }, (__, j) => `${i},${j}`),
    );
    return variable(`r${i}`, { kind: "float", lanes });
  });
  const emitter = new Emitter(new Set());
  const columns = transposed(emitter, rows, bytes);
  const valueOf = (e: Expr): readonly string[] => {
    if (e.op === "variable") return known.get(e.name)!;
    if (e.op !== "shuffle") throw new Error(`a ${e.op} among shuffles`);
    const both = [...valueOf(e.a), ...valueOf(e.b)];
    return e.from.map((lane) => both[lane]!);
  };
  for (const s of emitter.statements) {
    if (s.op === "define") known.set(s.name, valueOf(s.value));
  }
  columns.forEach((column, j) => {
    expect(valueOf(column)).toEqual(Array.from({ length: lanes }, (_, i) => `${i},${j}`));
  });
});
