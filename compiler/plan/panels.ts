/**
 * The two sides of a product for a machine with vectors: where their labels are at a number along them, and how blocks of
 * them are copied into panels.
 */
import { constant, dim, multiply, type Dim } from "../dims.ts";
import type { ContractNode } from "../graph/ir.ts";
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { add, binary, int, intVariable, mul, vectorLoad } from "../loop/build.ts";
import type { Expr, Spread } from "../loop/ir.ts";
import {
  fixed,
  ofVariable,
  plus,
  shifted,
  stridesOf,
  times,
  type Affine,
  type IndexVariable,
} from "./affine.ts";
import type { Address } from "./evaluate.ts";
import { labelSizes } from "../graph/products.ts";
import { loopName, type Lowering } from "./lower.ts";
import type { Machine } from "./machine.ts";
import { transposed } from "./transposed.ts";
import { isStored, labelsAt, lengthOf, sidesOf, strideOf, type Side } from "./sides.ts";

/** Registers side by side in the block of sums, where there are so many columns. */
const ACROSS = 2;
/** Elements of an operand that the nearest cache holds, so that it does not matter in which order they are read. */
const AT_HAND = 8192;
/** Terms of a column that are copied before the next column: a cache line of 32-bit floats. */
const STRIP = 16;
/** A side of more columns than this is better taken by rows. */
const WIDEST = 4096;

/** The terms of one pass: all, or a range of the first summed label, whose ends are multiples of `steps` but for the last. */
export interface Terms {
  readonly count: Expr;
  readonly range: { readonly from: Expr; readonly to: Expr; readonly steps: number } | null;
}

export class Panels {
  readonly lowering: Lowering;
  readonly sizes: ReadonlyMap<number, Dim>;
  readonly summed: readonly number[];
  readonly batch: readonly number[];
  readonly rows: Side;
  readonly columns: Side;
  readonly lanes: number;
  /** Registers side by side in the block of sums, its rows, and its columns. */
  readonly across: number;
  readonly height: number;
  readonly width: number;
  /** Values of the labels that the open loops fix. */
  readonly fixed = new Map<number, Affine>();

  constructor(lowering: Lowering, node: ContractNode, machine: Machine & { kind: "vector" }) {
    this.lowering = lowering;
    this.sizes = labelSizes(lowering.plan.region.graph, node);
    const { a, b, summed, batch } = sidesOf(node, this.sizes);
    this.summed = summed;
    this.batch = batch;
    [this.rows, this.columns] = takesColumns(a, b, node, this.sizes) ? [b, a] : [a, b];
    this.lanes = lowering.memory.precision === "f32" ? machine.lanes : machine.lanes / 2;
    this.across = lengthOf(this.columns) <= this.lanes ? 1 : ACROSS;
    this.height = rowsOf(this.rows, machine.rows, this.across);
    this.width = this.across * this.lanes;
  }

  /** Loops over the terms; `inside` with the index of each summed label and the number of the term. */
  eachTerm(
    terms: Terms,
    inside: (at: ReadonlyMap<number, Affine>, number: Affine) => void,
    spread: Spread = "serial",
  ): void {
    this.#over(this.summed, terms, spread, inside);
  }

