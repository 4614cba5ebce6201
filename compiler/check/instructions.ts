/** The body of an instruction: statements that write some of its parameters. */
import type { InstructionDecl, Statement } from "../../grammar/ast.ts";
import type { Frame } from "./frame.ts";
import { runStatements } from "./statements.ts";
import { ERROR, type Value } from "./values.ts";

/** Names that a body writes, in the order of the parameters. */
export function writtenParameters(decl: InstructionDecl): string[] {
  const written = new Set<string>();
  const visit = (statements: readonly Statement[]): void => {
    for (const s of statements) {
      if (s.kind === "write") written.add(s.target.text);
      else if (s.kind === "repeat" || s.kind === "block") visit(s.body);
    }
  };
  visit(decl.body);
  return decl.parameters.map((p) => p.name.text).filter((name) => written.has(name));
}

/** The new values of the parameters it writes: one value, or a tuple in the order of the parameters. */
export function runInstruction(frame: Frame, decl: InstructionDecl): Value {
  const names = writtenParameters(decl);
  if (names.length === 0) {
    frame.report("fwp4011", decl.name.span, { name: decl.name.text });
    return ERROR;
  }
  if (names.length === 1) frame.writes = frame.session.label;
  runStatements(frame, decl.body, "an instruction");
  const values = names.map((name) => frame.local(name) ?? ERROR);
  if (values.some((v) => v.kind === "error")) return ERROR;
  return values.length === 1 ? values[0]! : { kind: "tuple", items: values };
}
