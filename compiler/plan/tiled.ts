/**
 * Products of matrices for machines with vectors. The columns are copied into panels two registers wide; the inner loop
 * keeps a block of sums in registers and multiplies each vector of a panel by one number of a row. Rows are read where they
 * lie: of each only one number is wanted at a time.
 */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import { apply, constant, dim, equal, multiply, product, type Dim } from "../dims.ts";
import { valueName } from "../graph/names.ts";
import type { ContractNode } from "../graph/ir.ts";
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
import type { Expr } from "../loop/ir.ts";
import {
  fixed,
  linear,
  ofVariable,
  plus,
  sameAffine,
  shifted,
  times,
  type Affine,
  type IndexVariable,
} from "./affine.ts";
import type { Address } from "./evaluate.ts";
import { finished, loopName, type Lowering } from "./lower.ts";
import type { Machine } from "./machine.ts";
import { Panels, type Terms } from "./panels.ts";
import type { BufferLocation } from "./place.ts";
import type { Stage } from "./stages.ts";

/** Terms of a sum that are added in one pass over the result: panels of so many rows stay in the cache. */
const PASS = 256;
/** Blocks of rows, at most, that a panel of columns is used for while it is in the nearest cache. */
const STRIP_BLOCKS = 8;
/** The number of strips is a multiple of this, so that so many threads (or two) get equal shares. */
const SHARES = 4;
export function emitTiled(
  lowering: Lowering,
  s: Stage,
  node: ContractNode,
  machine: Machine & { kind: "vector" },
): void {
  new TiledLowering(lowering, s, node, machine).emit();
}

class TiledLowering {
  readonly #lowering: Lowering;
  readonly #stage: Stage;
  readonly #node: ContractNode;
  readonly #panels: Panels;

  constructor(
    lowering: Lowering,
    s: Stage,
    node: ContractNode,
    machine: Machine & { kind: "vector" },
  ) {
    this.#lowering = lowering;
    this.#stage = s;
    this.#node = node;
    this.#panels = new Panels(lowering, node, machine);
  }

