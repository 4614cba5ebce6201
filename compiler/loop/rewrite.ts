/** What passes over kernels rewrite with: the parts of an expression, the loops of a body. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { Expr, Statement } from "./ir.ts";
import type { Loop } from "./split.ts";

/** The same operation on other operands. */
export function mapParts(e: Expr, to: (part: Expr) => Expr): Expr {
  switch (e.op) {
    case "number":
    case "variable":
      return e;
    case "load":
      return { ...e, index: to(e.index) };
    case "unary":
    case "splat":
    case "ramp":
    case "across":
      return { ...e, x: to(e.x) };
    case "sums":
      return { ...e, xs: e.xs.map(to) };
    case "shuffle":
    case "binary":
      return { ...e, a: to(e.a), b: to(e.b) };
    case "select":
      return { ...e, condition: to(e.condition), a: to(e.a), b: to(e.b) };
    default:
      return unreachable(e);
  }
}

/** Statements with other statements for some of their loops; where `make` gives null it is asked for the loops inside. */
export function rewriteLoops(
  body: readonly Statement[],
  make: (loop: Loop) => readonly Statement[] | null,
): Statement[] {
  return body.flatMap((s): readonly Statement[] => {
    if (s.op === "if") {
      const [inner, otherwise] = [s.body, s.otherwise].map((x) => rewriteLoops(x, make));
      return [{ ...s, body: inner!, otherwise: otherwise! }];
    }
    if (s.op !== "for") return [s];
    return make(s) ?? [{ ...s, body: rewriteLoops(s.body, make) }];
  });
}
