/** Walks over statements and expressions, and what can be read off them. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { Expr, LoopBuffer, Statement } from "./ir.ts";

export function* parts(e: Expr): Generator<Expr> {
  switch (e.op) {
    case "number":
    case "variable":
      return;
    case "load":
      yield e.index;
      return;
    case "unary":
    case "splat":
    case "ramp":
    case "across":
      yield e.x;
      return;
    case "binary":
      yield e.a;
      yield e.b;
      return;
    case "select":
      yield e.condition;
      yield e.a;
      yield e.b;
      return;
    default:
      unreachable(e);
  }
}

/** The expressions that a statement holds itself, not those of the statements inside it. */
export function expressionsOf(s: Statement): readonly Expr[] {
  switch (s.op) {
    case "comment":
    case "barrier":
      return [];
    case "define":
    case "assign":
      return [s.value];
    case "store":
      return [s.index, s.value];
    case "for":
      return [s.from, s.to];
    case "if":
      return [s.condition];
    default:
      return unreachable(s);
  }
}

export function bodiesOf(s: Statement): readonly (readonly Statement[])[] {
  if (s.op === "for") return [s.body];
  return s.op === "if" ? [s.body, s.otherwise] : [];
}

/** Every buffer that statements touch, in the order of first use, and how. */
export function buffersIn(statements: readonly Statement[]): Map<string, LoopBuffer["access"]> {
  const found = new Map<string, LoopBuffer["access"]>();
  const touch = (name: string, access: "read" | "write"): void => {
    const old = found.get(name);
    found.set(name, old === undefined || old === access ? access : "readwrite");
  };
  const visitExpr = (e: Expr): void => {
    if (e.op === "load") touch(e.buffer, "read");
    for (const x of parts(e)) visitExpr(x);
  };
  const visit = (s: Statement): void => {
    expressionsOf(s).forEach(visitExpr);
    if (s.op === "store") {
      touch(s.buffer, "write");
      if (s.add) touch(s.buffer, "read");
    }
    for (const body of bodiesOf(s)) body.forEach(visit);
  };
  statements.forEach(visit);
  return found;
}
