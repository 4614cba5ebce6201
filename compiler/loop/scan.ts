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
    case "shuffle":
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
      return NONE;
    case "define":
    case "assign":
      return [s.value];
    case "store":
      return [s.index, s.value];
    case "prefetch":
      return [s.index];
    case "for":
      return [s.from, s.to];
    case "if":
      return [s.condition];
    default:
      return unreachable(s);
  }
}

const NO_BODIES: readonly (readonly Statement[])[] = [];

export function bodiesOf(s: Statement): readonly (readonly Statement[])[] {
  if (s.op === "for") return [s.body];
  return s.op === "if" ? [s.body, s.otherwise] : NO_BODIES;
}

/** Whether statements are made for several threads. */
export const isSpread = (body: readonly Statement[]): boolean =>
  body.some(
    (s) => (s.op === "for" && s.spread === "workgroups") || bodiesOf(s).some((b) => isSpread(b)),
  );

/** Statements with all that are inside them, in order. */
export function statementsIn(
  body: readonly Statement[],
  found: Statement[] = [],
): readonly Statement[] {
  body.forEach((s) => {
    found.push(s);
    if (s.op === "for") statementsIn(s.body, found);
    else if (s.op === "if") {
      statementsIn(s.body, found);
      statementsIn(s.otherwise, found);
    }
  });
  return found;
}

/** Visits an expression and all its parts. */
export function visit(e: Expr, seen: (part: Expr) => void): void {
  seen(e);
  switch (e.op) {
    case "number":
    case "variable":
      return;
    case "load":
      return visit(e.index, seen);
    case "unary":
    case "splat":
    case "ramp":
    case "across":
      return visit(e.x, seen);
    case "sums":
      // No closure: it would cost every visit an object.
      for (let i = 0; i < e.xs.length; i++) visit(e.xs[i]!, seen);
      return;
    case "shuffle":
    case "binary":
      visit(e.a, seen);
      return visit(e.b, seen);
    case "select":
      visit(e.condition, seen);
      visit(e.a, seen);
      return visit(e.b, seen);
    default:
      unreachable(e);
  }
}

/** Visits the expressions of statements, with all that are inside them, and their parts. */
function visitAll(body: readonly Statement[], seen: (part: Expr) => void): void {
  body.forEach((s) => {
    expressionsOf(s).forEach((e) => visit(e, seen));
    bodiesOf(s).forEach((inner) => visitAll(inner, seen));
  });
}

/** An expression and all its parts. */
export function expressionsIn(e: Expr): readonly Expr[] {
  const found: Expr[] = [];
  visit(e, (part) => found.push(part));
  return found;
}

export type Load = Extract<Expr, { op: "load" }>;

/** A place in a buffer. */
export type Access = Pick<Load, "buffer" | "index">;

/** What an expression reads, added to `found`. */
export function loadsOf(e: Expr, found: Access[] = []): readonly Access[] {
  visit(e, (part) => {
    if (part.op === "load") found.push(part);
  });
  return found;
}

/** What statements read, with all that are inside them. */
export function loadsIn(body: readonly Statement[]): readonly Load[] {
  const found: Load[] = [];
  visitAll(body, (part) => {
    if (part.op === "load") found.push(part);
  });
  return found;
}

/** Whether an expression uses a variable. */
export function usesVariable(e: Expr, name: string): boolean {
  let found = false;
  visit(e, (part) => {
    if (part.op === "variable" && part.name === name) found = true;
  });
  return found;
}

/** Whether statements mix bits into random numbers: those are drawn in doubles, the same on all targets. */
export function drawsRandom(body: readonly Statement[]): boolean {
  let found = false;
  visitAll(body, (e) => {
    if (e.op === "binary" && e.fn === "mul_high") found = true;
  });
  return found;
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
    if (old !== access) found.set(name, old === undefined ? access : "readwrite");
  };
  const read = (part: Expr): void => {
    if (part.op === "load") touch(part.buffer, "read");
  };
  statementsIn(statements).forEach((s) => {
    expressionsOf(s).forEach((e) => visit(e, read));
    if (s.op !== "store") return;
    touch(s.buffer, "write");
    if (s.add) touch(s.buffer, "read");
  });
  return found;
}
