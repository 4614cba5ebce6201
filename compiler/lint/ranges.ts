/** What values a node of a step can take: intervals, by induction over time for states. Sound in exact arithmetic. */
import { constant, sameShape, type Dim } from "../dims.ts";
import type { Graph, Node, NodeId, StepProgram, UnaryFn } from "../graph/ir.ts";
import { normaliserOf, plainOf } from "./normalisers.ts";

/** Every element lies in [low, high]; `open`: never at `low` itself. */
export interface Range {
  readonly low: number;
  readonly high: number;
  readonly open: boolean;
}

export const ANYTHING: Range = { low: -Infinity, high: Infinity, open: false };
const between = (low: number, high: number, open = false): Range => ({ low, high, open });

export const isPositive = (r: Range): boolean => r.low > 0 || (r.low === 0 && r.open);
export const largest = (r: Range): number => Math.max(Math.abs(r.low), Math.abs(r.high));
/** 0 · ∞ is 0 here: a bound of zero on one factor makes the product zero. */
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

function hull(all: readonly Range[]): Range {
  const low = Math.min(...all.map((r) => r.low));
  const open = all.every((r) => r.low > low || r.open);
  return between(low, Math.max(...all.map((r) => r.high)), open);
}
export const plus = (a: Range, b: Range): Range =>
  between(a.low + b.low, a.high + b.high, a.open || b.open);
export const negated = (a: Range): Range => between(-a.high, -a.low);
export function product(a: Range, b: Range): Range {
  const ends = [a.low, a.high].flatMap((x) => [times(x, b.low), times(x, b.high)]);
  const low = Math.min(...ends);
  return between(low, Math.max(...ends), low === 0 && isPositive(a) && isPositive(b));
}
function inverse(a: Range): Range {
  if (!isPositive(a)) return ANYTHING;
  return between(a.high === Infinity ? 0 : 1 / a.high, 1 / a.low, a.high === Infinity);
}
const square = (a: Range): Range =>
  between(a.low > 0 ? a.low ** 2 : 0, largest(a) ** 2, isPositive(a));

/** Growing functions are applied to the ends; the open end of `limit` is the value at −∞, which is not reached. */
function growing(a: Range, fn: (x: number) => number, limit: number): Range {
  const low = a.low === -Infinity ? limit : fn(a.low);
  return between(low, fn(a.high), a.open || (a.low === -Infinity && Number.isFinite(limit)));
}

function unaryRange(fn: UnaryFn, a: Range): Range {
  switch (fn) {
    case "neg":
      return negated(a);
    case "exp":
      return growing(a, Math.exp, 0);
    case "expm1":
      return growing(a, Math.expm1, -1);
    case "tanh":
      return growing(a, Math.tanh, -1);
    case "sigmoid":
      return growing(a, (x) => 1 / (1 + Math.exp(-x)), 0);
    case "softplus":
      return growing(a, (x) => (x > 30 ? x : Math.log1p(Math.exp(x))), 0);
    case "log":
      return a.low > 0 ? between(Math.log(a.low), Math.log(a.high)) : between(-Infinity, Math.log(Math.max(a.high, 0))); // prettier-ignore
    case "log1p":
      return a.low > -1 ? between(Math.log1p(a.low), Math.log1p(a.high)) : ANYTHING;
    case "sqrt":
      return between(Math.sqrt(Math.max(a.low, 0)), Math.sqrt(Math.max(a.high, 0)), isPositive(a));
    case "rsqrt": {
      const root = unaryRange("sqrt", a);
      return isPositive(root) ? inverse(root) : between(0, Infinity, true);
    }
    case "reciprocal":
      return inverse(a);
    case "relu":
      return between(Math.max(a.low, 0), Math.max(a.high, 0), isPositive(a));
    case "abs":
      return a.low >= 0 ? a : between(Math.max(0, -a.high), largest(a));
    case "step":
      return isPositive(a) ? between(1, 1) : between(0, a.high > 0 ? 1 : 0);
    case "sin":
    case "cos":
    case "sign":
    case "erf":
      return between(-1, 1);
    case "floor":
    case "round":
    case "ceil":
      return between(Math.floor(a.low), Math.ceil(a.high));
    case "to_float":
      return a;
    case "to_int":
      return between(Math.floor(a.low), Math.ceil(a.high));
    default: {
      const never: never = fn;
      return never;
    }
  }
}

