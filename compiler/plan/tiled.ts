/**
 * Products of matrices for machines with vectors. The columns are copied into panels two registers wide; the inner loop
 * keeps a block of sums in registers and multiplies each vector of a panel by one number of a row. Rows are read where they
 * lie: of each only one number is wanted at a time.
 */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { apply, constant, dim, equal, multiply, product, type Dim } from "../dims.ts";
import { valueName } from "../graph/names.ts";
import type { ContractNode, NodeId } from "../graph/ir.ts";
import {
  add,
  binary,
  float,
  int,
  intVariable,
  load,
  mul,
  splat,
  sub,
  vectorLoad,
} from "../loop/build.ts";
import type { Expr, Spread } from "../loop/ir.ts";
import {
  divide,
  fixed,
  linear,
  ofVariable,
  plus,
  sameAffine,
  shifted,
  stridesOf,
  times,
  type Affine,
  type IndexVariable,
} from "./affine.ts";
import { labelSizes } from "./choose.ts";
import { Evaluator } from "./evaluate.ts";
import { loopName, type Lowering } from "./lower.ts";
import type { Machine } from "./machine.ts";
import type { BufferLocation } from "./place.ts";
import type { Region } from "./region.ts";
import { lengthOf, sidesOf, type Side } from "./sides.ts";
import type { Stage } from "./stages.ts";

/** Registers side by side in the block of sums. */
const ACROSS = 2;
/** Terms of a sum that are added in one pass over the result: panels of so many rows stay in the cache. */
const PASS = 256;
/** Blocks of rows that a panel of columns is used for while it is in the nearest cache. */
const STRIP_BLOCKS = 8;
/** Terms of a column that are copied before the next column: a cache line of 32-bit floats. */
const STRIP = 16;
/** A side of more columns than this is better taken by rows. */
const WIDEST = 4096;

/** The terms of one pass: all, or a range of the first summed label. */
interface Terms {
  readonly count: Expr;
  readonly range: { readonly from: Expr; readonly to: Expr } | null;
}

export function emitTiled(
  lowering: Lowering,
  s: Stage,
  node: ContractNode,
  machine: Machine & { kind: "vector" },
): void {
  new TiledLowering(lowering, s, node, machine).emit();
}

/** Whether a value can be read from memory as it is. */
function isStored(region: Region, id: NodeId): boolean {
  const at = region.locations.get(id);
  if (at !== undefined) {
    return at.kind === "buffer" || (at.kind === "outer" && isStored(at.region, at.node));
  }
  const node = region.node(id);
  switch (node.op) {
    case "broadcast":
    case "transpose":
    case "reshape":
    case "slice":
    case "reverse":
    case "stop":
      return isStored(region, node.x);
    default:
      return false;
  }
}

class TiledLowering {
  readonly #lowering: Lowering;
  readonly #stage: Stage;
  readonly #node: ContractNode;
  readonly #sizes: ReadonlyMap<number, Dim>;
  readonly #summed: readonly number[];
  readonly #batch: readonly number[];
  readonly #rows: Side;
  readonly #columns: Side;
  readonly #lanes: number;
  /** Of the block of sums. */
  readonly #height: number;
  readonly #width: number;
  /** Values of the labels that the open loops fix. */
  readonly #fixed = new Map<number, Affine>();

