/** Triangular systems by substitution. */
import { constant, dim, subtract, type Dim } from "../dims.ts";
import type { SolveNode } from "../graph/ir.ts";
import {
  binary,
  int,
  intVariable,
  load,
  mul,
  splat,
  sub,
  unary,
  vectorLoad,
} from "../loop/build.ts";
import type { Expr } from "../loop/ir.ts";
import {
  fixed,
  linear,
  minus,
  ofVariable,
  plus,
  shifted,
  type Affine,
  type IndexVariable,
} from "./affine.ts";
import { homeOf, loopName, loops, valueAt, type Lowering } from "./lower.ts";
import type { BufferLocation } from "./place.ts";
import type { Stage } from "./stages.ts";

/** A triangular system: one set of loops over its columns, however they are taken. */
class Substitution {
  readonly l: Lowering;
  readonly node: SolveNode;
  readonly home: BufferLocation;
  readonly n: Dim;
  readonly m: Dim;

  constructor(l: Lowering, s: Stage, node: SolveNode) {
    this.l = l;
    this.node = node;
    this.home = homeOf(l, s);
    const rank = node.shape.length;
    this.n = node.shape[rank - 2]!;
    this.m = node.shape[rank - 1]!;
  }

  /** Row number `k` in the order in which rows are solved. */
  row(k: Affine): Affine {
    const forward = this.node.lower !== this.node.transpose;
    return forward ? k : minus(fixed(subtract(this.n, dim(1))), k);
  }
  entry(lead: readonly Affine[], row: Affine, column: Affine): Expr {
    const { node } = this;
    const at = node.transpose ? [column, row] : [row, column];
    return valueAt(this.l, node.matrix, [...lead, ...at]);
  }
  right(lead: readonly Affine[], row: Affine, column: Affine): Expr {
    return valueAt(this.l, this.node.right, [...lead, row, column]);
  }
  place(lead: readonly Affine[], row: Affine, column: Affine): Expr {
    const { offset, strides } = this.home;
    return this.l.emitter.index(plus(offset, linear([...lead, row, column], strides)));
  }
  /** Loops over the rows before row `k`: `inside` with the factor of each and its number. */
  before(lead: readonly Affine[], k: IndexVariable, inside: (factor: Expr, j: Affine) => void) {
    const { emitter } = this.l;
    const e = emitter.open("e", this.n, { to: intVariable(k.name) });
    const j = this.row(ofVariable({ ...e, extent: this.n }));
    inside(emitter.define("factor", this.entry(lead, this.row(ofVariable(k)), j)), j);
    emitter.close();
  }
}

/**
 * Substitution: row after row, each row of the solution used by those after it. Several columns at a time, so that their
 * sums stay in local variables and share the factors.
 */
export function emitSolve(l: Lowering, s: Stage, node: SolveNode): void {
  const x = new Substitution(l, s, node);
  const { machine, precision } = l.memory;
  const beside = constant(x.home.strides.at(-1)!) === 1 && constant(x.m) !== undefined;
  const lanes =
    machine.kind === "scalar" ? 1 : precision === "f32" ? machine.lanes : machine.lanes / 2;
  loops(l, node.shape.slice(0, -2), (lead) => {
    const k = l.emitter.open("row", x.n);
    if (lanes > 1 && beside && constant(x.m)! >= lanes) solveVectors(x, lead, k, lanes);
    else solveNumbers(x, lead, k);
    l.emitter.close();
  });
}

/** One row, a few columns at a time. */
function solveNumbers(x: Substitution, lead: readonly Affine[], k: IndexVariable): void {
  const { l, home, node } = x;
  const { emitter } = l;
  const i = x.row(ofVariable(k));
  l.groups(
    x.m,
    loopName(x.m, node.shape.length),
    (columns) => {
      const sums = columns.map((c) => emitter.define("rest", x.right(lead, i, c), true));
      x.before(lead, k, (factor, j) =>
        columns.forEach((c, lane) => {
          const solved = load(home.buffer, x.place(lead, j, c), "float");
          emitter.assign(sums[lane]!, sub(sums[lane]!, mul(factor, solved)));
        }),
      );
      const pivot = node.unit ? null : emitter.define("pivot", x.entry(lead, i, i));
      columns.forEach((c, lane) => {
        const value = pivot === null ? sums[lane]! : binary("div", sums[lane]!, pivot);
        l.store(home, [...lead, i, c], value, false);
      });
    },
    true,
  );
}

/** Registers of columns at a time: enough sums that none waits for the one before. */
const ABREAST = 4;

/** One row whose columns lie side by side: the right side is put in its place, then registers full of it are solved. */
function solveVectors(
  x: Substitution,
  lead: readonly Affine[],
  k: IndexVariable,
  lanes: number,
): void {
  const { l, home, node } = x;
  const { emitter } = l;
  const i = x.row(ofVariable(k));
  const width = constant(x.m)!;
  const name = loopName(x.m, node.shape.length);
  const right = ofVariable(emitter.open(name, x.m, { spread: "independent" }));
  l.store(home, [...lead, i, right], x.right(lead, i, right), false);
  emitter.close();
  const solve = (first: Affine, registers: number): void => {
    const columns = Array.from({ length: registers }, (_, c) => shifted(first, dim(c * lanes)));
    const at = (row: Affine, column: Affine) =>
      vectorLoad(home.buffer, x.place(lead, row, column), lanes);
    const sums = columns.map((c) => emitter.define("rest", at(i, c), true));
    x.before(lead, k, (factor, j) =>
      columns.forEach((c, lane) =>
        emitter.assign(sums[lane]!, sub(sums[lane]!, mul(splat(factor, lanes), at(j, c)))),
      ),
    );
    const pivot = node.unit ? null : emitter.define("pivot", x.entry(lead, i, i));
    columns.forEach((c, lane) => {
      const sum = sums[lane]!;
      const value = pivot === null ? sum : binary("div", sum, splat(pivot, lanes));
      const index = x.place(lead, i, c);
      emitter.emit({ op: "store", buffer: home.buffer, index, value, add: false });
    });
  };
  const block = ABREAST * lanes;
  const blocks = Math.floor(width / block);
  if (blocks > 0) {
    const v = emitter.open(name, x.m, {
      step: block,
      to: int(blocks * block),
      spread: "independent",
    });
    // The last register of a block is below the width too.
    solve(ofVariable({ ...v, extent: dim(width - block + 1) }), ABREAST);
    emitter.close();
  }
  const left = Math.floor((width - blocks * block) / lanes);
  if (left > 0) solve(fixed(blocks * block), left);
  const done = blocks * block + left * lanes;
  if (done === width) return;
  const rest = { from: int(done), spread: "independent" } as const;
  x.before(lead, k, (factor, j) => {
    const c = ofVariable(emitter.open(name, x.m, rest));
    const solved = load(home.buffer, x.place(lead, j, c), "float");
    l.store(home, [...lead, i, c], unary("neg", mul(factor, solved)), true);
    emitter.close();
  });
  if (node.unit) return;
  const pivot = emitter.define("pivot", x.entry(lead, i, i));
  const c = ofVariable(emitter.open(name, x.m, rest));
  const sum = load(home.buffer, x.place(lead, i, c), "float");
  l.store(home, [...lead, i, c], binary("div", sum, pivot), false);
  emitter.close();
}
