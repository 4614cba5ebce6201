/**
 * Products of matrices in blocks. Both operands are first copied into panels of doubles in the order in which the inner
 * loop reads them, whatever their layout was; the inner loop keeps a block of sums in local variables.
 */
import { add as sum, apply, constant, dim, multiply, product, type Dim } from "../dims.ts";
import { valueName } from "../graph/names.ts";
import { bodyNode } from "../graph/shapes.ts";
import type { ContractNode, NodeId } from "../graph/ir.ts";
import { add, binary, float, int, intVariable, load, mul } from "../loop/build.ts";
import type { Expr } from "../loop/ir.ts";
import {
  divide,
  fixed,
  ofVariable,
  plus,
  shifted,
  stridesOf,
  times,
  type Affine,
} from "./affine.ts";
import { bandOf } from "./bands.ts";
import { labelSizes } from "../graph/products.ts";
import { LARGEST_UNBLOCKED } from "./choose.ts";
import { finished, loopName, type Lowering } from "./lower.ts";
import type { BufferLocation } from "./place.ts";
import { lengthOf, sidesOf, type Side } from "./sides.ts";
import type { Stage } from "./stages.ts";

/**
 * Rows and columns of the block of sums: the fastest on V8 of those tried (bench/blocks.ts). The engine multiplies a whole
 * turn of the inner loop before it adds, so products and sums together must fit its fifteen registers.
 */
const ROWS = 3;
const COLUMNS = 2;
/** Length of the sum done in one pass over a result whose sum is too long for the cache. */
const PASS = 512;
/** Elements of the longest panels that a module keeps for all its products; longer ones are memory of the run. */
const LONGEST_SHARED = 2 ** 20;

/** The array that holds both sides, and where its columns begin. */
interface Panel {
  readonly name: string;
  readonly columns: Expr;
}

/** Terms of a sum. */
interface Span {
  readonly from: Expr;
  readonly to: Expr;
}

export function emitProduct(lowering: Lowering, s: Stage, node: ContractNode): void {
  new ProductLowering(lowering, s, node).emit();
}

class ProductLowering {
  readonly #lowering: Lowering;
  readonly #stage: Stage;
  readonly #node: ContractNode;
  readonly #sizes: ReadonlyMap<number, Dim>;
  readonly #summed: readonly number[];
  readonly #batch: readonly number[];
  /** The side taken `ROWS` at a time, and the one whose panels are all made first. */
  readonly #rows: Side;
  readonly #columns: Side;
  /** Values of the labels that the open loops fix. */
  readonly #fixed = new Map<number, Affine>();

