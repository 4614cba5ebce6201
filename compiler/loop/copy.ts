/** Statements again, with other values for some variables. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import { add, binary, sub, variable } from "./build.ts";
import type { Expr, Statement } from "./ir.ts";
import { mapParts } from "./rewrite.ts";
import type { Fresh } from "./split.ts";

export type Given = ReadonlyMap<string, Expr>;

/** An expression with values for variables. Sums and products of ints are simplified. */
export function replaced(e: Expr, given: Given): Expr {
  if (e.op === "variable") return given.get(e.name) ?? e;
  const made = mapParts(e, (x) => replaced(x, given));
  if (made.op !== "binary" || made.type.kind !== "int" || made.type.lanes !== 1) return made;
  if (made.fn === "add") return add(made.a, made.b);
  if (made.fn === "sub") return sub(made.a, made.b);
  return made.fn === "mul" ? binary("mul", made.a, made.b) : made;
}

/** A copy of statements; what they define gets names of its own. */
export function copied(statements: readonly Statement[], given: Given, names: Fresh): Statement[] {
  const known = new Map(given);
  const renamed = (name: string, type: Expr["type"]): string => {
    const fresh = names.fresh(name);
    known.set(name, variable(fresh, type));
    return fresh;
  };
  return statements.map((s): Statement => {
    switch (s.op) {
      case "comment":
      case "barrier":
        return s;
      case "define": {
        const value = replaced(s.value, known);
        return { ...s, name: renamed(s.name, s.type), value };
      }
      case "assign": {
        const target = known.get(s.name);
        const name = target?.op === "variable" ? target.name : s.name;
        return { ...s, name, value: replaced(s.value, known) };
      }
      case "prefetch":
        return { ...s, index: replaced(s.index, known) };
      case "store":
        return { ...s, index: replaced(s.index, known), value: replaced(s.value, known) };
      case "for": {
        const [from, to] = [replaced(s.from, known), replaced(s.to, known)];
        const inner = new Map(known);
        const fresh = names.fresh(s.variable);
        inner.set(s.variable, variable(fresh, s.from.type));
        return { ...s, variable: fresh, from, to, body: copied(s.body, inner, names) };
      }
      case "if":
        return {
          ...s,
          condition: replaced(s.condition, known),
          body: copied(s.body, known, names),
          otherwise: copied(s.otherwise, known, names),
        };
      default:
        return unreachable(s);
    }
  });
}
