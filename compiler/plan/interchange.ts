/**
 * Sums down the columns of a matrix, for machines with vectors: `for i { s = 0; for t { s += x[t, i] } … }` reads far-apart
 * elements one after the other. Taken a block of columns at a time, with the loop over the columns inside, it reads
 * neighbours: `for block { s[] = 0; for t { for i in block { s[i] += x[t, i] } } … }`. Each sum is made in the same order.
 */
import { add, binary, int, intVariable, load, sub } from "../loop/build.ts";
import type { Expr, LoopKernel, Statement } from "../loop/ir.ts";
import { mapParts, rewriteLoops } from "../loop/rewrite.ts";
import {
  expressionsOf,
  loadsIn,
  loadsOf,
  parts,
  statementsIn,
  usesVariable,
} from "../loop/scan.ts";
import { isLoop, type Fresh, type Loop } from "../loop/split.ts";
import { Strides } from "../loop/strides.ts";

type Define = Extract<Statement, { op: "define" }>;

/** Columns of a block: enough to read whole cache lines, few enough that their sums stay in the nearest cache. */
const NARROW = 64;
const WIDE = 256;
/** Blocks that a wide result is cut into, for threads to share. */
const BLOCKS = 8;

function blockOf(loop: Loop): number {
  if (loop.from.op !== "number" || loop.to.op !== "number") return NARROW;
  const extent = loop.to.value - loop.from.value;
  const share = Math.ceil(extent / BLOCKS / NARROW) * NARROW;
  return Math.max(NARROW, Math.min(WIDE, share));
}

/** What the kernel is written with. */
export interface Names extends Fresh {
  /** Working memory of so many floats. */
  array(wish: string, length: number): string;
}

export function interchange(body: LoopKernel["body"], names: Names): Statement[] {
  const strides = new Strides();
  body.forEach((s) => strides.note(s));
  return rewriteLoops(body, (loop) =>
    sumsColumns(loop, strides) ? [new Interchange(loop, strides, names).result()] : null,
  );
}

/** Whether a statement of a loop can be done for several iterations at once: all in it are floats or places in terms of the loop. */
export function comesApart(s: Statement): boolean {
  if (s.op === "if" || s.op === "barrier" || s.op === "prefetch") return false;
  if ("value" in s && s.value.type.lanes > 1) return false;
  if (s.op !== "define" || s.type.kind === "float") return true;
  return s.type.kind === "int" && !s.mutable && loadsOf(s.value).length === 0;
}

/** Whether the iterations of a loop hold sums that read neighbours from iteration to iteration, but not within one. */
function sumsColumns(loop: Loop, strides: Strides): boolean {
  if (loop.spread !== "independent" || loop.down || loop.step !== 1) return false;
  if (!loop.body.some(isLoop)) return false;
  let across = false;
  for (const s of statementsIn(loop.body)) {
    if (!comesApart(s)) return false;
    // Working memory that every iteration fills again would be needed by all columns at once.
    if (s.op === "store" && (strides.of(s.index, loop.variable) ?? 0) === 0) return false;
    if (!isLoop(s)) continue;
    if (s.spread === "independent" || s.down || s.step !== 1) return false;
    if ([s.from, s.to].some((e) => strides.of(e, loop.variable) !== 0)) return false;
    if (s.body.some(isLoop)) continue;
    for (const { index } of loadsIn(s.body)) {
      const here = strides.of(index, loop.variable);
      if (here !== 0 && here !== 1) return false;
      const inner = strides.of(index, s.variable);
      if (here === 1 && inner !== 1 && inner !== 0) across = true;
    }
  }
  return across;
}

class Interchange {
  readonly #loop: Loop;
  readonly #strides: Strides;
  readonly #names: Names;
  readonly #block: number;
  readonly #start: string;
  readonly #end: string;
  /** Where floats are kept, one for each column of the block. */
  readonly #kept = new Map<string, string>();
  /** Ints that differ from column to column: computed again where they are used. */
  readonly #ints = new Map<string, Define>();

  constructor(loop: Loop, strides: Strides, names: Names) {
    this.#loop = loop;
    this.#strides = strides;
    this.#names = names;
    this.#block = blockOf(loop);
    this.#start = names.fresh(`${loop.variable}_block`);
    this.#end = names.fresh(`${loop.variable}_end`);
    this.#keep(loop.body);
  }

