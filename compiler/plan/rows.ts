/**
 * Sums along the rows of a matrix, several rows side by side, for machines with vectors: each row's sum is a vector of
 * partial sums, and the vectors are added up across together, which leaves the sums of neighbouring rows in neighbouring
 * lanes. What is between loops runs over the rows of a block; what is in other loops is written once for every row, so that
 * what the rows have in common is loaded once.
 */
import {
  add,
  binary,
  float,
  int,
  intVariable,
  load,
  splat,
  variable,
  vectorLoad,
} from "../loop/build.ts";
import { copied } from "../loop/copy.ts";
import { FLOAT, type Expr, type Statement } from "../loop/ir.ts";
import { asVectors, Lanes, NotAVector } from "../loop/lanes.ts";
import { rewriteLoops } from "../loop/rewrite.ts";
import { expressionsIn, expressionsOf, statementsIn } from "../loop/scan.ts";
import { isLoop, split, type Loop } from "../loop/split.ts";
import { Strides } from "../loop/strides.ts";
import { accumulations, isArithmetic, type Accumulation } from "../loop/vectorise.ts";
import { LANES } from "./jam.ts";
import { comesApart, groupsOf, touches, type Names } from "./interchange.ts";

type Define = Extract<Statement, { op: "define" }>;

/** `wanted`: the variables of loops whose iterations are to run side by side; `lanes`: numbers in a register. */
export function rowsTogether(
  body: readonly Statement[],
  wanted: ReadonlySet<string>,
  lanes: number,
  names: Names,
): readonly Statement[] {
  if (wanted.size === 0) return body;
  const strides = new Strides();
  body.forEach((s) => strides.note(s));
  return rewriteLoops(body, (s) => {
    if (!wanted.has(s.variable) || !fits(s, strides)) return null;
    const blocks = (loop: Loop, rows: number) =>
      split(loop, rows, names, (from, to) => [
        {
          ...loop,
          from,
          to,
          step: rows,
          body: new Block(loop, rows, lanes, strides, names).body(),
        },
      ]);
    const large = Math.max(lanes, LANES);
    const made = blocks(s, large);
    const rest = made.at(-1)!;
    if (large === LANES || !isLoop(rest) || rest.step !== 1) return made;
    return [...made.slice(0, -1), ...blocks(rest, LANES)];
  });
}

/** Whether the iterations of a loop can be taken apart: everything in them is a float or a place in terms of the loop. */
function fits(loop: Loop, strides: Strides): boolean {
  if (loop.spread !== "independent" || loop.down || loop.step !== 1) return false;
  for (const s of statementsIn(loop.body)) {
    if (!comesApart(s)) return false;
    if (!isLoop(s)) continue;
    if (s.body.some(isLoop) || s.down) return false;
    if ([s.from, s.to].some((e) => strides.of(e, loop.variable) !== 0)) return false;
  }
  return true;
}

/** The sums that a loop makes and nothing else, as terms without functions; null if it does more. */
function sumsOf(loop: Loop) {
  if (loop.step !== 1 || loop.spread !== "serial") return null;
  const sums = accumulations(loop);
  if (sums === null || sums.some((s) => s.fn !== "add")) return null;
  const defined = loop.body.filter((s) => s.op === "define");
  return [...sums, ...defined].every((s) => isArithmetic(s.value)) ? { sums, defined } : null;
}

/** The body of a loop for a block of rows. */
class Block {
  readonly #loop: Loop;
  readonly #rows: number;
  readonly #lanes: number;
  readonly #strides: Strides;
  readonly #names: Names;
  /** Where floats are kept that live longer than the statements beside them, one for each row. */
  readonly #kept = new Map<string, string>();
  /** Ints that differ from row to row: computed again where they are used. */
  readonly #ints = new Map<string, Define>();

  constructor(loop: Loop, rows: number, lanes: number, strides: Strides, names: Names) {
    this.#loop = loop;
    this.#rows = rows;
    this.#lanes = lanes;
    this.#strides = strides;
    this.#names = names;
  }

