/**
 * Which loops of a kernel several threads share. All threads run the kernel; of a loop `over workgroups` each takes a part
 * of the iterations, everything else that has an effect becomes such a loop of one iteration, and barriers stand between
 * them; of two ways that sizes choose between each is shared by itself. What a result is does not depend on the number of threads: no sum is ever split.
 */
import { add, binary, int, mul, select, sub } from "../loop/build.ts";
import type { Expr, LoopKernel, Statement } from "../loop/ir.ts";
import {
  expressionsOf,
  loadsIn,
  loadsOf,
  namesIn,
  parts,
  statementsIn,
  visit,
} from "../loop/scan.ts";
import { isLoop, type Loop } from "../loop/split.ts";

type If = Extract<Statement, { op: "if" }>;

export interface Spread {
  readonly body: readonly Statement[];
  /** Buffers of which every thread needs one of its own. */
  readonly privates: ReadonlySet<string>;
  /** About how many elements the kernel computes, an int expression over its sizes. */
  readonly work: Expr;
}

/** Elements of a kernel for which threads are worth meeting at a barrier. */
export const WORTH_SPREADING = 20_000;
/** Iterations of a loop whose bounds are not known before it runs. */
const UNKNOWN = 8;

/** By variable: the number of the last of some statements that uses or assigns it. */
function lastUses(body: readonly Statement[]): Map<string, number> {
  const last = new Map<string, number>();
  body.forEach((s, i) => {
    const seen = (part: Expr): void => {
      if (part.op === "variable") last.set(part.name, i);
    };
    statementsIn([s]).forEach((x) => {
      if (x.op === "assign") last.set(x.name, i);
      expressionsOf(x).forEach((e) => visit(e, seen));
    });
  });
  return last;
}

/** How often each buffer is touched. */
function touches(body: readonly Statement[]): Map<string, number> {
  const found = new Map<string, number>();
  const count = (name: string) => found.set(name, (found.get(name) ?? 0) + 1);
  statementsIn(body).forEach((s) => {
    if (s.op === "store") count(s.buffer);
  });
  loadsIn(body).forEach((l) => count(l.buffer));
  return found;
}

/** `ownable`: whether a buffer is working memory that nothing outlives an iteration in. */
export function spreadLoops(kernel: LoopKernel, ownable: (buffer: string) => boolean): Spread {
  return new Spreader(kernel, ownable).result();
}

class Spreader {
  readonly #kernel: LoopKernel;
  readonly #ownable: (buffer: string) => boolean;
  /** Int variables that are not loops', as they are defined. */
  readonly #defined = new Map<string, Expr>();
  readonly #written = new Set<string>();
  readonly #all: ReadonlyMap<string, number>;
  readonly #privates = new Set<string>();
  readonly #names: Set<string>;

  constructor(kernel: LoopKernel, ownable: (buffer: string) => boolean) {
    this.#kernel = kernel;
    this.#ownable = ownable;
    this.#all = touches(kernel.body);
    this.#names = namesIn(kernel);
    for (const s of statementsIn(kernel.body)) {
      if (s.op === "store") this.#written.add(s.buffer);
      if (s.op === "define" && s.type.kind === "int" && !s.mutable)
        this.#defined.set(s.name, s.value);
    }
  }