  /** Loops over the first of the summed labels; `inside` with the number of the first term of those that are left. */
  #over(
    labels: readonly number[],
    terms: Terms,
    spread: Spread,
    inside: (at: ReadonlyMap<number, Affine>, number: Affine) => void,
  ): void {
    const { emitter } = this.lowering;
    const at = new Map<number, Affine>();
    const strides = stridesOf(this.summed.map((l) => this.sizes.get(l)!));
    let number = fixed(0);
    labels.forEach((l, i) => {
      const extent = this.sizes.get(l)!;
      const bounds = i === 0 && terms.range !== null ? terms.range : {};
      const v = ofVariable(emitter.open(loopName(extent, i + 3), extent, { ...bounds, spread }));
      at.set(l, v);
      number = plus(number, times(v, strides[i]!));
    });
    inside(at, number);
    labels.forEach(() => emitter.close());
  }

  /** Place in a panel of `width` numbers a term, given the number of the term. */
  placeOf(terms: Terms, start: Expr, number: Affine, width: number): Expr {
    const { emitter } = this.lowering;
    const place = add(start, emitter.index(times(number, dim(width))));
    if (terms.range === null) return place;
    const stride = stridesOf(this.summed.map((l) => this.sizes.get(l)!))[0]!;
    const skipped = mul(terms.range.from, emitter.size(multiply(stride, dim(width))));
    return binary("sub", place, skipped);
  }

  /** Where an element of a side that is stored lies. */
  addressAt(side: Side, ...indices: readonly ReadonlyMap<number, Affine>[]): Address {
    const { evaluator, plan } = this.lowering;
    const at = evaluator.address(plan.region, side.operand, this.#indexOf(side, indices));
    if (at === null) throw new InternalError("a stored value without an address");
    return at;
  }
  valueAt(side: Side, ...indices: readonly ReadonlyMap<number, Affine>[]): Expr {
    const { evaluator, plan } = this.lowering;
    return evaluator.value(plan.region, side.operand, this.#indexOf(side, indices)).expr;
  }
  #indexOf(side: Side, indices: readonly ReadonlyMap<number, Affine>[]): Affine[] {
    const of = (l: number) =>
      this.fixed.get(l) ?? indices.map((m) => m.get(l)).find((a) => a !== undefined) ?? fixed(0);
    return side.operandLabels.map(of);
  }

  /** Copies columns next to each other, term by term; beyond the end of the side nothing is copied. */
  packColumns(block: Affine, panel: string, start: Expr, terms: Terms): void {
    const { emitter } = this.lowering;
    const [side, width] = [this.columns, this.width];
    const there = this.within(side, block, width);
    const begin = emitter.define("start", start);
    const copy = (at: ReadonlyMap<number, Affine>, j: Affine, place: Expr): void => {
      const value = this.valueAt(side, at, this.labelsAt(side, block, width, j));
      emitter.emit({ op: "store", buffer: panel, index: place, value, add: false });
    };
    const last = this.summed.at(-1)!;
    if (this.#turnsSquares(terms)) return this.#packSquares(block, panel, begin, terms);
    if (this.#beside(side) !== last || (this.summed.length === 1 && terms.range !== null)) {
      this.eachTerm(terms, (at, number) => {
        const place = emitter.define("at", this.placeOf(terms, begin, number, width));
        const j = emitter.open("j", dim(width), { to: there, spread: "independent" });
        copy(at, ofVariable(j), add(place, intVariable(j.name)));
        emitter.close();
      });
      return;
    }
    // Terms lie side by side in memory, columns far apart: some terms of all columns at a time, which fills cache lines.
    const extent = this.sizes.get(last)!;
    this.#over(this.summed.slice(0, -1), terms, "serial", (at, number) => {
      const from = emitter.open("strip", extent, { step: STRIP, spread: "independent" });
      const end = binary("min", emitter.size(extent), add(intVariable(from.name), int(STRIP)));
      const to = emitter.define("to", end);
      const j = emitter.open("j", dim(width), { to: there, spread: "independent" });
      const column = add(begin, intVariable(j.name));
      const first = emitter.define("at", this.placeOf(terms, column, number, width));
      const bounds = { from: intVariable(from.name), to, spread: "independent" } as const;
      const l = emitter.open(loopName(extent, 3 + at.size), extent, bounds);
      const inner = new Map(at).set(last, ofVariable(l));
      copy(inner, ofVariable(j), add(first, mul(intVariable(l.name), int(width))));
      emitter.close();
      emitter.close();
      emitter.close();
    });
  }

  /** Whether terms that lie side by side come and go by whole registers, and so do the columns. */
  #turnsSquares(terms: Terms): boolean {
    const { region } = this.lowering.plan;
    const { operand, operandLabels, count } = this.columns;
    const last = this.summed.at(-1)!;
    if (this.#beside(this.columns) !== last) return false;
    const [extent, columns] = [this.sizes.get(last)!, count].map(constant);
    if (extent === undefined || columns === undefined) return false;
    if (extent % this.lanes !== 0 || columns % this.width !== 0) return false;
    const cut = this.summed.length === 1 ? terms.range : null;
    if (cut !== null && cut.steps % this.lanes !== 0) return false;
    const stride = strideOf(region, operand, operandLabels.indexOf(last));
    return isStored(region, operand) && stride !== undefined && constant(stride) === 1;
  }

  /** The same, one square of as many terms as columns after the other, each turned over in registers. */
  #packSquares(block: Affine, panel: string, begin: Expr, terms: Terms): void {
    const { emitter } = this.lowering;
    const { lanes, width } = this;
    const last = this.summed.at(-1)!;
    const extent = this.sizes.get(last)!;
    const bytes = this.lowering.memory.precision === "f32" ? 4 : 8;
    this.#over(this.summed.slice(0, -1), terms, "serial", (at, number) => {
      const bounds = this.summed.length === 1 && terms.range !== null ? terms.range : {};
      const from = emitter.open("strip", extent, { ...bounds, step: lanes, spread: "independent" });
      const first = new Map(at).set(last, ofVariable(from));
      const place = this.placeOf(terms, begin, plus(number, ofVariable(from)), width);
      const to = emitter.define("at", place);
      for (let c = 0; c < width; c += lanes) {
        const rows = Array.from({ length: lanes }, (_, j) => {
          const column = this.labelsAt(this.columns, block, width, fixed(c + j));
          const { buffer, index } = this.addressAt(this.columns, first, column);
          return emitter.define("row", vectorLoad(buffer, index, lanes));
        });
        transposed(emitter, rows, bytes).forEach((value, i) => {
          const index = add(to, int(i * width + c));
          emitter.emit({ op: "store", buffer: panel, index, value, add: false });
        });
      }
      emitter.close();
    });
  }

  /**
   * Copies blocks of rows, over which `openBlock` opens a loop and says which one it is: one row after the other, or where
   * they lie side by side, term by term, so that what lies in one cache line is read at one time.
   */
  packRows(
    openBlock: () => { q: IndexVariable; block: Affine },
    panel: string,
    terms: Terms,
  ): void {
    const { emitter } = this.lowering;
    const height = this.height;
    if (this.rowsBeside) {
      return this.eachTerm(terms, (at, number) => {
        const { q, block } = openBlock();
        const place = emitter.define("at", this.placeOf(terms, this.copiedFrom(q, terms), number, height)); // prettier-ignore
        const copy = (end: Expr): void => {
          const j = emitter.open("j", dim(height), { to: end, spread: "independent" });
          const labels = this.labelsAt(this.rows, block, height, ofVariable(j));
          const value = this.valueAt(this.rows, at, labels);
          const index = add(place, intVariable(j.name));
          emitter.emit({ op: "store", buffer: panel, index, value, add: false });
          emitter.close();
        };
        const to = this.within(this.rows, block, height);
        // So few rows are copied best when it is a number how many.
        if (to.op === "number") copy(to);
        else {
          const all = int(height);
          emitter.when(
            binary("eq", to, all),
            () => copy(all),
            () => copy(to),
          );
        }
        emitter.close();
      });
    }
    const { q, block } = openBlock();
    const first = this.copiedFrom(q, terms);
    const to = this.within(this.rows, block, height);
    const j = emitter.open("j", dim(height), { to, spread: "independent" });
    const labels = this.labelsAt(this.rows, block, height, ofVariable(j));
    const start = emitter.define("start", add(first, mul(intVariable(j.name), terms.count)));
    this.eachTerm(
      terms,
      (at, number) => {
        const value = this.valueAt(this.rows, at, labels);
        const index = this.placeOf(terms, start, number, 1);
        emitter.emit({ op: "store", buffer: panel, index, value, add: false });
      },
      "independent",
    );
    emitter.close();
    emitter.close();
  }

  /** Where the number of a copied row lies. */
  copied(terms: Terms, row: number, start: Expr, number: Affine): Expr {
    return this.rowsBeside
      ? add(this.placeOf(terms, start, number, this.height), int(row))
      : this.placeOf(terms, start, number, 1);
  }

  /** How many of a block's rows or columns there are. */
  within(side: Side, block: Affine, width: number): Expr {
    const { emitter } = this.lowering;
    const known = constant(side.count);
    if (known !== undefined && known % width === 0) return int(width);
    const before = emitter.index(times(block, dim(width)));
    const left = binary("sub", emitter.size(side.count), before);
    return emitter.define("there", binary("min", left, int(width)));
  }

  /** Indices of a side's labels at number `block · width + offset` along it. */
  labelsAt(side: Side, block: Affine, width: number, offset: Affine): Map<number, Affine> {
    return labelsAt(this.lowering.emitter, this.sizes, side, block, width, offset);
  }

  /** The labels of row number `i` of a block; beyond the end those of the last row, whose sums are not stored. */
  rowAt(r: Affine, i: number): Map<number, Affine> {
    const { emitter } = this.lowering;
    const { count } = this.rows;
    const at = shifted(times(r, dim(this.height)), dim(i));
    const known = constant(count);
    if (known !== undefined && known % this.height === 0) {
      return this.labelsAt(this.rows, r, this.height, fixed(i));
    }
    const last = emitter.size(shifted(fixed(count), dim(-1)).constant);
    const row = emitter.define("row", binary("min", emitter.index(at), last));
    const variable = ofVariable(emitter.indexVariable(row, count, emitter.depth));
    return this.labelsAt(this.rows, variable, 1, fixed(0));
  }

  /** The label along which neighbours of a side lie next to each other in memory, or are computed one after the other. */
  #beside(side: Side): number | undefined {
    const { region } = this.lowering.plan;
    const isNext = (_: number, axis: number): boolean => {
      const stride = strideOf(region, side.operand, axis);
      return stride !== undefined && constant(stride) === 1;
    };
    const found = isStored(region, side.operand)
      ? side.operandLabels.find((l, axis) => constant(this.sizes.get(l)!) !== 1 && isNext(l, axis))
      : undefined;
    return found ?? side.last;
  }

  /** Whether rows lie side by side, far apart from term to term: then every term's would come from a cache line of its own. */
  get rowsBeside(): boolean {
    return !this.summed.includes(this.#beside(this.rows)!);
  }

  /** Whether rows are read where they are. */
  readsRows(): boolean {
    if (!isStored(this.lowering.plan.region, this.rows.operand)) return false;
    return !this.rowsBeside || this.#atHand(this.rows);
  }

  /** Whether vectors of columns are read where they are: where blocks of columns lie side by side, in a cache anyway. */
  readsColumns(): boolean {
    const { region } = this.lowering.plan;
    const { operand, operandLabels, labels } = this.columns;
    if (!isStored(region, operand) || !this.#atHand(this.columns)) return false;
    const strideAlong = (label: number): number => {
      const stride = strideOf(region, operand, operandLabels.indexOf(label));
      return (stride === undefined ? undefined : constant(stride)) ?? 0;
    };
    const last = labels.at(-1)!;
    if (constant(this.sizes.get(last)!)! % this.width !== 0 || strideAlong(last) !== 1)
      return false;
    return this.summed.every((label) => strideAlong(label) !== 0);
  }

  #atHand(side: Side): boolean {
    const all = side.operandLabels.map((l) => constant(this.sizes.get(l)!) ?? Infinity);
    return all.reduce((n, d) => n * d, 1) <= AT_HAND;
  }

  /** Where the copied rows of a block begin, of those of a strip. */
  copiedFrom(q: IndexVariable, terms: Terms): Expr {
    return mul(mul(intVariable(q.name), terms.count), int(this.height));
  }
}

/** Rows of the block of sums: as many as registers allow, and of those the number that leaves the fewest rows over. */
function rowsOf(side: Side, usual: number, across: number): number {
  if (across === ACROSS) return usual;
  const count = constant(side.count);
  const heights = Array.from({ length: usual + 1 }, (_, i) => 2 * usual - i);
  if (count === undefined) return heights[0]!;
  const computed = (height: number) => Math.ceil(count / height) * height;
  return heights.reduce((best, h) => (computed(h) < computed(best) ? h : best));
}

/** Whether the first side should be the columns: where the result lies side by side, unless it is very long. */
function takesColumns(
  a: Side,
  b: Side,
  node: ContractNode,
  sizes: ReadonlyMap<number, Dim>,
): boolean {
  const last = node.outLabels.findLast((l) => constant(sizes.get(l)!) !== 1)!;
  const [inner, other] = a.labels.includes(last) ? [a, b] : [b, a];
  const held =
    inner.labels.includes(last) &&
    (lengthOf(inner) <= WIDEST || lengthOf(inner) <= lengthOf(other));
  return (held ? inner : other) === a;
}
