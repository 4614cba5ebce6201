/** Shapes as the spec writes them, turned into sizes. */
import type { DimExpr, ShapeExpr } from "../../grammar/ast.ts";
import { multiply, type Dim, type Shape } from "../dims.ts";
import { evaluate } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { asSize } from "./numbers.ts";

export interface DimensionRules {
  /** What `_` means; without it, `_` is reported. */
  readonly hole?: () => Dim;
  /** Names that nothing declares become free sizes of the declaration. */
  readonly free?: boolean;
}

/** Makes free sizes of the names in `[n, 2 * m]` that nothing declares. */
function declareFree(frame: Frame, dimension: DimExpr): void {
  switch (dimension.kind) {
    case "reference": {
      if (frame.lookup(dimension.name) !== undefined) return;
      const root = frame.root;
      const size = frame.session.freshSize(dimension.name);
      root.sizes.set(dimension.name, size);
      root.own.add(atomKey(size));
      return;
    }
    case "binary":
      declareFree(frame, dimension.left);
      declareFree(frame, dimension.right);
      return;
    default:
  }
}

/** Key of the one atom of a named size. */
export const atomKey = (size: Dim): string => size.terms[0]!.atoms[0]!.key;

/** A size in a shape; null after a report. */
export function dimension(frame: Frame, expr: DimExpr, rules: DimensionRules = {}): Dim | null {
  if (expr.kind === "hole" || expr.kind === "rest") {
    if (expr.kind === "hole" && rules.hole) return rules.hole();
    frame.report("fwp3017", expr.span, { sign: expr.kind === "hole" ? "`_`" : "`..`" });
    return null;
  }
  if (rules.free) declareFree(frame, expr);
  // `W: [units, units * n]` may use the size of a state that grows.
  const size = asSize(frame, evaluate(frame, expr), "a size", expr.span);
  if (size === null) return null;
  const known = frame.session.numeric(size);
  if (known !== null && (!Number.isInteger(known) || known < 0)) {
    frame.report("fwp2205", expr.span, {
      what: "a size",
      expected: "a whole number, 0 or more",
      found: String(known),
    });
    return null;
  }
  return size;
}

export function shapeOf(frame: Frame, expr: ShapeExpr, rules: DimensionRules = {}): Shape | null {
  const dims = expr.dims.map((d) => dimension(frame, d, rules));
  return dims.every((d) => d !== null) ? dims : null;
}

/** Number of elements. */
export const elements = (shape: Shape): Dim | undefined =>
  shape.length === 0 ? undefined : shape.reduce((a, b) => multiply(a, b));