  body(): Statement[] {
    const groups = groupsOf(this.#loop.body);
    for (const [g, group] of groups.entries()) {
      for (const s of group) {
        if (s.op !== "define") continue;
        if (s.type.kind === "int") {
          if (this.#strides.of(s.value, this.#loop.variable) !== 0) this.#ints.set(s.name, s);
        } else if (groups.some((other, o) => o !== g && other.some((x) => touches(x, s.name)))) {
          this.#kept.set(s.name, this.#names.array(s.name, this.#rows));
        }
      }
    }
    return groups.flatMap((group) => {
      const [first] = group;
      if (first !== undefined && isLoop(first)) return this.#inner(first);
      const common = group.filter((s) => s.op === "define" && s.type.kind === "int" && !this.#ints.has(s.name)); // prettier-ignore
      const own = group.filter((s) => !common.includes(s) && !(s.op === "define" && this.#ints.has(s.name))); // prettier-ignore
      if (own.every((s) => s.op === "comment")) return [...own, ...common];
      return [...common, this.#between(own)];
    });
  }

  /** The ints that some statements need and that differ from row to row, in the order of their definitions. */
  #needed(statements: readonly Statement[]): Define[] {
    const needed = new Set<string>();
    const need = (e: Expr): void => {
      for (const x of expressionsIn(e)) {
        const int = x.op === "variable" ? this.#ints.get(x.name) : undefined;
        if (int === undefined || needed.has(int.name)) continue;
        need(int.value);
        needed.add(int.name);
      }
    };
    for (const s of statementsIn(statements)) expressionsOf(s).forEach(need);
    return [...needed].map((name) => this.#ints.get(name)!);
  }

  /** Statements without loops, for every row of the block. */
  #between(own: readonly Statement[]): Statement {
    const row = this.#names.fresh(`${this.#loop.variable}_row`);
    const at = intVariable(row);
    const start = intVariable(this.#loop.variable);
    const given = new Map<string, Expr>([[this.#loop.variable, add(start, at)]]);
    const outer = [...this.#kept].filter(([name]) => !own.some((s) => s.op === "define" && s.name === name)); // prettier-ignore
    for (const [name, array] of outer) given.set(name, load(array, at, "float"));
    const used = [...this.#needed(own), ...own];
    const changed = new Set(own.flatMap((s) => (s.op === "assign" ? [s.name] : [])));
    const body: Statement[] = [];
    // What is assigned here and lives on is a variable here.
    for (const [name, array] of outer) {
      if (!changed.has(name)) continue;
      const here = this.#names.fresh(name);
      body.push({ op: "define", name: here, type: FLOAT, mutable: true, value: load(array, at, "float") }); // prettier-ignore
      given.set(name, variable(here, FLOAT));
    }
    const ends: Statement[] = [...this.#kept].flatMap(([name, array]) =>
      changed.has(name) || used.some((s) => s.op === "define" && s.name === name)
        ? [{ op: "store", buffer: array, index: at, value: variable(name, FLOAT), add: false }]
        : [],
    );
    body.push(...this.#copied([...used, ...ends], given));
    return { op: "for", variable: row, from: int(0), to: int(this.#rows), step: 1, down: false, spread: "independent", body }; // prettier-ignore
  }

  #copied(statements: readonly Statement[], given: ReadonlyMap<string, Expr>): Statement[] {
    const made = copied(statements, given, this.#names);
    made.forEach((s) => this.#strides.note(s));
    return made;
  }

  /** A loop of every row, as one loop for all of them; what is left of a sum in vectors is another. */
  #inner(loop: Loop): Statement[] {
    const found = sumsOf(loop);
    const reads = [...this.#kept.keys()].filter((name) => touches(loop, name));
    if (found !== null && found.sums.every((s) => this.#kept.has(s.name))) {
      const vectors = asVectors(() => this.#sums(loop, found.sums, found.defined));
      if (vectors !== null) {
        return split(loop, this.#lanes, this.#names, vectors).flatMap((s) =>
          isLoop(s) && s.step === 1 ? this.#jammed(s, reads) : [s],
        );
      }
    }
    return this.#jammed(loop, reads);
  }

  #row(r: number): Map<string, Expr> {
    return new Map([[this.#loop.variable, add(intVariable(this.#loop.variable), int(r))]]);
  }
  /** For each row, kept floats as variables; `changed`: those that the loop assigns. */
  #opened(names: readonly string[], changed: ReadonlySet<string>) {
    const starts: Statement[] = [];
    const ends: Statement[] = [];
    const givens = Array.from({ length: this.#rows }, (_, r) => {
      const given = this.#row(r);
      for (const name of names) {
        const buffer = this.#kept.get(name)!;
        const here = this.#names.fresh(name);
        const value = load(buffer, int(r), "float");
        starts.push({ op: "define", name: here, type: FLOAT, mutable: changed.has(name), value });
        given.set(name, variable(here, FLOAT));
        if (!changed.has(name)) continue;
        ends.push({ op: "store", buffer, index: int(r), value: variable(here, FLOAT), add: false });
      }
      return given;
    });
    return { starts, ends, givens };
  }

  #jammed(loop: Loop, reads: readonly string[]): Statement[] {
    const changed = new Set(loop.body.flatMap((s) => (s.op === "assign" ? [s.name] : [])));
    const { starts, ends, givens } = this.#opened(reads, changed);
    const used = [...this.#needed(loop.body), ...loop.body];
    const bodies = givens.map((given, r) =>
      this.#copied(r === 0 ? used : used.filter((s) => s.op !== "comment"), given),
    );
    return [...starts, { ...loop, body: bodies.flat() }, ...ends];
  }

  /** @throws NotAVector where something in the loop has no vector form. */
  #sums(loop: Loop, sums: readonly Accumulation[], defined: readonly Define[]) {
    const own = new Set(sums.map((s) => s.name));
    const reads = [...this.#kept.keys()].filter((n) => !own.has(n) && touches(loop, n));
    const { starts, givens } = this.#opened(reads, new Set());
    const zero = splat(float(0), this.#lanes);
    const body: Statement[] = loop.body.filter((s) => s.op === "comment");
    const vectors = sums.map((): Expr[] => []);
    for (const given of givens) {
      // A store stands for a sum: a copy takes its value along.
      const marks = sums.map(({ value }): Statement => ({ op: "store", buffer: "", index: int(0), value, add: true })); // prettier-ignore
      const used = [...this.#needed(loop.body), ...defined, ...marks];
      const copy = this.#copied(used, given);
      const lanes = new Lanes(loop.variable, this.#strides, this.#lanes);
      body.push(...lanes.block(copy.slice(0, used.length - marks.length)));
      sums.forEach(({ name }, i) => {
        const mark = copy[used.length - marks.length + i]!;
        if (mark.op !== "store") throw new NotAVector();
        const here = this.#names.fresh(name);
        const sum = variable(here, zero.type);
        starts.push({ op: "define", name: here, type: zero.type, mutable: true, value: zero });
        body.push({
          op: "assign",
          name: here,
          value: binary("add", sum, lanes.vector(mark.value)),
        });
        vectors[i]!.push(sum);
      });
    }
    const ends = sums.flatMap(({ name }, i) => this.#folded(this.#kept.get(name)!, vectors[i]!));
    return (from: Expr, to: Expr): readonly Statement[] => [
      ...starts,
      { ...loop, from, to, step: this.#lanes, body },
      ...ends,
    ];
  }
  /** Adds the vectors of all rows, each added up across, to what is kept of the rows. */
  #folded(buffer: string, vectors: readonly Expr[]): Statement[] {
    if (vectors.length === this.#lanes) {
      const sums: Expr = { op: "sums", type: vectors[0]!.type, xs: vectors };
      const before = vectorLoad(buffer, int(0), this.#lanes);
      return [
        { op: "store", buffer, index: int(0), value: binary("add", before, sums), add: false },
      ];
    }
    return vectors.map((x, r): Statement => {
      const value: Expr = { op: "across", type: FLOAT, fn: "sum", x };
      return { op: "store", buffer, index: int(r), value, add: true };
    });
  }
}