  result(): Spread {
    const { body } = this.#kernel;
    const shared = this.#sections(body, true);
    // What nothing can be shared of is run by one thread, whatever its size.
    const work = shared === null ? int(0) : this.#work(body);
    return { body: shared ?? body, privates: this.#privates, work };
  }

  /** By loop variable: the int variables defined through it, as far as that is known. */
  readonly #through = new Map<string, Map<string, boolean>>();
  #mentions(e: Expr, variable: string): boolean {
    if (e.op !== "variable") return parts(e).some((x) => this.#mentions(x, variable));
    if (e.name === variable) return true;
    const value = this.#defined.get(e.name);
    if (value === undefined) return false;
    const known = this.#through.get(variable) ?? new Map<string, boolean>();
    this.#through.set(variable, known);
    const before = known.get(e.name);
    if (before !== undefined) return before;
    const found = this.#mentions(value, variable);
    known.set(e.name, found);
    return found;
  }

  /**
   * The buffers that must be a thread's own if the loop is shared by several; null if it must not be. The planner marks a
   * loop as independent when each iteration writes elements of its own, working memory apart: that is what is written
   * at the same places again and again.
   */
  #owned(loop: Loop): Set<string> | null {
    if (loop.spread !== "independent" || loop.down) return null;
    const inside = new Set<string>();
    const own = new Set<string>();
    const shared = new Set<string>();
    for (const s of statementsIn(loop.body)) {
      if (s.op === "define") inside.add(s.name);
      if (s.op === "assign" && !inside.has(s.name)) return null;
      if (s.op === "store") (this.#mentions(s.index, loop.variable) ? shared : own).add(s.buffer);
    }
    for (const name of own) {
      if (shared.has(name) || !this.#ownable(name)) return null;
    }
    // Working memory that is filled in one place and read in another cannot be a thread's own.
    const here = touches(loop.body);
    for (const name of own) if (here.get(name) !== this.#all.get(name)) return null;
    // An iteration that reads what another one writes would have to wait for it.
    for (const l of loadsIn(loop.body)) {
      if (shared.has(l.buffer) && !this.#mentions(l.index, loop.variable)) return null;
    }
    return own;
  }

  /** The statements with their loops spread; null if nothing in them can be. */
  #sections(body: readonly Statement[], outermost: boolean): Statement[] | null {
    const result: Statement[] = [];
    let alone: Statement[] = [];
    let found = false;
    /** Whether something ran since the last barrier that others may have to wait for. */
    let waiting = false;
    const lastUse = lastUses(body);
    /** Where the last of the variables is used that only one thread has. */
    let open = -1;
    const section = (s: Statement): void => {
      if (waiting) result.push({ op: "barrier" });
      result.push(s);
      waiting = true;
    };
    const flush = (): void => {
      if (alone.some((s) => s.op !== "comment")) section(this.#once(alone));
      else result.push(...alone);
      alone = [];
    };
    for (const [i, s] of body.entries()) {
      // What uses a variable of one thread's own is done by that thread.
      const needed = s.op === "define" ? (lastUse.get(s.name) ?? i) : i;
      if (open >= i) {
        alone.push(s);
        open = Math.max(open, needed);
        continue;
      }
      if (s.op === "define" && !s.mutable) {
        if (this.#readsWritten(s)) {
          // Every thread reads it, before and after which nothing may change it.
          flush();
          if (waiting) result.push({ op: "barrier" });
          waiting = true;
        }
        result.push(s);
        continue;
      }
      const shared = isLoop(s)
        ? this.#shared(s, outermost)
        : s.op === "if"
          ? this.#ways(s, outermost)
          : null;
      if (shared === null) {
        alone.push(s);
        open = Math.max(open, needed);
        continue;
      }
      flush();
      section(shared);
      found = true;
    }
    flush();
    return found ? result : null;
  }

  /** A loop that all threads run, or whose iterations they share. */
  #shared(loop: Loop, outermost: boolean): Statement | null {
    const own = this.#owned(loop);
    if (own !== null) {
      // Inside another loop every round costs a barrier: only loops of loops are worth that.
      if (!outermost && !loop.body.some(isLoop)) return null;
      own.forEach((name) => this.#privates.add(name));
      return { ...loop, spread: "workgroups" };
    }
    if (loop.spread !== "serial" || !outermost || !this.#uniform(loop)) return null;
    const inner = this.#sections(loop.body, false);
    return inner === null ? null : { ...loop, body: [...inner, { op: "barrier" }] };
  }
  /** Two ways, if sizes alone say which one it is: then all threads take the same. */
  #ways(s: If, outermost: boolean): Statement | null {
    if (this.#overSizes(s.condition) === null) return null;
    const ways = [s.body, s.otherwise].map((body) => this.#sections(body, outermost));
    if (ways.every((way) => way === null)) return null;
    const [body = [], otherwise = []] = [s.body, s.otherwise].map(
      (given, i) => ways[i] ?? (given.length === 0 ? [] : [this.#once(given)]),
    );
    return { ...s, body, otherwise };
  }
  /** Whether all threads come to the same bounds by themselves. */
  #uniform(loop: Loop): boolean {
    return ![loop.from, loop.to].some((e) => loadsOf(e).length > 0);
  }
  #readsWritten(s: Statement): boolean {
    return expressionsOf(s).some((e) => loadsOf(e).some((l) => this.#written.has(l.buffer)));
  }
  /** Something that one thread does alone. */
  #once(body: readonly Statement[]): Statement {
    return {
      op: "for",
      variable: this.#onceName(),
      from: int(0),
      to: int(1),
      step: 1,
      down: false,
      spread: "workgroups",
      body,
    };
  }
  #onceName(): string {
    let name = "once";
    for (let i = 2; this.#names.has(name); i++) name = `once_${i}`;
    this.#names.add(name);
    return name;
  }

  #work(body: readonly Statement[]): Expr {
    let total: Expr = int(0);
    for (const s of body) {
      if (s.op === "store" || s.op === "assign") total = add(total, int(s.value.type.lanes));
      else if (isLoop(s)) total = add(total, mul(this.#trips(s), this.#work(s.body)));
      else if (s.op === "if") total = add(total, this.#workOfWays(s));
    }
    return total;
  }
  #workOfWays(s: If): Expr {
    const ways = [this.#work(s.body), this.#work(s.otherwise)] as const;
    const condition = this.#overSizes(s.condition);
    return condition === null || s.otherwise.length === 0 ? ways[0] : select(condition, ...ways);
  }
  #trips({ from, to, step }: Loop): Expr {
    const [a, b] = [this.#overSizes(from), this.#overSizes(to)];
    if (a === null || b === null) return int(UNKNOWN);
    const n = sub(b, a);
    return step === 1 ? n : binary("div", add(n, int(step - 1)), int(step));
  }
  readonly #sizes = new Map<string, Expr | null>();
  /** An int expression in terms of the kernel's sizes; null if it depends on more. */
  #overSizes(e: Expr): Expr | null {
    switch (e.op) {
      case "number":
        return e;
      case "variable": {
        if (this.#kernel.sizes.includes(e.name)) return e;
        const known = this.#sizes.get(e.name);
        if (known !== undefined) return known;
        const value = this.#defined.get(e.name);
        const found = value === undefined ? null : this.#overSizes(value);
        this.#sizes.set(e.name, found);
        return found;
      }
      case "binary": {
        const [a, b] = [this.#overSizes(e.a), this.#overSizes(e.b)];
        return a === null || b === null ? null : binary(e.fn, a, b);
      }
      default:
        return null;
    }
  }
}
