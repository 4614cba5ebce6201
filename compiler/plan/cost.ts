/** What a kernel costs by its loops: float operations, and elements loaded and stored. */
import { unreachable } from "../../diagnostics/diagnostic.ts";
import type { Expr, LoopKernel, Statement } from "../loop/ir.ts";
import { parts } from "../loop/scan.ts";
import type { Sizes } from "../../runtime/format/program.ts";

export interface Cost {
  /** Every float operation counts one, transcendental functions too. */
  readonly flops: number;
  /** Of exp, log, tanh, … alone. */
  readonly functions: number;
  /** Elements. */
  readonly loads: number;
  readonly stores: number;
}

const NOTHING: Cost = { flops: 0, functions: 0, loads: 0, stores: 0 };
const FUNCTIONS = new Set(["exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh", "erf"]);

const plus = (a: Cost, b: Cost): Cost => ({
  flops: a.flops + b.flops,
  functions: a.functions + b.functions,
  loads: a.loads + b.loads,
  stores: a.stores + b.stores,
});
const times = (a: Cost, n: number): Cost => ({
  flops: a.flops * n,
  functions: a.functions * n,
  loads: a.loads * n,
  stores: a.stores * n,
});

/** A mean is that of a variable which has several values: what is made of it is not rounded. */
type Numbers = Map<string, { readonly value: number; readonly mean: boolean }>;

const ofMean = (e: Expr, numbers: Numbers): boolean =>
  e.op === "variable"
    ? numbers.get(e.name)?.mean === true
    : parts(e).some((x) => ofMean(x, numbers));

/** The value of an int expression, of a condition 1 or 0; null when it is not known without running the kernel. */
function valueOf(e: Expr, numbers: Numbers): number | null {
  if (e.op === "number") return e.value;
  if (e.op === "variable") return numbers.get(e.name)?.value ?? null;
  if (e.op === "select") {
    const condition = valueOf(e.condition, numbers);
    return condition === null ? null : valueOf(condition === 0 ? e.b : e.a, numbers);
  }
  if (e.op !== "binary") return null;
  const [a, b] = [valueOf(e.a, numbers), valueOf(e.b, numbers)];
  if (a === null || b === null) return null;
  switch (e.fn) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "div":
      return ofMean(e, numbers) ? a / b : Math.trunc(a / b);
    case "mod":
      return a % b;
    case "max":
      return Math.max(a, b);
    case "min":
      return Math.min(a, b);
    case "lt":
      return Number(a < b);
    case "le":
      return Number(a <= b);
    case "eq":
      return Number(a === b);
    default:
      return null;
  }
}

function ofExpr(e: Expr): Cost {
  let cost = NOTHING;
  for (const part of parts(e)) cost = plus(cost, ofExpr(part));
  const { lanes, kind } = e.type;
  if (e.op === "load") return plus(cost, { ...NOTHING, loads: lanes });
  if ((e.op !== "unary" && e.op !== "binary") || kind !== "float") return cost;
  const functions = FUNCTIONS.has(e.fn) ? lanes : 0;
  return plus(cost, { ...NOTHING, flops: lanes, functions });
}

function ofStatement(s: Statement, numbers: Numbers): Cost {
  switch (s.op) {
    case "comment":
    case "barrier":
    case "prefetch":
      return NOTHING;
    case "define":
    case "assign": {
      const value = valueOf(s.value, numbers);
      if (value !== null) numbers.set(s.name, { value, mean: ofMean(s.value, numbers) });
      return ofExpr(s.value);
    }
    case "store": {
      const { lanes } = s.value.type;
      const added = s.add ? lanes : 0;
      const own = { ...NOTHING, flops: added, loads: added, stores: lanes };
      return plus(plus(ofExpr(s.index), ofExpr(s.value)), own);
    }
    case "for": {
      const from = valueOf(s.from, numbers);
      const to = valueOf(s.to, numbers);
      if (from === null || to === null || to <= from) return NOTHING;
      // A last round cut short counts as its part.
      const rounds = (to - from) / s.step;
      const at = (place: number): Cost => {
        const value = from + (to - from - s.step) * place;
        const inner = new Map(numbers).set(s.variable, { value, mean: rounds > 1 });
        return ofStatements(s.body, inner);
      };
      // The middle stands for all rounds: inner loops may grow with this one.
      if (rounds <= 1 || !s.body.some((x) => x.op === "if")) return times(at(1 / 2), rounds);
      // Before and after it, rounds may go different ways.
      return plus(at(1 / 2), times(plus(at(1 / 4), at(3 / 4)), (rounds - 1) / 2));
    }
    case "if": {
      // Of a condition that is not known the first way counts.
      const taken = valueOf(s.condition, numbers) === 0 ? s.otherwise : s.body;
      return plus(ofExpr(s.condition), ofStatements(taken, new Map(numbers)));
    }
    default:
      return unreachable(s);
  }
}

function ofStatements(list: readonly Statement[], numbers: Numbers): Cost {
  return list.reduce((sum, s) => plus(sum, ofStatement(s, numbers)), NOTHING);
}

/** Of one run of the kernel with these sizes. */
export function costOf(kernel: LoopKernel, sizes: Sizes): Cost {
  return ofStatements(
    kernel.body,
    new Map(Object.entries(sizes).map(([name, value]) => [name, { value, mean: false }])),
  );
}
