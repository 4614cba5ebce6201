/**
 * Plain loops as loops over vectors: those whose iterations are independent and lie side by side, and those that only add
 * up, or look for the largest or smallest. What is left over of a number of whole vectors stays a plain loop. Sums have
 * their order by the program alone.
 */
import { add, binary, float, int, intVariable, splat, variable } from "./build.ts";
import { copied } from "./copy.ts";
import { FLOAT, type BinaryOp, type Expr, type LoopKernel, type Statement } from "./ir.ts";
import { drawsRandom, usesVariable } from "./scan.ts";
import { asVectors, Lanes } from "./lanes.ts";
import { rewriteLoops } from "./rewrite.ts";
import { Names, split, type Fresh, type Loop } from "./split.ts";
import { Strides } from "./strides.ts";

/** Vectors that a sum is kept in, so that one addition need not wait for the other. */
const CHAINS = 2;

/** The same kernel with vectors of so many floats. */
export function vectorise(kernel: LoopKernel, lanes: number): LoopKernel {
  const types = new Map(kernel.buffers.map((b) => [b.name, b.type]));
  // A vector is loaded from floats or ints as they are.
  if ([...types.values()].includes("f64") || drawsRandom(kernel.body)) return kernel;
  const strides = new Strides();
  kernel.body.forEach((s) => strides.note(s));
  const made = new Vectoriser(strides, new Names(kernel), lanes).block(kernel.body);
  return { ...kernel, body: made };
}

/** Statements whose loops that look for a largest or smallest are vectors; all others stay as they are. */
export function extremesAsVectors(
  body: readonly Statement[],
  lanes: number,
  names: Fresh,
): Statement[] {
  const strides = new Strides();
  body.forEach((s) => strides.note(s));
  return new Vectoriser(strides, names, lanes, true).block(body);
}

/** Whether a value is made of floats by arithmetic alone: what every printer has for vectors. */
export function isArithmetic(e: Expr): boolean {
  if (e.type.kind !== "float" || e.op === "load" || e.op === "variable" || e.op === "number")
    return true;
  if (e.op === "unary") return e.fn === "neg" && isArithmetic(e.x);
  if (e.op !== "binary" || !ARITHMETIC.has(e.fn)) return false;
  return isArithmetic(e.a) && isArithmetic(e.b);
}
const ARITHMETIC: ReadonlySet<BinaryOp> = new Set(["add", "sub", "mul", "div", "max", "min"]);

type Fold = "add" | "max" | "min";
export interface Accumulation {
  readonly name: string;
  readonly fn: Fold;
  readonly value: Expr;
}

/** What a loop accumulates if it does nothing else. */
export function accumulations(loop: Loop): readonly Accumulation[] | null {
  const found: Accumulation[] = [];
  for (const s of loop.body) {
    if (s.op === "comment" || (s.op === "define" && !s.mutable)) continue;
    if (s.op !== "assign" || s.value.op !== "binary" || s.value.type.kind !== "float") return null;
    const { fn, a, b } = s.value;
    if (fn !== "add" && fn !== "max" && fn !== "min") return null;
    const [own, value] = isName(a, s.name) ? [a, b] : [b, a];
    if (!isName(own, s.name) || usesVariable(value, s.name)) return null;
    found.push({ name: s.name, fn, value });
  }
  const names = new Set(found.map((f) => f.name));
  if (names.size !== found.length || names.size === 0) return null;
  const others = [...found.map((f) => f.value), ...loop.body.flatMap((s) => (s.op === "define" ? [s.value] : []))]; // prettier-ignore
  return others.some((e) => [...names].some((n) => usesVariable(e, n))) ? null : found;
}
const isName = (e: Expr, name: string): boolean => e.op === "variable" && e.name === name;

class Vectoriser {
  readonly #strides: Strides;
  readonly #names: Fresh;
  readonly #lanes: number;
  /** Only loops that look for a largest or smallest. */
  readonly #extremes: boolean;

  constructor(strides: Strides, names: Fresh, lanes: number, extremes = false) {
    this.#extremes = extremes;
    this.#strides = strides;
    this.#names = names;
    this.#lanes = lanes;
  }

  block(statements: readonly Statement[]): Statement[] {
    return rewriteLoops(statements, (loop) => {
      if (loop.step !== 1 || loop.down) return null;
      return asVectors(() => this.#accumulating(loop)) ?? asVectors(() => this.#sideBySide(loop));
    });
  }
  #lanesOf(loop: Loop): Lanes {
    return new Lanes(loop.variable, this.#strides, this.#lanes);
  }

  #sideBySide(loop: Loop): readonly Statement[] | null {
    if (loop.spread === "serial" || this.#extremes) return null;
    const body = this.#lanesOf(loop).block(loop.body);
    const rest = { ...loop, body: this.block(loop.body) };
    return split(rest, this.#lanes, this.#names, (from, to) => [
      { ...loop, from, to, step: this.#lanes, body },
    ]);
  }

  #accumulating(loop: Loop): readonly Statement[] | null {
    const found = accumulations(loop);
    if (found === null) return null;
    if (this.#extremes) {
      const values = [...found, ...loop.body.flatMap((s) => (s.op === "define" ? [s] : []))];
      if (found.some((f) => f.fn === "add") || !values.every((x) => isArithmetic(x.value)))
        return null;
    }
    const lanes = this.#lanesOf(loop);
    const defined = lanes.block(loop.body.filter((x) => x.op === "define"));
    const vectors = found.map(({ value }) => lanes.vector(value));
    const size = CHAINS * this.#lanes;
    const blocks = (from: Expr, to: Expr): readonly Statement[] => {
      const starts: Statement[] = [];
      const body: Statement[] = [];
      const sums = found.map((): Expr[] => []);
      for (let chain = 0; chain < CHAINS; chain++) {
        const at = add(intVariable(loop.variable), int(chain * this.#lanes));
        const given = new Map([[loop.variable, at]]);
        const adds = found.map(({ name, fn }, i): Statement => {
          const first = splat(fn === "add" ? float(0) : variable(name, FLOAT), this.#lanes);
          const lane = this.#names.fresh(`${name}_lanes`);
          const sum = variable(lane, first.type);
          starts.push({ op: "define", name: lane, type: first.type, mutable: true, value: first });
          sums[i]!.push(sum);
          return { op: "assign", name: lane, value: binary(fn, sum, vectors[i]!) };
        });
        body.push(...copied([...defined, ...adds], given, this.#names));
      }
      const ends = found.map(({ name, fn }, i): Statement => {
        const [first, ...rest] = sums[i]!;
        const all = rest.reduce((x, y) => binary(fn, x, y), first!);
        const across: Expr = { op: "across", type: FLOAT, fn: fn === "add" ? "sum" : fn, x: all };
        return { op: "assign", name, value: binary(fn, variable(name, FLOAT), across) };
      });
      return [...starts, { ...loop, from, to, step: size, body }, ...ends];
    };
    return split(loop, size, this.#names, blocks);
  }
}
