/**
 * Loops over time ask for what their next step reads while they are at the present one. Rows of one head lie apart, with
 * those of the others between them: too far for a processor that guesses by itself what comes next.
 */
import { add, int, intVariable, mul } from "./build.ts";
import type { Expr, Statement } from "./ir.ts";
import { parts } from "./scan.ts";
import { isLoop, type Fresh, type Loop } from "./split.ts";
import { expressionText } from "./text.ts";

/** Elements of a line of the cache, if they have four bytes. */
const LINE = 16;
/** Lines that one step may ask for: those of more would be gone when it comes to them. */
const MOST = 1024;
/** Lines of a row that are written out. */
const WRITTEN_OUT = 8;

/** An index as a sum: of what does not change in a step, and of loops' variables times numbers. */
interface Sum {
  readonly base: readonly { readonly of: Expr; readonly times: number }[];
  readonly loops: ReadonlyMap<string, number>;
  readonly number: number;
}

const joined = (a: Sum, b: Sum, times: number): Sum => {
  const loops = new Map(a.loops);
  for (const [name, n] of b.loops) loops.set(name, (loops.get(name) ?? 0) + n * times);
  return {
    base: [...a.base, ...b.base.map((x) => ({ ...x, times: x.times * times }))],
    loops,
    number: a.number + b.number * times,
  };
};
const NOTHING: Sum = { base: [], loops: new Map(), number: 0 };

/** Rows of a buffer, by their lines. */
interface Rows {
  readonly buffer: string;
  readonly base: Expr;
  /** How far one step, and one round of each loop over rows, moves on. */
  readonly step: number;
  readonly over: readonly { readonly rounds: number; readonly stride: number }[];
  readonly lines: Set<number>;
}

class Step {
  readonly #loop: Loop;
  readonly #isFar: (buffer: string) => boolean;
  /** What ints that are named in a step come to; null where that is not known. */
  readonly #defined = new Map<string, Expr | null>();
  readonly #rows = new Map<string, Rows>();

  constructor(loop: Loop, isFar: (buffer: string) => boolean) {
    this.#loop = loop;
    this.#isFar = isFar;
    this.#visit(loop.body, []);
  }

