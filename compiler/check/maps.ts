/** The body of a map: bindings, then a value. */
import type { MapDecl } from "../../grammar/ast.ts";
import { showShape } from "../dims.ts";
import { shapeOf } from "./dimensions.ts";
import { evaluate } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { runStatements } from "./statements.ts";
import type { Value } from "./values.ts";

export function runMapBody(frame: Frame, decl: MapDecl): Value {
  runStatements(frame, decl.body, "a map");
  const value = evaluate(frame, decl.value);
  if (value.kind !== "tensor" || decl.result === null) return value;
  const declared = shapeOf(frame, decl.result, { hole: () => frame.session.hole() });
  const found = frame.shapeOf(value).slice(value.lead);
  if (declared !== null && !frame.session.unifyShapes(declared, found)) {
    frame.report("fwp3003", decl.value.span, {
      name: `the result of ${decl.name.text}`,
      expected: showShape(frame.session.resolveShape(declared)),
      found: showShape(found),
    });
    return { kind: "error" };
  }
  return value;
}
