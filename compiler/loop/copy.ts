/** Statements again, with other values for some variables. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import { add, binary, sub, variable } from "./build.ts";
import type { Expr, Statement } from "./ir.ts";
import type { Fresh } from "./split.ts";

export type Given = ReadonlyMap<string, Expr>;

/** An expression with values for variables. Sums and products of ints are simplified. */
export function replaced(e: Expr, given: Given): Expr {
  switch (e.op) {
    case "number":
      return e;
    case "variable":
      return given.get(e.name) ?? e;
    case "load":
      return { ...e, index: replaced(e.index, given) };
    case "unary":
    case "splat":
    case "ramp":
    case "across":
      return { ...e, x: replaced(e.x, given) };
    case "sums":
      return { ...e, xs: e.xs.map((x) => replaced(x, given)) };
    case "binary": {
      const [a, b] = [replaced(e.a, given), replaced(e.b, given)];
      if (e.type.kind === "int" && e.type.lanes === 1) {
        if (e.fn === "add") return add(a, b);
        if (e.fn === "sub") return sub(a, b);
        if (e.fn === "mul") return binary("mul", a, b);
      }
      return { ...e, a, b };
    }
    case "select": {
      const [condition, a, b] = [e.condition, e.a, e.b].map((x) => replaced(x, given));
      return { ...e, condition: condition!, a: a!, b: b! };
    }
    default:
      return unreachable(e);
  }
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