  constructor(
    lowering: Lowering,
    s: Stage,
    node: ContractNode,
    machine: Machine & { kind: "vector" },
  ) {
    this.#lowering = lowering;
    this.#stage = s;
    this.#node = node;
    this.#sizes = labelSizes(lowering.plan.region.graph, node);
    const { a, b, summed, batch } = sidesOf(node, this.#sizes);
    this.#summed = summed;
    this.#batch = batch;
    [this.#rows, this.#columns] = takesColumns(a, b, node) ? [b, a] : [a, b];
    this.#lanes = lowering.memory.precision === "f32" ? machine.lanes : machine.lanes / 2;
    this.#height = machine.rows;
    this.#width = ACROSS * this.#lanes;
  }

  emit(): void {
    const { emitter, memory, plan } = this.#lowering;
    const inner = product(this.#summed.slice(1).map((l) => this.#sizes.get(l)!));
    const total = product(this.#summed.map((l) => this.#sizes.get(l)!));
    // What finishes a sum must see all of it.
    const whole = this.#stage.node !== this.#node.id || (constant(total) ?? Infinity) <= 2 * PASS;
    const perPass = whole ? total : apply("min", total, apply("max", dim(PASS), inner));
    const label = valueName(plan.region.node(this.#stage.node));
    const scratch = (what: string, length: Dim) =>
      memory.scratch(`${label}_${what}`, memory.precision, length, true);
    const panels = multiply(apply("ceildiv", this.#columns.count, dim(this.#width)), perPass);
    const columns = scratch("columns", multiply(dim(this.#width), panels));
    const rows = this.#readsRows()
      ? null
      : scratch("rows", multiply(dim(STRIP_BLOCKS * this.#height), perPass));
    const block = scratch("block", dim(this.#height * this.#width));
    const target = this.#target();
    if (!whole && !(this.#stage.target?.add ?? false)) this.#clear(target);
    for (const [i, l] of this.#batch.entries()) {
      const extent = this.#sizes.get(l)!;
      const v = emitter.open(loopName(extent, i), extent, { spread: "independent" });
      this.#fixed.set(l, ofVariable(v));
    }
    if (whole) {
      const terms: Terms = { count: emitter.size(total), range: null };
      this.#pass(terms, columns, rows, block, target, false);
    } else this.#passes(inner, (terms) => this.#pass(terms, columns, rows, block, target, true));
    for (let i = 0; i < this.#batch.length; i++) emitter.close();
  }

  /** Whether rows lie side by side, far apart from term to term: then every term's would come from a cache line of its own. */
  get #rowsBeside(): boolean {
    return !this.#summed.includes(this.#rows.operandLabels.at(-1)!);
  }
  /** Whether rows are read where they are. */
  #readsRows(): boolean {
    return !this.#rowsBeside && isStored(this.#lowering.plan.region, this.#rows.operand);
  }

  #target(): BufferLocation {
    const { region } = this.#lowering.plan;
    const at = this.#stage.target?.location ?? region.locations.get(this.#stage.node);
    if (at?.kind !== "buffer") throw new InternalError("a product without a place");
    return at;
  }

  #clear(target: BufferLocation): void {
    const { emitter, plan } = this.#lowering;
    const { shape } = plan.region.node(this.#stage.node);
    const index = shape.map((d, i) =>
      ofVariable(emitter.open(loopName(d, i), d, { spread: "independent" })),
    );
    this.#lowering.store(target, index, float(0), false);
    for (let i = 0; i < shape.length; i++) emitter.close();
  }

  /** The sum in pieces of about PASS terms: whole steps of its first label. */
  #passes(inner: Dim, inside: (terms: Terms) => void): void {
    const { emitter } = this.#lowering;
    const first = this.#sizes.get(this.#summed[0]!)!;
    const known = constant(inner);
    const steps =
      known === undefined
        ? binary("max", int(1), binary("div", int(PASS), emitter.size(inner)))
        : int(Math.max(1, Math.floor(PASS / known)));
    const step = emitter.define("steps", steps);
    const all = emitter.size(first);
    const count = binary("div", binary("sub", add(all, step), int(1)), step);
    const pass = emitter.open("pass", first, { to: emitter.define("passes", count) });
    const from = emitter.define("from", mul(intVariable(pass.name), step));
    const to = emitter.define("to", binary("min", all, add(from, step)));
    const terms = mul(binary("sub", to, from), emitter.size(inner));
    inside({ count: emitter.define("terms", terms), range: { from, to } });
    emitter.close();
  }

  #pass(
    terms: Terms,
    columns: string,
    rows: string | null,
    block: string,
    target: BufferLocation,
    adding: boolean,
  ): void {
    const { emitter } = this.#lowering;
    const panels = apply("ceildiv", this.#columns.count, dim(this.#width));
    const startOf = (panel: string): Expr =>
      mul(mul(intVariable(panel), terms.count), int(this.#width));
    const p = emitter.open("p", panels, { spread: "independent" });
    this.#packColumns(ofVariable(p), columns, startOf(p.name), terms);
    emitter.close();

    this.#strips((strip, count) => {
      const openBlock = () => emitter.open("q", dim(STRIP_BLOCKS), { to: count });
      const blockOf = (q: IndexVariable) => plus(times(strip, dim(STRIP_BLOCKS)), ofVariable(q));
      if (rows !== null) {
        const q = openBlock();
        this.#packRows(blockOf(q), rows, this.#copiedFrom(q, terms), terms);
        emitter.close();
      }
      const c = emitter.open("c", panels);
      const start = emitter.define("start", startOf(c.name));
      const q = openBlock();
      const r = blockOf(q);
      const places = Array.from({ length: this.#height }, (_, i) => this.#rowAt(r, i));
      const sums = places.map((_, i) =>
        Array.from({ length: ACROSS }, (_, j) =>
          emitter.define(`s${i}${j}`, splat(float(0), this.#lanes), true),
        ),
      );
      const copied = rows === null ? null : { rows, start: this.#copiedFrom(q, terms) };
      this.#terms(terms, start, columns, copied, places, sums);
      this.#store(r, ofVariable(c), places, sums, block, target, adding);
      emitter.close();
      emitter.close();
    });
  }

  /** Where the copied rows of a block begin, of those of a strip. */
  #copiedFrom(q: IndexVariable, terms: Terms): Expr {
    return mul(mul(intVariable(q.name), terms.count), int(this.#height));
  }

  /** Loops over strips of blocks of rows; `inside` with the number of the strip and of its blocks. */
  #strips(inside: (strip: Affine, count: Expr) => void): void {
    const { emitter } = this.#lowering;
    const heights = apply("ceildiv", this.#rows.count, dim(this.#height));
    const known = constant(heights);
    if (known !== undefined && known <= STRIP_BLOCKS) return inside(fixed(0), int(known));
    const strips = apply("ceildiv", heights, dim(STRIP_BLOCKS));
    const strip = emitter.open("r", strips, { spread: "independent" });
    const left = sub(emitter.size(heights), mul(intVariable(strip.name), int(STRIP_BLOCKS)));
    const all = known !== undefined && known % STRIP_BLOCKS === 0;
    const count = all
      ? int(STRIP_BLOCKS)
      : emitter.define("count", binary("min", left, int(STRIP_BLOCKS)));
    inside(ofVariable(strip), count);
    emitter.close();
  }

  /** Loops over the terms; `inside` with the index of each summed label and the number of the term. */
  #eachTerm(
    terms: Terms,
    inside: (at: ReadonlyMap<number, Affine>, number: Affine) => void,
    spread: Spread = "serial",
  ): void {
    this.#over(this.#summed, terms, spread, inside);
  }
  /** Loops over the first of the summed labels; `inside` with the number of the first term of those that are left. */
  #over(
    labels: readonly number[],
    terms: Terms,
    spread: Spread,
    inside: (at: ReadonlyMap<number, Affine>, number: Affine) => void,
  ): void {
    const { emitter } = this.#lowering;
    const at = new Map<number, Affine>();
    const strides = stridesOf(this.#summed.map((l) => this.#sizes.get(l)!));
    let number = fixed(0);
    labels.forEach((l, i) => {
      const extent = this.#sizes.get(l)!;
      const bounds = i === 0 && terms.range !== null ? terms.range : {};
      const v = ofVariable(emitter.open(loopName(extent, i + 3), extent, { ...bounds, spread }));
      at.set(l, v);
      number = plus(number, times(v, strides[i]!));
    });
    inside(at, number);
    labels.forEach(() => emitter.close());
  }

  /** Place in a panel of `width` numbers a term, given the number of the term. */
  #placeOf(terms: Terms, start: Expr, number: Affine, width: number): Expr {
    const { emitter } = this.#lowering;
    const place = add(start, emitter.index(times(number, dim(width))));
    if (terms.range === null) return place;
    const stride = stridesOf(this.#summed.map((l) => this.#sizes.get(l)!))[0]!;
    const skipped = mul(terms.range.from, emitter.size(multiply(stride, dim(width))));
    return binary("sub", place, skipped);
  }

  #valueAt(side: Side, ...indices: readonly ReadonlyMap<number, Affine>[]): Expr {
    const { evaluator, plan } = this.#lowering;
    const of = (l: number) =>
      this.#fixed.get(l) ?? indices.map((m) => m.get(l)).find((a) => a !== undefined) ?? fixed(0);
    return evaluator.value(plan.region, side.operand, side.operandLabels.map(of)).expr;
  }

  /** Copies columns next to each other, term by term; beyond the end of the side nothing is copied. */
  #packColumns(block: Affine, panel: string, start: Expr, terms: Terms): void {
    const { emitter } = this.#lowering;
    const [side, width] = [this.#columns, this.#width];
    const there = this.#within(side, block, width);
    const begin = emitter.define("start", start);
    const copy = (at: ReadonlyMap<number, Affine>, j: Affine, place: Expr): void => {
      const value = this.#valueAt(side, at, this.#labelsAt(side, block, width, j));
      emitter.emit({ op: "store", buffer: panel, index: place, value, add: false });
    };
    const last = this.#summed.at(-1)!;
    if (side.operandLabels.at(-1) !== last || (this.#summed.length === 1 && terms.range !== null)) {
      this.#eachTerm(terms, (at, number) => {
        const place = emitter.define("at", this.#placeOf(terms, begin, number, width));
        const j = emitter.open("j", dim(width), { to: there, spread: "independent" });
        copy(at, ofVariable(j), add(place, intVariable(j.name)));
        emitter.close();
      });
      return;
    }
    // Terms lie side by side in memory, columns far apart: some terms of all columns at a time, which fills cache lines.
    const extent = this.#sizes.get(last)!;
    this.#over(this.#summed.slice(0, -1), terms, "serial", (at, number) => {
      const from = emitter.open("strip", extent, { step: STRIP, spread: "independent" });
      const end = binary("min", emitter.size(extent), add(intVariable(from.name), int(STRIP)));
      const to = emitter.define("to", end);
      const j = emitter.open("j", dim(width), { to: there, spread: "independent" });
      const column = add(begin, intVariable(j.name));
      const first = emitter.define("at", this.#placeOf(terms, column, number, width));
      const bounds = { from: intVariable(from.name), to, spread: "independent" } as const;
      const l = emitter.open(loopName(extent, 3 + at.size), extent, bounds);
      const inner = new Map(at).set(last, ofVariable(l));
      copy(inner, ofVariable(j), add(first, mul(intVariable(l.name), int(width))));
      emitter.close();
      emitter.close();
      emitter.close();
    });
  }

  /** Copies a block of rows: one after the other, or where they lie side by side, term by term. */
  #packRows(block: Affine, panel: string, first: Expr, terms: Terms): void {
    const { emitter } = this.#lowering;
    const height = this.#height;
    const to = this.#within(this.#rows, block, height);
    const openRow = () => emitter.open("j", dim(height), { to, spread: "independent" });
    const copy = (at: ReadonlyMap<number, Affine>, j: Affine, index: Expr): void => {
      const value = this.#valueAt(this.#rows, at, this.#labelsAt(this.#rows, block, height, j));
      emitter.emit({ op: "store", buffer: panel, index, value, add: false });
    };
    if (this.#rowsBeside) {
      this.#eachTerm(terms, (at, number) => {
        const place = emitter.define("at", this.#placeOf(terms, first, number, height));
        const j = openRow();
        copy(at, ofVariable(j), add(place, intVariable(j.name)));
        emitter.close();
      });
      return;
    }
    const j = openRow();
    const labels = this.#labelsAt(this.#rows, block, height, ofVariable(j));
    const start = emitter.define("start", add(first, mul(intVariable(j.name), terms.count)));
    this.#eachTerm(
      terms,
      (at, number) => {
        const value = this.#valueAt(this.#rows, at, labels);
        const index = this.#placeOf(terms, start, number, 1);
        emitter.emit({ op: "store", buffer: panel, index, value, add: false });
      },
      "independent",
    );
    emitter.close();
  }

  /** Where the number of a copied row lies. */
  #copied(terms: Terms, row: number, start: Expr, number: Affine): Expr {
    return this.#rowsBeside
      ? add(this.#placeOf(terms, start, number, this.#height), int(row))
      : this.#placeOf(terms, start, number, 1);
  }

  /** How many of a block's rows or columns there are. */
  #within(side: Side, block: Affine, width: number): Expr {
    const { emitter } = this.#lowering;
    const known = constant(side.count);
    if (known !== undefined && known % width === 0) return int(width);
    const before = emitter.index(times(block, dim(width)));
    const left = binary("sub", emitter.size(side.count), before);
    return emitter.define("there", binary("min", left, int(width)));
  }

  /** Indices of a side's labels at number `block · width + offset` along it. */
  #labelsAt(side: Side, block: Affine, width: number, offset: Affine): Map<number, Affine> {
    const { emitter } = this.#lowering;
    const extents = side.labels.map((l) => this.#sizes.get(l)!);
    const strides = stridesOf(extents);
    const found = new Map<number, Affine>();
    let start = times(block, dim(width));
    let within = offset;
    side.labels.forEach((l, i) => {
      if (i === side.labels.length - 1) {
        found.set(l, plus(start, within));
        return;
      }
      const [stride, extent] = [strides[i]!, extents[i]!];
      const n = constant(stride);
      const sum = plus(start, within);
      const parts = divide(sum, stride);
      if (parts === undefined && n !== undefined && n % width === 0) {
        // A block lies within one step of this label: it is enough to divide where the block begins.
        const first = divide(start, stride) ?? emitter.divmod(start, stride, extent);
        found.set(l, first.quotient);
        start = first.remainder;
        return;
      }
      const { quotient, remainder } = parts ?? emitter.divmod(sum, stride, extent);
      found.set(l, quotient);
      start = remainder;
      within = fixed(0);
    });
    return found;
  }

  /** The labels of row number `i` of a block; beyond the end those of the last row, whose sums are not stored. */
  #rowAt(r: Affine, i: number): Map<number, Affine> {
    const { emitter } = this.#lowering;
    const { count } = this.#rows;
    const at = shifted(times(r, dim(this.#height)), dim(i));
    const known = constant(count);
    if (known !== undefined && known % this.#height === 0) {
      return this.#labelsAt(this.#rows, r, this.#height, fixed(i));
    }
    const last = emitter.size(shifted(fixed(count), dim(-1)).constant);
    const row = emitter.define("row", binary("min", emitter.index(at), last));
    const variable = ofVariable(emitter.indexVariable(row, count, emitter.depth));
    return this.#labelsAt(this.#rows, variable, 1, fixed(0));
  }

  #terms(
    terms: Terms,
    start: Expr,
    columns: string,
    copied: { readonly rows: string; readonly start: Expr } | null,
    places: readonly ReadonlyMap<number, Affine>[],
    sums: readonly (readonly Expr[])[],
  ): void {
    const { emitter, evaluator, plan } = this.#lowering;
    const { operand, operandLabels } = this.#rows;
    // Rows beyond the end were not copied: what is read there goes into sums that nobody stores.
    const starts = places.map((_, i) =>
      copied === null
        ? int(0)
        : this.#rowsBeside
          ? copied.start
          : emitter.define("row", add(copied.start, mul(terms.count, int(i)))),
    );
    this.#eachTerm(terms, (at, number) => {
      const place = emitter.define("at", this.#placeOf(terms, start, number, this.#width));
      const ys = sums[0]!.map((_, j) =>
        emitter.define(`y${j}`, vectorLoad(columns, add(place, int(j * this.#lanes)), this.#lanes)),
      );
      places.forEach((labels, i) => {
        const of = (l: number) => this.#fixed.get(l) ?? at.get(l) ?? labels.get(l) ?? fixed(0);
        const x =
          copied === null
            ? evaluator.value(plan.region, operand, operandLabels.map(of)).expr
            : load(copied.rows, this.#copied(terms, i, starts[i]!, number), "float");
        const all = splat(emitter.define(`x${i}`, x), this.#lanes);
        ys.forEach((y, j) => {
          const sum = sums[i]![j]!;
          emitter.assign(sum, add(sum, mul(all, y)));
        });
      });
    });
  }

  /** Stores a block of sums, or what an elementwise expression makes of each. */
  #store(
    r: Affine,
    c: Affine,
    places: readonly ReadonlyMap<number, Affine>[],
    sums: readonly (readonly Expr[])[],
    block: string,
    target: BufferLocation,
    adding: boolean,
  ): void {
    const { emitter, plan } = this.#lowering;
    const direct = this.#storesDirectly(target, adding);
    if (direct !== null) {
      this.#eachRow(r, places, (labels, i) => {
        const columns = this.#labelsAt(this.#columns, c, this.#width, fixed(0));
        const of = (l: number) => this.#fixed.get(l) ?? labels.get(l) ?? columns.get(l)!;
        const place = linear(this.#node.outLabels.map(of), target.strides);
        const index = emitter.define("to", emitter.index(plus(target.offset, place)));
        sums[i]!.forEach((value, j) => {
          const at = add(index, int(j * this.#lanes));
          emitter.emit({ op: "store", buffer: target.buffer, index: at, value, add: direct.add });
        });
      });
      return;
    }
    sums.forEach((row, i) =>
      row.forEach((sum, j) => {
        const index = int(i * this.#width + j * this.#lanes);
        emitter.emit({ op: "store", buffer: block, index, value: sum, add: false });
      }),
    );
    const there = this.#within(this.#columns, c, this.#width);
    this.#eachRow(r, places, (labels, i) => {
      const j = emitter.open("j", dim(this.#width), { to: there, spread: "independent" });
      const columns = this.#labelsAt(this.#columns, c, this.#width, ofVariable(j));
      const of = (l: number) => this.#fixed.get(l) ?? labels.get(l) ?? columns.get(l)!;
      const index = this.#node.outLabels.map(of);
      const sum = load(block, add(int(i * this.#width), intVariable(j.name)), "float");
      const finished = new Evaluator(emitter, {
        leaf: (region, x) =>
          region === plan.region && x.id === this.#node.id
            ? { expr: sum, depth: emitter.depth }
            : undefined,
      });
      const value =
        this.#stage.node === this.#node.id
          ? sum
          : finished.compute(plan.region, plan.region.node(this.#stage.node), index).expr;
      this.#lowering.store(target, index, value, adding || (this.#stage.target?.add ?? false));
      emitter.close();
    });
  }

  /** The rows of a block that there are. */
  #eachRow(
    r: Affine,
    places: readonly ReadonlyMap<number, Affine>[],
    inside: (labels: ReadonlyMap<number, Affine>, i: number) => void,
  ): void {
    const { emitter } = this.#lowering;
    const known = constant(this.#rows.count);
    const full = known !== undefined && known % this.#height === 0;
    places.forEach((labels, i) => {
      if (full || i === 0) return inside(labels, i);
      const position = emitter.index(shifted(times(r, dim(this.#height)), dim(i)));
      emitter.when(binary("lt", position, emitter.size(this.#rows.count)), () => inside(labels, i));
    });
  }

  /**
   * Whether blocks go from the registers to where they belong: when whole rows of them lie side by side there and nothing
   * has to be done with the sums but add them to what is there.
   */
  #storesDirectly(target: BufferLocation, adding: boolean): { readonly add: boolean } | null {
    const { labels } = this.#columns;
    const last = labels.at(-1);
    const axis = this.#node.outLabels.findIndex((l) => l === last);
    const width = last === undefined ? undefined : constant(this.#sizes.get(last)!);
    if (width === undefined || width % this.#width !== 0) return null;
    if (axis < 0 || constant(target.strides[axis]!) !== 1) return null;
    const added = this.#stage.target?.add ?? false;
    if (this.#stage.node === this.#node.id) return { add: adding || added };
    return !added && this.#addsInPlace(target) ? { add: true } : null;
  }

  /** Whether the sums are only added to a value that lies where the result goes. */
  #addsInPlace(target: BufferLocation): boolean {
    const { region } = this.#lowering.plan;
    const node = region.node(this.#stage.node);
    if (node.op !== "binary" || node.fn !== "add") return false;
    const other = node.a === this.#node.id ? node.b : node.b === this.#node.id ? node.a : null;
    if (other === null || other === this.#node.id) return false;
    const at = region.locations.get(other);
    return (
      at?.kind === "buffer" &&
      at.buffer === target.buffer &&
      sameAffine(at.offset, target.offset) &&
      at.strides.length === target.strides.length &&
      at.strides.every((d, i) => equal(d, target.strides[i]!))
    );
  }
}

/** Whether the first side should be the columns: where the result lies side by side, unless it is very long. */
function takesColumns(a: Side, b: Side, node: ContractNode): boolean {
  const last = node.outLabels.at(-1)!;
  const [inner, other] = a.labels.includes(last) ? [a, b] : [b, a];
  const held =
    inner.labels.includes(last) &&
    (lengthOf(inner) <= WIDEST || lengthOf(inner) <= lengthOf(other));
  return (held ? inner : other) === a;
}
