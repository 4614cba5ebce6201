/**
 * Sums of neighbouring columns, held in registers: `for t { for i { s[i] += … } }` loads and stores every sum at every step.
 * Taken a few vectors of columns at a time, with the loop over the terms inside, it stores each once.
 */
import { add, binary, float, int, intVariable, splat, variable, vectorLoad } from "./build.ts";
import { copied } from "./copy.ts";
import type { Expr, Statement } from "./ir.ts";
import { asVectors, Lanes, NotAVector } from "./lanes.ts";
import { rewriteLoops } from "./rewrite.ts";
import { expressionsOf, loadsIn, statementsIn, usesVariable } from "./scan.ts";
import { isLoop, split, type Fresh, type Loop } from "./split.ts";
import { Strides } from "./strides.ts";
import { isArithmetic } from "./vectorise.ts";

type Store = Extract<Statement, { op: "store" }>;
type Define = Extract<Statement, { op: "define" }>;

/** Vectors of columns side by side, and partial sums of each, so that one addition need not wait for the last. */
const VECTORS = 4;
const CHAINS = 2;

/** The same statements with such sums in registers; `lanes`: numbers in one. */
export function sumsInRegisters(
  body: readonly Statement[],
  lanes: number,
  names: Fresh,
): Statement[] {
  const strides = new Strides();
  body.forEach((s) => strides.note(s));
  return rewriteLoops(body, (loop) => {
    const found = columnsOf(loop, strides);
    return found && asVectors(() => new Columns(found, lanes, strides, names).result());
  });
}

interface Found {
  /** Over the terms of the sums. */
  readonly terms: Loop;
  /** Over the columns. */
  readonly columns: Loop;
  readonly defined: readonly Define[];
  readonly sums: readonly Store[];
}

/** A loop over terms that adds to one sum for each column and does nothing else. */
function columnsOf(terms: Loop, strides: Strides): Found | null {
  if (terms.spread !== "serial" || terms.down || terms.step !== 1) return null;
  const columns = terms.body.find(isLoop);
  if (columns === undefined || columns.spread !== "independent" || columns.down) return null;
  if (columns.step !== 1) return null;
  const defined: Define[] = [];
  const sums: Store[] = [];
  const inside = new Set([terms.variable]);
  for (const s of [...terms.body.filter((x) => x !== columns), ...columns.body]) {
    if (s.op === "comment") continue;
    if (s.op === "define" && !s.mutable && s.type.kind !== "bool") {
      defined.push(s);
      inside.add(s.name);
    } else if (s.op === "store" && s.add) sums.push(s);
    else return null;
  }
  if (sums.length === 0 || terms.body.some((s) => s.op === "store")) return null;
  const moves = (e: Expr) => strides.of(e, terms.variable) !== 0;
  if ([columns.from, columns.to].some((e) => [...inside].some((n) => usesVariable(e, n))))
    return null;
  const buffers = new Set(sums.map((s) => s.buffer));
  if (buffers.size !== sums.length) return null;
  for (const l of loadsIn(terms.body)) if (buffers.has(l.buffer)) return null;
  for (const s of sums) {
    if (moves(s.index) || strides.of(s.index, columns.variable) !== 1) return null;
    if (!isArithmetic(s.value)) return null;
  }
  const floats = defined.filter((d) => d.type.kind === "float");
  if (!floats.every((d) => isArithmetic(d.value))) return null;
  return { terms, columns, defined, sums };
}

class Columns {
  readonly #found: Found;
  readonly #lanes: number;
  readonly #strides: Strides;
  readonly #names: Fresh;

  constructor(found: Found, lanes: number, strides: Strides, names: Fresh) {
    this.#found = found;
    this.#lanes = lanes;
    this.#strides = strides;
    this.#names = names;
  }

  /** Several vectors at a time, then one, then what is left as it was. */
  result(): Statement[] {
    const { terms, columns } = this.#found;
    const several = this.#lanes * VECTORS;
    const blocks = (loop: Loop, vectors: number) =>
      split(loop, this.#lanes * vectors, this.#names, (from, to) => [
        { ...loop, from, to, step: this.#lanes * vectors, body: this.#block(vectors) },
      ]);
    const made = blocks(columns, VECTORS).flatMap((s) =>
      isLoop(s) && s.step !== several ? blocks(s, 1) : [s],
    );
    return made.map((s) =>
      isLoop(s) && s.step === 1
        ? { ...terms, body: terms.body.map((x) => (x === columns ? s : x)) }
        : s,
    );
  }

  #block(vectors: number): Statement[] {
    const { terms, columns, defined, sums } = this.#found;
    const here = intVariable(columns.variable);
    const zero = splat(float(0), this.#lanes);
    const starts: Statement[] = [];
    const ends: Statement[] = [];
    const places = sums.map((s) =>
      Array.from({ length: vectors }, (_, v) => {
        const at = add(here, int(v * this.#lanes));
        const given = new Map([[columns.variable, at]]);
        const needed = this.#needed([s.index]);
        const copy = copied([...needed, { ...s, value: float(0) }], given, this.#names);
        copy.forEach((x) => this.#strides.note(x));
        const store = copy.at(-1)!;
        if (store.op !== "store") throw new NotAVector();
        starts.push(...copy.slice(0, -1));
        const chains = Array.from({ length: CHAINS }, (_, c) => {
          const name = this.#names.fresh("column");
          const value = c === 0 ? vectorLoad(s.buffer, store.index, this.#lanes) : zero;
          starts.push({ op: "define", name, type: zero.type, mutable: true, value });
          return name;
        });
        const all = chains.map((name) => variable(name, zero.type)).reduce((a, b) => binary("add", a, b)); // prettier-ignore
        ends.push({ op: "store", buffer: s.buffer, index: store.index, value: all, add: false });
        return chains;
      }),
    );
    const term = (offset: number): Statement[] =>
      Array.from({ length: vectors }, (_, v) => {
        const given = new Map([
          [columns.variable, add(here, int(v * this.#lanes))],
          [terms.variable, add(intVariable(terms.variable), int(offset))],
        ]);
        const copy = copied([...defined, ...sums], given, this.#names);
        copy.forEach((x) => this.#strides.note(x));
        const lanes = new Lanes(columns.variable, this.#strides, this.#lanes);
        const made = lanes.block(copy.slice(0, defined.length));
        return [
          ...made,
          ...sums.map((_, i): Statement => {
            const store = copy[defined.length + i]!;
            if (store.op !== "store") throw new NotAVector();
            const name = places[i]![v]![offset]!;
            const value = binary("add", variable(name, zero.type), lanes.vector(store.value));
            return { op: "assign", name, value };
          }),
        ];
      }).flat();
    const loop = split(terms, CHAINS, this.#names, (from, to) => [
      { ...terms, from, to, step: CHAINS, body: Array.from({ length: CHAINS }, (_, c) => term(c)).flat() }, // prettier-ignore
    ]).map((s) => (isLoop(s) && s.step === 1 ? { ...s, body: term(0) } : s));
    const comments = statementsIn([terms]).filter((s) => s.op === "comment");
    return [...comments, ...starts, ...loop, ...ends];
  }

  /** The defines that some expressions need. */
  #needed(exprs: readonly Expr[]): Define[] {
    const { defined } = this.#found;
    const used = new Set<Define>();
    const need = (e: Expr): void => {
      for (const d of defined) {
        if (used.has(d) || !usesVariable(e, d.name)) continue;
        used.add(d);
        expressionsOf(d).forEach(need);
      }
    };
    exprs.forEach(need);
    return defined.filter((d) => used.has(d));
  }
}