  /** Whether one block holds everything. */
  #isWhole(): boolean {
    const { from, to } = this.#loop;
    return from.op === "number" && to.op === "number" && to.value - from.value <= this.#block;
  }
  #first(): Expr {
    return this.#isWhole() ? this.#loop.from : intVariable(this.#start);
  }

  result(): Statement {
    const { from, to } = this.#loop;
    const whole = this.#isWhole();
    const end = binary("min", add(intVariable(this.#start), int(this.#block)), to);
    return {
      ...this.#loop,
      variable: this.#start,
      // A block that holds everything is one round.
      to: whole ? add(from, int(1)) : to,
      step: whole ? 1 : this.#block,
      body: [...(whole ? [] : [this.#define(end)]), ...this.#statements(this.#loop.body)],
    };
  }

  #define(value: Expr): Statement {
    return { op: "define", name: this.#end, type: int(0).type, mutable: false, value };
  }

  /** Finds floats that live longer than the statements beside them. */
  #keep(body: readonly Statement[]): void {
    const groups = groupsOf(body);
    for (const [g, group] of groups.entries()) {
      for (const s of group) {
        if (isLoop(s)) this.#keep(s.body);
        if (s.op !== "define") continue;
        if (s.type.kind === "int") {
          if (this.#strides.of(s.value, this.#loop.variable) !== 0) this.#ints.set(s.name, s);
        } else if (groups.some((other, o) => o !== g && other.some((x) => touches(x, s.name)))) {
          this.#kept.set(s.name, this.#names.array(s.name, this.#block));
        }
      }
    }
  }

  #statements(body: readonly Statement[]): Statement[] {
    return groupsOf(body).flatMap((group) => {
      const [first] = group;
      if (first !== undefined && isLoop(first)) {
        return [{ ...first, body: this.#statements(first.body) }];
      }
      // What is the same for all columns stays outside the loop over them.
      const common = group.filter((s) => s.op === "define" && this.#isCommon(s));
      const own = group.filter((s) => !common.includes(s) && !this.#isInt(s));
      return [...common, ...(own.length === 0 ? [] : [this.#columns(own)])];
    });
  }
  #isCommon(s: Define): boolean {
    return s.type.kind === "int" && !this.#ints.has(s.name);
  }
  #isInt(s: Statement): boolean {
    return s.op === "define" && this.#ints.has(s.name);
  }

  /** Statements without loops, for every column of the block. */
  #columns(group: readonly Statement[]): Statement {
    const needed = new Set<string>();
    const need = (e: Expr): void => {
      if (e.op === "variable" && this.#ints.has(e.name) && !needed.has(e.name)) {
        need(this.#ints.get(e.name)!.value);
        needed.add(e.name);
      }
      for (const x of parts(e)) need(x);
    };
    for (const s of group) expressionsOf(s).forEach(need);
    return {
      ...this.#loop,
      from: this.#first(),
      to: this.#isWhole() ? this.#loop.to : intVariable(this.#end),
      body: [
        ...[...needed].map((name) => this.#ints.get(name)!),
        ...group.map((s) => this.#statement(s)),
      ],
    };
  }

  #statement(s: Statement): Statement {
    switch (s.op) {
      case "define":
      case "assign": {
        const array = this.#kept.get(s.name);
        const value = this.#expr(s.value);
        if (array === undefined) return { ...s, value };
        const index = this.#place();
        if (s.op === "assign" && s.value.op === "binary" && s.value.fn === "add") {
          const { a, b } = s.value;
          if (a.op === "variable" && a.name === s.name) {
            return { op: "store", buffer: array, index, value: this.#expr(b), add: true };
          }
        }
        return { op: "store", buffer: array, index, value, add: false };
      }
      case "store":
        return { ...s, index: this.#expr(s.index), value: this.#expr(s.value) };
      case "comment":
      case "for":
      case "if":
      case "barrier":
      case "prefetch":
        return s;
    }
  }
  #place(): Expr {
    return sub(intVariable(this.#loop.variable), this.#first());
  }
  #expr(e: Expr): Expr {
    const array = e.op === "variable" ? this.#kept.get(e.name) : undefined;
    if (array !== undefined) return load(array, this.#place(), "float");
    return mapParts(e, (x) => this.#expr(x));
  }
}

/** Loops by themselves, other statements in runs. */
export function groupsOf(body: readonly Statement[]): Statement[][] {
  const groups: Statement[][] = [];
  for (const s of body) {
    const last = groups.at(-1);
    if (last !== undefined && !isLoop(s) && !isLoop(last[0]!)) last.push(s);
    else groups.push([s]);
  }
  return groups;
}

export function touches(s: Statement, name: string): boolean {
  for (const x of statementsIn([s])) {
    if (x.op === "assign" && x.name === name) return true;
    if (expressionsOf(x).some((e) => usesVariable(e, name))) return true;
  }
  return false;
}