  constructor(lowering: Lowering, s: Stage, node: ContractNode) {
    this.#lowering = lowering;
    this.#stage = s;
    this.#node = node;
    const { graph } = lowering.plan.region;
    const sizes = labelSizes(graph, node);
    this.#sizes = sizes;
    const { a, b, summed, batch } = sidesOf(node, sizes);
    this.#summed = summed;
    this.#batch = batch;
    // The smaller side is packed as a whole.
    [this.#rows, this.#columns] = lengthOf(b) <= lengthOf(a) ? [a, b] : [b, a];
  }

  emit(): void {
    const { emitter } = this.#lowering;
    const inner = product(this.#summed.slice(1).map((l) => this.#sizes.get(l)!));
    const total = product(this.#summed.map((l) => this.#sizes.get(l)!));
    const known = constant(total);
    const passes = known === undefined || known > LARGEST_UNBLOCKED;
    const target = this.#target();
    if (passes && !(this.#stage.target?.add ?? false)) this.#clear(target);

    // As many terms as a pass can have: a number where `total` may be none.
    const most = apply("max", dim(PASS), inner);
    const panel = this.#panel(
      !passes
        ? total
        : constant(most) === undefined || known !== undefined
          ? apply("min", total, most)
          : most,
    );

    for (const [i, l] of this.#batch.entries()) {
      const extent = this.#sizes.get(l)!;
      const v = emitter.open(loopName(extent, i), extent, { spread: "independent" });
      this.#fixed.set(l, ofVariable(v));
    }
    if (passes) this.#passes(inner, panel, target);
    else this.#pass(emitter.size(total), null, panel, target, false);
    for (let i = 0; i < this.#batch.length; i++) emitter.close();
  }

  /** One array for both sides, rows first: the engine then looks up only once where it is. */
  #panel(terms: Dim): Panel {
    const { emitter, memory, plan } = this.#lowering;
    const rows = multiply(dim(ROWS), terms);
    const blocks = apply("ceildiv", this.#columns.count, dim(COLUMNS));
    const length = sum(rows, multiply(multiply(dim(COLUMNS), blocks), terms));
    const known = constant(length) ?? Infinity;
    const name =
      known <= LONGEST_SHARED
        ? memory.shared("panels", "f64", known)
        : memory.scratch(
            `${valueName(plan.region.node(this.#stage.node))}_panels`,
            "f64",
            length,
            true,
          );
    return { name, columns: emitter.size(rows) };
  }

  #target(): BufferLocation {
    const at =
      this.#stage.target?.location ?? this.#lowering.plan.region.locations.get(this.#stage.node);
    if (at?.kind !== "buffer") throw new Error("a product without a place");
    return at;
  }

  #clear(target: BufferLocation): void {
    const { emitter } = this.#lowering;
    const shape = this.#lowering.plan.region.node(this.#stage.node).shape;
    const index = shape.map((d, i) => ofVariable(emitter.open(loopName(d, i), d)));
    this.#lowering.store(target, index, float(0), false);
    for (let i = 0; i < shape.length; i++) emitter.close();
  }

  /** The sum in pieces of about PASS terms: whole steps of its first label. */
  #passes(inner: Dim, panel: Panel, target: BufferLocation): void {
    const { emitter } = this.#lowering;
    const first = this.#sizes.get(this.#summed[0]!)!;
    const stepsExpr =
      constant(inner) === undefined
        ? binary("max", int(1), binary("div", int(PASS), emitter.size(inner)))
        : int(Math.max(1, Math.floor(PASS / constant(inner)!)));
    const step = emitter.define("steps", stepsExpr);
    const all = emitter.size(first);
    const passes = emitter.define(
      "passes",
      binary("div", binary("sub", add(all, step), int(1)), step),
    );
    const pass = emitter.open("pass", first, { to: passes });
    const from = emitter.define("from", mul(intVariable(pass.name), step));
    const to = emitter.define("to", binary("min", all, add(from, step)));
    const length = emitter.define("terms", mul(binary("sub", to, from), emitter.size(inner)));
    this.#pass(length, { from, to }, panel, target, true);
    emitter.close();
  }

  #pass(
    length: Expr,
    range: { from: Expr; to: Expr } | null,
    panel: Panel,
    target: BufferLocation,
    adding: boolean,
  ): void {
    const { emitter } = this.#lowering;
    const columns = apply("ceildiv", this.#columns.count, dim(COLUMNS));
    const startOf = (block: string): Expr =>
      add(panel.columns, mul(mul(intVariable(block), length), int(COLUMNS)));
    const p = emitter.open("p", columns);
    const start = emitter.define("start", startOf(p.name));
    this.#pack(this.#columns, ofVariable(p), COLUMNS, panel.name, start, range);
    emitter.close();

    const rows = apply("ceildiv", this.#rows.count, dim(ROWS));
    const r = emitter.open("r", rows, { spread: "independent" });
    this.#pack(this.#rows, ofVariable(r), ROWS, panel.name, int(0), range);
    const whole: Span = { from: int(0), to: length };
    const row = range === null ? this.#span(this.#rows, ofVariable(r), ROWS, whole) : whole;
    const c = emitter.open("c", columns);
    const sums = Array.from({ length: ROWS }, (_, i) =>
      Array.from({ length: COLUMNS }, (_, j) => emitter.define(`s${i}${j}`, float(0), true)),
    );
    const sumUp = (): void => {
      const span = range === null ? this.#span(this.#columns, ofVariable(c), COLUMNS, row) : row;
      this.#terms(panel.name, span, emitter.define("first", startOf(c.name)), sums);
    };
    const wanted = this.#wanted(ofVariable(r), ofVariable(c));
    if (wanted === null) sumUp();
    else emitter.when(wanted, sumUp);
    this.#store(ofVariable(r), ofVariable(c), sums, target, adding);
    emitter.close();
    emitter.close();
  }

  #terms(panel: string, span: Span, first: Expr, sums: readonly (readonly Expr[])[]): void {
    const { emitter } = this.#lowering;
    const k = intVariable(emitter.open("k", dim(1), span).name);
    const x0 = emitter.define("x", mul(k, int(ROWS)));
    const y0 = emitter.define("y", add(first, mul(k, int(COLUMNS))));
    const ys = sums[0]!.map((_, j) =>
      emitter.define(`y${j}`, load(panel, add(y0, int(j)), "float")),
    );
    sums.forEach((row, i) => {
      const x = emitter.define(`x${i}`, load(panel, add(x0, int(i)), "float"));
      ys.forEach((y, j) => emitter.assign(row[j]!, add(row[j]!, mul(x, y))));
    });
    emitter.close();
  }

  /** First and last index that a block has along the first label of a side, which grows from block to block. */
  #ends(side: Side, block: Affine, width: number): readonly [Affine, Affine] {
    const at = (offset: number): Affine =>
      this.#labelsAt(side, this.#position(side, block, width, offset)).get(side.labels[0]!)!;
    return [at(0), at(width - 1)];
  }

  /** Of the terms in `span` those that a triangular operand of this side does not make zero in a whole block. */
  #span(side: Side, block: Affine, width: number, span: Span): Span {
    const { emitter, plan } = this.#lowering;
    const [term] = this.#summed;
    const [label] = side.labels;
    const [p, q] = [side.operandLabels.indexOf(label!), side.operandLabels.indexOf(term!)];
    if (p < 0 || q < 0) return span;
    const { graph } = plan.region;
    const below = bandOf(graph, side.operand, p, q);
    const above = bandOf(graph, side.operand, q, p);
    if (!Number.isFinite(below) && !Number.isFinite(above)) return span;
    const inner = product(this.#summed.slice(1).map((l) => this.#sizes.get(l)!));
    const [first, last] = this.#ends(side, block, width);
    let { from, to } = span;
    const terms = (count: Affine): Expr => emitter.index(times(count, inner));
    if (Number.isFinite(below)) {
      to = emitter.define("to", binary("min", to, terms(shifted(last, dim(1 - below)))));
    }
    if (Number.isFinite(above)) {
      from = emitter.define("from", binary("max", from, terms(shifted(first, dim(above)))));
    }
    return { from, to };
  }

  /** Whether any sum of a block counts; null if all do, as far as is known: what a mask makes zero is not summed. */
  #wanted(r: Affine, c: Affine): Expr | null {
    const { emitter } = this.#lowering;
    const [row, column] = [this.#rows.labels[0], this.#columns.labels[0]];
    const [p, q] = [row, column].map((l) => this.#node.outLabels.indexOf(l!));
    if (p === undefined || q === undefined || p < 0 || q < 0) return null;
    const [below, above] = [this.#mask(p, q), this.#mask(q, p)];
    const tests: Expr[] = [];
    const [firstRow, lastRow] = this.#ends(this.#rows, r, ROWS);
    const [firstColumn, lastColumn] = this.#ends(this.#columns, c, COLUMNS);
    const test = (low: Affine, band: number, high: Affine): void => {
      tests.push(binary("le", emitter.index(shifted(low, dim(band))), emitter.index(high)));
    };
    if (Number.isFinite(below)) test(firstColumn, below, lastRow);
    if (Number.isFinite(above)) test(firstRow, above, lastColumn);
    const [one, other] = tests;
    return one === undefined ? null : other === undefined ? one : binary("and", one, other);
  }

  /** The band of what the product is multiplied by until it is stored. */
  #mask(p: number, q: number): number {
    const { graph } = this.#lowering.plan.region;
    /** null for what the product is no part of, or where more than its zeros would change. */
    const visit = (id: NodeId): number | null => {
      if (id === this.#node.id) return -Infinity;
      const node = bodyNode(graph, id);
      if (node.op === "unary") return node.fn === "neg" ? visit(node.x) : null;
      if (node.op !== "binary" || !["mul", "add", "sub"].includes(node.fn)) return null;
      const [a, b] = [visit(node.a), visit(node.b)];
      if (a === null && b === null) return null;
      const found = Math.max(a ?? -Infinity, b ?? -Infinity);
      const other = a === null ? node.a : node.b;
      return node.fn === "mul" ? Math.max(found, bandOf(graph, other, p, q)) : found;
    };
    return this.#stage.node === this.#node.id ? -Infinity : (visit(this.#stage.node) ?? -Infinity);
  }

  /** Number `block · width + offset` along a side; beyond the end the last one, whose sums are not stored. */
  #position(side: Side, block: Affine, width: number, offset: number): Affine {
    const { emitter } = this.#lowering;
    const at = shifted(times(block, dim(width)), dim(offset));
    const count = constant(side.count);
    if (count !== undefined && count % width === 0) {
      // Within bounds, which the extent of the block's loop says when it is a number.
      return at;
    }
    const depth = block.terms.at(-1)!.variable.depth;
    const key = `clamp ${side.operand} ${block.terms[0]!.variable.name} ${offset}`;
    const known = emitter.recall(key)?.expr;
    const clamped =
      known ??
      emitter.define(
        "row",
        binary("min", emitter.index(at), emitter.size(subtractOne(side.count))),
        false,
        depth,
      );
    if (known === undefined) emitter.remember(key, { expr: clamped, depth });
    return ofVariable(emitter.indexVariable(clamped, side.count, depth));
  }

  /** Indices of a side's labels from the position along it. */
  #labelsAt(side: Side, position: Affine): Map<number, Affine> {
    const extents = side.labels.map((l) => this.#sizes.get(l)!);
    const strides = stridesOf(extents);
    const found = new Map<number, Affine>();
    let rest = position;
    side.labels.forEach((l, i) => {
      if (i === side.labels.length - 1) {
        found.set(l, rest);
        return;
      }
      const parts =
        divide(rest, strides[i]!) ?? this.#lowering.emitter.divmod(rest, strides[i]!, extents[i]!);
      found.set(l, parts.quotient);
      rest = parts.remainder;
    });
    return found;
  }

  /** Copies `width` rows (or columns) next to each other, term by term. */
  #pack(
    side: Side,
    block: Affine,
    width: number,
    panel: string,
    start: Expr,
    range: { from: Expr; to: Expr } | null,
  ): void {
    const { emitter, evaluator, plan } = this.#lowering;
    const at = Array.from({ length: width }, (_, i) =>
      this.#labelsAt(side, this.#position(side, block, width, i)),
    );
    let flat = fixed(0);
    const terms = new Map<number, Affine>();
    const strides = stridesOf(this.#summed.map((l) => this.#sizes.get(l)!));
    this.#summed.forEach((l, i) => {
      const extent = this.#sizes.get(l)!;
      const bounds = i === 0 && range !== null ? range : {};
      const v = ofVariable(emitter.open(loopName(extent, i + 3), extent, bounds));
      terms.set(l, v);
      flat = plus(flat, times(v, multiply(strides[i]!, dim(width))));
    });
    let base = add(start, emitter.index(flat));
    if (range !== null) {
      const skipped = mul(range.from, emitter.size(multiply(strides[0]!, dim(width))));
      base = binary("sub", base, skipped);
    }
    const place = emitter.define("at", base);
    at.forEach((labels, i) => {
      const of = (l: number) => this.#fixed.get(l) ?? terms.get(l) ?? labels.get(l) ?? fixed(0);
      const value = evaluator.value(plan.region, side.operand, side.operandLabels.map(of));
      emitter.emit({
        op: "store",
        buffer: panel,
        index: add(place, int(i)),
        value: value.expr,
        add: false,
      });
    });
    for (let i = 0; i < this.#summed.length; i++) emitter.close();
  }

  /** Stores a block of sums, or what an elementwise expression makes of each. */
  #store(
    r: Affine,
    c: Affine,
    sums: readonly (readonly Expr[])[],
    target: BufferLocation,
    adding: boolean,
  ): void {
    const { emitter } = this.#lowering;
    const guard = (side: Side, block: Affine, width: number, i: number, inside: () => void) => {
      const count = constant(side.count);
      if ((count !== undefined && count % width === 0) || i === 0) return inside();
      const position = emitter.index(shifted(times(block, dim(width)), dim(i)));
      emitter.when(binary("lt", position, emitter.size(side.count)), inside);
    };
    const rows = sums.map((_, i) =>
      this.#labelsAt(this.#rows, this.#position(this.#rows, r, ROWS, i)),
    );
    const columns = sums[0]!.map((_, j) =>
      this.#labelsAt(this.#columns, this.#position(this.#columns, c, COLUMNS, j)),
    );
    sums.forEach((row, i) => {
      guard(this.#rows, r, ROWS, i, () => {
        row.forEach((sum, j) => {
          guard(this.#columns, c, COLUMNS, j, () => {
            const of = (l: number) =>
              this.#fixed.get(l) ?? rows[i]!.get(l) ?? columns[j]!.get(l) ?? fixed(0);
            const index = this.#node.outLabels.map(of);
            const value = finished(this.#lowering, this.#stage, this.#node, index, sum);
            const add = adding || (this.#stage.target?.add ?? false);
            this.#lowering.store(target, index, value, add);
          });
        });
      });
    });
  }
}

const subtractOne = (d: Dim): Dim => shifted(fixed(d), dim(-1)).constant;
