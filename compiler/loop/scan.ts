/** Walks over statements and expressions, and what can be read off them. Lists, not generators: they are walked often. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { Expr, LoopBuffer, LoopKernel, Statement } from "./ir.ts";

const NONE: readonly Expr[] = [];

export function parts(e: Expr): readonly Expr[] {
  switch (e.op) {
    case "number":
    case "variable":
      return NONE;
    case "load":
      return [e.index];
    case "unary":
    case "splat":
    case "ramp":
    case "across":
      return [e.x];
    case "sums":
      return e.xs;
    case "binary":
      return [e.a, e.b];
    case "select":
      return [e.condition, e.a, e.b];
    default:
      return unreachable(e);
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

function gatherStatements(body: readonly Statement[], found: Statement[]): Statement[] {
  for (const s of body) {
    found.push(s);
    for (const inner of bodiesOf(s)) gatherStatements(inner, found);
  }
  return found;
}

/** Statements with all that are inside them, in order. */
export const statementsIn = (body: readonly Statement[]): readonly Statement[] =>
  gatherStatements(body, []);

function gatherExpressions(e: Expr, found: Expr[]): Expr[] {
  found.push(e);
  for (const x of parts(e)) gatherExpressions(x, found);
  return found;
}

/** An expression and all its parts. */
export const expressionsIn = (e: Expr): readonly Expr[] => gatherExpressions(e, []);

export type Load = Extract<Expr, { op: "load" }>;

function gatherLoads(e: Expr, found: Load[]): Load[] {
  if (e.op === "load") found.push(e);
  for (const x of parts(e)) gatherLoads(x, found);
  return found;
}

/** What an expression reads. */
export const loadsOf = (e: Expr): readonly Load[] => gatherLoads(e, []);

/** What statements read, with all that are inside them. */
export function loadsIn(body: readonly Statement[]): readonly Load[] {
  const found: Load[] = [];
  for (const s of statementsIn(body)) for (const e of expressionsOf(s)) gatherLoads(e, found);
  return found;
}

/** Whether an expression uses a variable. */
export function usesVariable(e: Expr, name: string): boolean {
  for (const x of expressionsIn(e)) if (x.op === "variable" && x.name === name) return true;
  return false;
}

/** Whether statements mix bits into random numbers: those are drawn in doubles, the same on all targets. */
export function drawsRandom(body: readonly Statement[]): boolean {
  for (const s of statementsIn(body)) {
    for (const e of expressionsOf(s)) {
      for (const x of expressionsIn(e)) if (x.op === "binary" && x.fn === "mul_high") return true;
    }
  }
  return false;
}

/** The names that a kernel has: its buffers, sizes and variables. */
export function namesIn(kernel: LoopKernel): Set<string> {
  const names = new Set([...kernel.buffers.map((b) => b.name), ...kernel.sizes]);
  for (const s of statementsIn(kernel.body)) {
    if (s.op === "define") names.add(s.name);
    if (s.op === "for") names.add(s.variable);
  }
  return names;
}

/** Every buffer that statements touch, in the order of first use, and how. */
export function buffersIn(statements: readonly Statement[]): Map<string, LoopBuffer["access"]> {
  const found = new Map<string, LoopBuffer["access"]>();
  const touch = (name: string, access: "read" | "write"): void => {
    const old = found.get(name);
    found.set(name, old === undefined || old === access ? access : "readwrite");
  };
  for (const s of statementsIn(statements)) {
    for (const e of expressionsOf(s)) for (const l of loadsOf(e)) touch(l.buffer, "read");
    if (s.op !== "store") continue;
    touch(s.buffer, "write");
    if (s.add) touch(s.buffer, "read");
  }
  return found;
}