  emit(): void {
    const { emitter, memory, plan } = this.#lowering;
    const inner = product(this.#panels.summed.slice(1).map((l) => this.#panels.sizes.get(l)!));
    const total = product(this.#panels.summed.map((l) => this.#panels.sizes.get(l)!));
    // What finishes a sum must see all of it.
    const whole = this.#stage.node !== this.#node.id || (constant(total) ?? Infinity) <= 2 * PASS;
    const perPass = whole ? total : apply("min", total, apply("max", dim(PASS), inner));
    const label = valueName(plan.region.node(this.#stage.node));
    const scratch = (what: string, length: Dim) =>
      memory.scratch(`${label}_${what}`, memory.precision, length, true);
    const panels = multiply(
      apply("ceildiv", this.#panels.columns.count, dim(this.#panels.width)),
      perPass,
    );
    const columns = this.#panels.readsColumns()
      ? null
      : scratch("columns", multiply(dim(this.#panels.width), panels));
    const rows = this.#panels.readsRows()
      ? null
      : scratch("rows", multiply(dim(STRIP_BLOCKS * this.#panels.height), perPass));
    const block = scratch("block", dim(this.#panels.height * this.#panels.width));
    const target = this.#target();
    if (!whole && !(this.#stage.target?.add ?? false)) this.#clear(target);
    for (const [i, l] of this.#panels.batch.entries()) {
      const extent = this.#panels.sizes.get(l)!;
      const v = emitter.open(loopName(extent, i), extent, { spread: "independent" });
      this.#panels.fixed.set(l, ofVariable(v));
    }
    if (whole) {
      const terms: Terms = { count: emitter.size(total), range: null };
      this.#pass(terms, columns, rows, block, target, false);
    } else this.#passes(inner, (terms) => this.#pass(terms, columns, rows, block, target, true));
    for (let i = 0; i < this.#panels.batch.length; i++) emitter.close();
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
    const first = this.#panels.sizes.get(this.#panels.summed[0]!)!;
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
    const multiple = known === undefined ? 1 : Math.max(1, Math.floor(PASS / known));
    inside({ count: emitter.define("terms", terms), range: { from, to, steps: multiple } });
    emitter.close();
  }

  #pass(
    terms: Terms,
    columns: string | null,
    rows: string | null,
    block: string,
    target: BufferLocation,
    adding: boolean,
  ): void {
    const { emitter } = this.#lowering;
    const panels = apply("ceildiv", this.#panels.columns.count, dim(this.#panels.width));
    const startOf = (panel: string): Expr =>
      mul(mul(intVariable(panel), terms.count), int(this.#panels.width));
    if (columns !== null) {
      const p = emitter.open("p", panels, { spread: "independent" });
      this.#panels.packColumns(ofVariable(p), columns, startOf(p.name), terms);
      emitter.close();
    }

    this.#strips((first, count) => {
      const openBlock = () =>
        emitter.open("q", dim(STRIP_BLOCKS), { to: count, spread: "independent" });
      const blockOf = (q: IndexVariable) => plus(first, ofVariable(q));
      if (rows !== null) {
        const opened = () => {
          const q = openBlock();
          return { q, block: blockOf(q) };
        };
        this.#panels.packRows(opened, rows, terms);
      }
      const c = emitter.open("c", panels, { spread: "independent" });
      const packed =
        columns === null ? null : { columns, start: emitter.define("start", startOf(c.name)) };
      const q = openBlock();
      const r = blockOf(q);
      const places = Array.from({ length: this.#panels.height }, (_, i) =>
        this.#panels.rowAt(r, i),
      );
      const sums = places.map((_, i) =>
        Array.from({ length: this.#panels.across }, (_, j) =>
          emitter.define(`s${i}${j}`, splat(float(0), this.#panels.lanes), true),
        ),
      );
      const copied = rows === null ? null : { rows, start: this.#panels.copiedFrom(q, terms) };
      this.#terms(terms, ofVariable(c), packed, copied, places, sums);
      this.#store(r, ofVariable(c), places, sums, block, target, adding);
      emitter.close();
      emitter.close();
    });
  }

  /**
   * Loops over strips of blocks of rows; `inside` with the first block of the strip and how many it has. Strips are of equal
   * length, and as many as several threads can share.
   */
  #strips(inside: (first: Affine, count: Expr) => void): void {
    const { emitter } = this.#lowering;
    const blocks = apply("ceildiv", this.#panels.rows.count, dim(this.#panels.height));
    const known = constant(blocks);
    if (known !== undefined && known <= STRIP_BLOCKS) return inside(fixed(0), int(known));
    const strips = multiply(apply("ceildiv", blocks, dim(STRIP_BLOCKS * SHARES)), dim(SHARES));
    const strip = intVariable(emitter.open("r", strips, { spread: "independent" }).name);
    const [all, count] = [emitter.size(blocks), emitter.size(strips)];
    const start = (number: Expr): Expr => binary("div", mul(number, all), count);
    const first = emitter.define("first", start(strip));
    const left = emitter.define("count", sub(start(add(strip, int(1))), first));
    inside(ofVariable(emitter.indexVariable(first, blocks, emitter.depth)), left);
    emitter.close();
  }

  #terms(
    terms: Terms,
    c: Affine,
    packed: { readonly columns: string; readonly start: Expr } | null,
    copied: { readonly rows: string; readonly start: Expr } | null,
    places: readonly ReadonlyMap<number, Affine>[],
    sums: readonly (readonly Expr[])[],
  ): void {
    const { emitter } = this.#lowering;
    // Rows beyond the end were not copied: what is read there goes into sums that nobody stores.
    const starts = places.map((_, i) =>
      copied === null
        ? int(0)
        : this.#panels.rowsBeside
          ? copied.start
          : emitter.define("row", add(copied.start, mul(terms.count, int(i)))),
    );
    this.#panels.eachTerm(terms, (at, number) => {
      const first =
        packed === null ? this.#columnsAt(c, at) : this.#copiedAt(packed, terms, number);
      const ys = sums[0]!.map((_, j) => {
        const index = add(first.index, int(j * this.#panels.lanes));
        return emitter.define(`y${j}`, vectorLoad(first.buffer, index, this.#panels.lanes));
      });
      places.forEach((labels, i) => {
        const x =
          copied === null
            ? this.#panels.valueAt(this.#panels.rows, at, labels)
            : load(copied.rows, this.#panels.copied(terms, i, starts[i]!, number), "float");
        const all = splat(emitter.define(`x${i}`, x), this.#panels.lanes);
        ys.forEach((y, j) => {
          const sum = sums[i]![j]!;
          emitter.assign(sum, add(sum, mul(all, y)));
        });
      });
    });
  }

  /** Where the columns of a block begin, of one term: where they are. */
  #columnsAt(c: Affine, at: ReadonlyMap<number, Affine>): Address {
    const { columns, width } = this.#panels;
    return this.#panels.addressAt(columns, at, this.#panels.labelsAt(columns, c, width, fixed(0)));
  }

  /** The same, of those that were copied. */
  #copiedAt(
    packed: { readonly columns: string; readonly start: Expr },
    terms: Terms,
    number: Affine,
  ): Address {
    const index = this.#panels.placeOf(terms, packed.start, number, this.#panels.width);
    return { buffer: packed.columns, index: this.#lowering.emitter.define("at", index) };
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
    const { emitter } = this.#lowering;
    const direct = this.#storesDirectly(target, adding);
    if (direct !== null) {
      this.#eachRow(r, places, (labels, i) => {
        const columns = this.#panels.labelsAt(
          this.#panels.columns,
          c,
          this.#panels.width,
          fixed(0),
        );
        const of = (l: number) =>
          this.#panels.fixed.get(l) ?? labels.get(l) ?? columns.get(l) ?? fixed(0);
        const place = linear(this.#node.outLabels.map(of), target.strides);
        const index = emitter.define("to", emitter.index(plus(target.offset, place)));
        sums[i]!.forEach((value, j) => {
          const at = add(index, int(j * this.#panels.lanes));
          emitter.emit({ op: "store", buffer: target.buffer, index: at, value, add: direct.add });
        });
      });
      return;
    }
    sums.forEach((row, i) =>
      row.forEach((sum, j) => {
        const index = int(i * this.#panels.width + j * this.#panels.lanes);
        emitter.emit({ op: "store", buffer: block, index, value: sum, add: false });
      }),
    );
    const there = this.#panels.within(this.#panels.columns, c, this.#panels.width);
    this.#eachRow(r, places, (labels, i) => {
      const j = emitter.open("j", dim(this.#panels.width), { to: there, spread: "independent" });
      const columns = this.#panels.labelsAt(
        this.#panels.columns,
        c,
        this.#panels.width,
        ofVariable(j),
      );
      const of = (l: number) =>
        this.#panels.fixed.get(l) ?? labels.get(l) ?? columns.get(l) ?? fixed(0);
      const index = this.#node.outLabels.map(of);
      const sum = load(block, add(int(i * this.#panels.width), intVariable(j.name)), "float");
      const value = finished(this.#lowering, this.#stage, this.#node, index, sum);
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
    const known = constant(this.#panels.rows.count);
    const full = known !== undefined && known % this.#panels.height === 0;
    places.forEach((labels, i) => {
      if (full || i === 0) return inside(labels, i);
      const position = emitter.index(shifted(times(r, dim(this.#panels.height)), dim(i)));
      emitter.when(binary("lt", position, emitter.size(this.#panels.rows.count)), () =>
        inside(labels, i),
      );
    });
  }

  /**
   * Whether blocks go from the registers to where they belong: when whole rows of them lie side by side there and nothing
   * has to be done with the sums but add them to what is there.
   */
  #storesDirectly(target: BufferLocation, adding: boolean): { readonly add: boolean } | null {
    const { machine } = this.#lowering.memory;
    if (machine.kind === "vector" && !machine.direct) return null;
    const { labels } = this.#panels.columns;
    const last = labels.at(-1);
    const axis = this.#node.outLabels.findIndex((l) => l === last);
    const width = last === undefined ? undefined : constant(this.#panels.sizes.get(last)!);
    if (width === undefined || width % this.#panels.width !== 0) return null;
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