const countOf = (dims: readonly Dim[]): number =>
  dims.reduce((n, d) => n * (constant(d) ?? Infinity), 1);

/** The sum of n numbers from a range. */
const many = (a: Range, n: number): Range => between(times(a.low, n), times(a.high, n), a.open);

export class Ranges {
  readonly graph: Graph;
  readonly #found: Range[] = [];

  /** `given`: of inputs; those without an entry can be anything. */
  constructor(graph: Graph, given: ReadonlyMap<NodeId, Range>) {
    this.graph = graph;
    for (const node of graph.nodes) {
      const known = given.get(node.id);
      const range = known ?? this.#of(node);
      this.#found.push(Number.isNaN(range.low) || Number.isNaN(range.high) ? ANYTHING : range);
    }
  }

  at(id: NodeId): Range {
    return this.#found[id]!;
  }

  #of(node: Node): Range {
    const at = (id: NodeId): Range => this.at(id);
    switch (node.op) {
      case "constant":
        return between(node.value, node.value);
      case "size": {
        const value = constant(node.value);
        return value === undefined ? between(1, Infinity) : between(value, value);
      }
      case "iota":
        return between(0, countOf(node.shape) - 1);
      case "random":
        return node.distribution === "uniform" ? between(0, 1) : ANYTHING;
      case "unary":
        return unaryRange(node.fn, at(node.x));
      case "binary":
        return this.#binary(node);
      case "select":
        return this.#select(node);
      case "reduce": {
        if (node.fn !== "sum") return at(node.x);
        const shape = this.graph.nodes[node.x]!.shape;
        return many(at(node.x), countOf(node.axes.map((i) => shape[i]!)));
      }
      case "contract": {
        const { aLabels, bLabels, outLabels } = node;
        const sizes = new Map<number, Dim>();
        aLabels.forEach((l, i) => sizes.set(l, this.graph.nodes[node.a]!.shape[i]!));
        bLabels.forEach((l, i) => sizes.set(l, this.graph.nodes[node.b]!.shape[i]!));
        const summed = [...sizes].flatMap(([l, d]) => (outLabels.includes(l) ? [] : [d]));
        const same = node.a === node.b && aLabels.join() === bLabels.join();
        const each = same ? square(at(node.a)) : product(at(node.a), at(node.b));
        return many(each, countOf(summed));
      }
      case "cumsum": {
        const all = many(at(node.x), countOf([node.shape[node.axis]!]));
        return hull([all, at(node.x), between(0, 0)]);
      }
      case "broadcast":
      case "transpose":
      case "reshape":
      case "slice":
      case "roll":
      case "reverse":
      case "pick":
      case "stop":
        return at(node.x);
      case "pad":
        return hull([at(node.x), between(0, 0)]);
      case "place":
        return hull([at(node.value), between(0, 0)]);
      case "concat":
        return hull(node.xs.map(at));
      case "append":
        return hull([at(node.x), at(node.row)]);
      case "gather":
        return at(node.table);
      case "input":
      case "scatter":
      case "solve":
      case "recurrence":
      case "result":
        return ANYTHING;
      default: {
        const never: never = node;
        return never;
      }
    }
  }

  /** Two values without the repetitions that both have: elements of what is left meet where theirs did. */
  #inside(x: NodeId, y: NodeId): readonly [NodeId, NodeId] {
    const [a, b] = [this.graph.nodes[x]!, this.graph.nodes[y]!];
    const same =
      a.op === "broadcast" &&
      b.op === "broadcast" &&
      a.axes.join() === b.axes.join() &&
      sameShape(a.shape, b.shape);
    return same ? this.#inside(a.x, b.x) : [x, y];
  }

  /** A side that is taken only where x is positive is only asked about such x. */
  #select(node: Extract<Node, { op: "select" }>): Range {
    const [a, b] = [this.at(node.a), this.at(node.b)];
    const [condition, value] = this.#inside(node.cond, node.a);
    const cond = this.graph.nodes[condition]!;
    const positive =
      cond.op === "binary" && cond.fn === "lt" && cond.b === value && this.at(cond.a).low >= 0;
    const taken = positive ? between(Math.max(a.low, 0), Math.max(a.high, 0), true) : a;
    return hull([taken, b]);
  }

  /** Whether one value is the larger of another and something else, or the largest along some of its axes. */
  #isTop(top: NodeId, of: NodeId): boolean {
    const node = this.graph.nodes[plainOf(this.graph, top)]!;
    if (node.op === "reduce") return node.fn === "max" && node.x === of;
    return node.op === "binary" && node.fn === "max" && (node.a === of || node.b === of);
  }

  /** Whether the second value is the first plus, or the larger of the first and, something that is not negative. */
  #isPart(part: NodeId, whole: NodeId): boolean {
    const [inner, outer] = this.#inside(part, whole);
    if (inner === outer) return true;
    const node = this.graph.nodes[outer]!;
    if (node.op !== "binary" || (node.fn !== "add" && node.fn !== "max")) return false;
    const { a, b } = node;
    return (
      (this.#isPart(inner, a) && (node.fn === "max" || this.at(b).low >= 0)) ||
      (this.#isPart(inner, b) && (node.fn === "max" || this.at(a).low >= 0))
    );
  }

  #binary(node: Extract<Node, { op: "binary" }>): Range {
    const [a, b] = [this.at(node.a), this.at(node.b)];
    switch (node.fn) {
      case "add":
        return plus(a, b);
      case "sub": {
        const plain = plus(a, negated(b));
        return this.#isTop(node.b, node.a) ? between(plain.low, Math.min(plain.high, 0)) : plain;
      }
      case "mul":
        return node.a === node.b ? square(a) : product(a, b);
      case "div": {
        const plain = product(a, inverse(b));
        if (a.low >= 0 && this.#isPart(node.a, node.b)) {
          return between(0, Math.min(plain.high, 1), isPositive(a));
        }
        const found = normaliserOf(this.graph, node.b, (id) => this.at(id));
        if (found?.kind !== "sum" || found.of !== node.a || a.low < 0) return plain;
        return between(0, 1 / found.scale, isPositive(a));
      }
      case "pow":
        if (b.low !== b.high) return isPositive(a) ? between(0, Infinity, true) : ANYTHING;
        if (b.low === 2) return square(a);
        if (a.low >= 0 && b.low >= 0) return growing(a, (x) => x ** b.low, 0);
        return b.low % 2 === 0 && b.low > 0 ? between(0, largest(a) ** b.low) : ANYTHING;
      case "max":
        return between(Math.max(a.low, b.low), Math.max(a.high, b.high), a.low > b.low ? a.open : b.low > a.low ? b.open : a.open || b.open); // prettier-ignore
      case "min":
        return between(Math.min(a.low, b.low), Math.min(a.high, b.high), hull([a, b]).open);
      case "mod":
        return b.low > 0 ? between(0, b.high) : ANYTHING;
      case "lt":
      case "le":
      case "eq":
      case "ne":
      case "and":
      case "or":
        return between(0, 1);
      default: {
        const never: never = node.fn;
        return never;
      }
    }
  }
}

/** What the states can be before a step, at any time: their first value, widened until a step leads nowhere new. */
export function stateRanges({ body, states }: StepProgram): Map<NodeId, Range> {
  const now = new Map<NodeId, Range>(
    states.map((s) => [
      s.node,
      s.init.kind === "constant" ? between(s.init.value, s.init.value) : ANYTHING,
    ]),
  );
  for (;;) {
    const after = new Ranges(body, now);
    let changed = false;
    for (const { node, next } of states) {
      const [old, found] = [now.get(node)!, after.at(next)];
      if (found.low >= old.low && found.high <= old.high) continue;
      changed = true;
      now.set(node, widened(old, found));
    }
    if (!changed) return now;
  }
}

/** Widens to one of −∞, −1, 0, 1 and ∞, so that few rounds are enough. */
function widened(old: Range, found: Range): Range {
  const marks = [-Infinity, -1, 0, 1, Infinity];
  const low = found.low >= old.low ? old.low : marks.findLast((m) => m <= found.low)!;
  const high = found.high <= old.high ? old.high : marks.find((m) => m >= found.high)!;
  return between(low, high);
}