  #visit(body: readonly Statement[], inside: readonly Loop[]): void {
    for (const s of body) {
      switch (s.op) {
        case "comment":
        case "barrier":
        case "prefetch":
          break;
        case "define":
          this.#defined.set(s.name, s.type.kind === "int" && !s.mutable ? s.value : null);
          this.#reads(s.value, inside);
          break;
        case "assign":
        case "store":
          this.#reads(s.value, inside);
          break;
        case "for":
          this.#visit(s.body, [...inside, s]);
          break;
        case "if":
          this.#visit(s.body, inside);
          this.#visit(s.otherwise, inside);
          break;
      }
    }
  }
  #reads(e: Expr, inside: readonly Loop[]): void {
    if (e.op === "load") this.#note(e.buffer, e.index, e.type.lanes, inside);
    for (const x of parts(e)) this.#reads(x, inside);
  }

  #sum(e: Expr, inside: readonly Loop[]): Sum | null {
    if (e.op === "number") return { ...NOTHING, number: e.value };
    if (e.op === "variable") {
      if (e.name === this.#loop.variable || inside.some((l) => l.variable === e.name))
        return { ...NOTHING, loops: new Map([[e.name, 1]]) };
      const value = this.#defined.get(e.name);
      if (value === null) return null;
      return value === undefined
        ? { ...NOTHING, base: [{ of: e, times: 1 }] }
        : this.#sum(value, inside);
    }
    if (e.op !== "binary") return null;
    const [a, b] = [this.#sum(e.a, inside), this.#sum(e.b, inside)];
    if (a === null || b === null) return null;
    if (e.fn === "add" || e.fn === "sub") return joined(a, b, e.fn === "add" ? 1 : -1);
    if (a.loops.size + b.loops.size === 0) return { ...NOTHING, base: [{ of: e, times: 1 }] };
    if (e.fn !== "mul") return null;
    if (e.b.op === "number") return joined(NOTHING, a, e.b.value);
    return e.a.op === "number" ? joined(NOTHING, b, e.a.value) : null;
  }

  #note(buffer: string, index: Expr, lanes: number, inside: readonly Loop[]): void {
    if (!this.#isFar(buffer)) return;
    const sum = this.#sum(index, inside);
    const step = sum?.loops.get(this.#loop.variable) ?? 0;
    if (sum === null || Math.abs(step) < LINE) return;
    // What is named inside of a step is not known where it begins.
    const known = (e: Expr): boolean =>
      e.op === "variable" ? !this.#defined.has(e.name) : parts(e).every(known);
    if (!sum.base.every((x) => known(x.of))) return;
    let [start, length] = [sum.number, lanes];
    const over: { rounds: number; stride: number }[] = [];
    for (const { variable, from, to } of inside) {
      const stride = sum.loops.get(variable) ?? 0;
      if (stride === 0) continue;
      if (from.op !== "number" || to.op !== "number" || to.value <= from.value) return;
      const rounds = to.value - from.value;
      start += from.value * stride;
      if (stride === 1) length = Math.max(length, rounds);
      else if (rounds > 1) over.push({ rounds, stride });
    }
    if (length < LINE) return;
    const base = sum.base.reduce((e, x) => add(e, mul(x.of, int(x.times))), int(0));
    const rows = over.map((o) => `${o.rounds} by ${o.stride}`).join();
    const key = `${buffer} ${expressionText(base)} ${step} ${rows}`;
    const before = this.#rows.get(key);
    const found = before ?? { buffer, base, step, over, lines: new Set<number>() };
    this.#rows.set(key, found);
    for (let at = 0; at < length; at += LINE) found.lines.add(start + at);
  }

  /**
   * The step with what asks for the rows of the next one in between, as evenly as may be: a processor waits where it is
   * asked for more than a few lines at a time. As it was if they are too many.
   */
  body(given: readonly Statement[], names: Fresh): Statement[] {
    const all = [...this.#rows.values()];
    const lines = all.reduce((n, r) => n + r.over.reduce((m, o) => m * o.rounds, r.lines.size), 0);
    const pieces = all.reduce((n, r) => n + (r.over[0]?.rounds ?? 1), 0);
    if (pieces === 0 || lines > MOST) return [...given];
    // Before a loop, and before what is said of it.
    const places = given.flatMap((s, i) => (isLoop(s) ? [given[i - 1]?.op === "comment" ? i - 1 : i] : [])); // prettier-ignore
    const asked = new Map<number, Statement[]>();
    let before = 0;
    for (const rows of all) {
      const rounds = rows.over[0]?.rounds ?? 1;
      const placeOf = (round: number): number =>
        places[Math.floor(((before + round) * places.length) / pieces)]!;
      for (let [from, to] = [0, 0]; from < rounds; from = to) {
        const place = placeOf(from);
        while (to < rounds && placeOf(to) === place) to += 1;
        asked.set(place, [...(asked.get(place) ?? []), ...this.#ask(rows, from, to, names)]);
      }
      before += rounds;
    }
    return given.flatMap((s, i) => [...(asked.get(i) ?? []), s]);
  }

  /** Rows of the next step, of the outermost loop over them those of some rounds. */
  #ask(
    { buffer, base, step, over, lines }: Rows,
    from: number,
    to: number,
    names: Fresh,
  ): Statement[] {
    const { variable, down } = this.#loop;
    const loops = over.map((o, i) => (i === 0 ? { ...o, from, to } : { ...o, from: 0, to: o.rounds })); // prettier-ignore
    const variables = loops.map((l) => (l.to - l.from > 1 ? names.fresh("next") : null));
    let index = add(base, mul(add(intVariable(variable), int(down ? -1 : 1)), int(step)));
    loops.forEach((l, i) => {
      const name = variables[i]!;
      index = add(index, mul(name === null ? int(l.from) : intVariable(name), int(l.stride)));
    });
    const ask = (at: Expr): Statement => ({ op: "prefetch", buffer, index: at });
    const offsets = [...lines].sort((a, b) => a - b);
    const [first, last] = [offsets[0]!, offsets.at(-1)!];
    const whole = last - first === (offsets.length - 1) * LINE;
    let body: Statement[];
    if (offsets.length <= WRITTEN_OUT || !whole)
      body = offsets.map((at) => ask(add(index, int(at))));
    else {
      const along = names.fresh("line");
      body = [loop(along, first, last + 1, LINE, [ask(add(index, intVariable(along)))])];
    }
    for (const [i, l] of [...loops.entries()].reverse()) {
      const name = variables[i]!;
      if (name !== null) body = [loop(name, l.from, l.to, 1, body)];
    }
    return body;
  }
}

const loop = (
  variable: string,
  from: number,
  to: number,
  step: number,
  body: readonly Statement[],
): Loop => ({
  op: "for",
  variable,
  from: int(from),
  to: int(to),
  step,
  down: false,
  spread: "serial",
  body,
});

/** Whether a loop runs as long as a sequence is, over steps that hold loops of their own. */
const isOverTime = (s: Loop): boolean =>
  s.spread === "serial" &&
  (s.from.op !== "number" || s.to.op !== "number") &&
  s.body.some((x) => isLoop(x) && x.body.some(isLoop));

/** `isFar`: whether a buffer may lie further away than the nearest cache. */
export function askedAhead(
  body: readonly Statement[],
  isFar: (buffer: string) => boolean,
  names: Fresh,
): Statement[] {
  return body.map((s): Statement => {
    if (s.op === "if") {
      const [then, otherwise] = [s.body, s.otherwise].map((b) => askedAhead(b, isFar, names));
      return { ...s, body: then!, otherwise: otherwise! };
    }
    if (s.op !== "for") return s;
    const inner = askedAhead(s.body, isFar, names);
    if (!isOverTime(s)) return { ...s, body: inner };
    return { ...s, body: new Step(s, isFar).body(inner, names) };
  });
}
