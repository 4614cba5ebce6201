/** Builds graphs. Every method checks its operands, works out the result's shape and shares equal nodes. */
import { InternalError } from "../../diagnostics/diagnostic.ts";
import {
  add,
  dim,
  equal,
  sameShape,
  show,
  showShape,
  subtract,
  type Dim,
  type Shape,
} from "../dims.ts";
import type {
  BinaryFn,
  DType,
  Graph,
  Node,
  NodeId,
  Given,
  Origin,
  Output,
  Recurrence,
  RecurrenceOutput,
  ReduceFn,
  UnaryFn,
} from "./ir.ts";
import { recurrenceOutputShape } from "./shapes.ts";
import { Sharing, type Draft } from "./sharing.ts";

const COMPARISONS: ReadonlySet<BinaryFn> = new Set(["lt", "le", "eq", "ne", "and", "or"]);

export class GraphBuilder {
  readonly name: string;
  readonly nodes: Node[] = [];
  readonly outputs: Output[] = [];
  /** Given to every node made from now on. */
  origin: Origin | null = null;
  readonly #shared = new Sharing(this.nodes);

  readonly #resolve: (d: Dim) => Dim;

  /** `resolve` gives the current meaning of a size while some are still being inferred. */
  constructor(name: string, resolve: (d: Dim) => Dim = (d) => d) {
    this.name = name;
    this.#resolve = resolve;
  }

  #equal(a: Dim, b: Dim): boolean {
    return equal(a, b) || equal(this.#resolve(a), this.#resolve(b));
  }
  #sameShape(a: Shape, b: Shape): boolean {
    return sameShape(a, b) || (a.length === b.length && a.every((d, i) => this.#equal(d, b[i]!)));
  }

  /** A builder that goes on where a graph ends: its nodes keep their ids, its outputs stay. */
  static extend(graph: Graph): GraphBuilder {
    const builder = new GraphBuilder(graph.name);
    for (const node of graph.nodes) {
      const { id, origin: _, ...draft } = node;
      builder.#shared.find(draft, () => id);
      builder.nodes.push(node);
    }
    builder.outputs.push(...graph.outputs);
    return builder;
  }

  node(id: NodeId): Node {
    const found = this.nodes[id];
    if (found === undefined) throw new InternalError(`graph ${this.name} has no node ${id}`);
    return found;
  }
  shape(id: NodeId): Shape {
    return this.node(id).shape;
  }

  #push(draft: Draft<Node>): NodeId {
    return this.#shared.find(draft, () => {
      const id = this.nodes.length as NodeId;
      this.nodes.push({ ...draft, id, origin: this.origin } as Node);
      return id;
    });
  }

  #expect(ok: boolean, what: () => string): void {
    if (!ok) throw new InternalError(`${this.name}: ${what()}`);
  }

  input(name: string, shape: Shape, dtype: DType = "float"): NodeId {
    return this.#push({ op: "input", name, shape, dtype });
  }
  constant(value: number, dtype: DType = "float"): NodeId {
    return this.#push({ op: "constant", value, shape: [], dtype });
  }
  /** `value` repeated to `shape`. */
  fill(value: number, shape: Shape): NodeId {
    return this.broadcast(this.constant(value), [], shape);
  }
  size(value: Dim): NodeId {
    return this.#push({ op: "size", value, shape: [], dtype: "float" });
  }
  iota(length: Dim, dtype: DType = "float"): NodeId {
    return this.#push({ op: "iota", shape: [length], dtype });
  }
  random(distribution: "uniform" | "normal", seed: NodeId, stream: number, shape: Shape): NodeId {
    return this.#push({ op: "random", distribution, seed, stream, shape, dtype: "float" });
  }
  unary(fn: UnaryFn, x: NodeId): NodeId {
    const dtype = fn === "to_int" ? "int" : fn === "to_float" ? "float" : this.node(x).dtype;
    return this.#push({ op: "unary", fn, x, shape: this.shape(x), dtype });
  }
  binary(fn: BinaryFn, a: NodeId, b: NodeId): NodeId {
    const sa = this.shape(a);
    const sb = this.shape(b);
    this.#expect(this.#sameShape(sa, sb), () => `${fn} of ${showShape(sa)} and ${showShape(sb)}`);
    const compares = COMPARISONS.has(fn);
    const int = this.node(a).dtype === "int" && this.node(b).dtype === "int" && !compares;
    return this.#push({ op: "binary", fn, a, b, shape: sa, dtype: int ? "int" : "float" });
  }
  add = (a: NodeId, b: NodeId): NodeId => this.binary("add", a, b);
  sub = (a: NodeId, b: NodeId): NodeId => this.binary("sub", a, b);
  mul = (a: NodeId, b: NodeId): NodeId => this.binary("mul", a, b);
  div = (a: NodeId, b: NodeId): NodeId => this.binary("div", a, b);
  neg = (x: NodeId): NodeId => this.unary("neg", x);
  /** x · value */
  scaleBy(x: NodeId, value: number): NodeId {
    return this.mul(x, this.fill(value, this.shape(x)));
  }
  select(cond: NodeId, a: NodeId, b: NodeId): NodeId {
    const shape = this.shape(a);
    this.#expect(
      this.#sameShape(shape, this.shape(b)) && this.#sameShape(shape, this.shape(cond)),
      () =>
        `select of ${showShape(this.shape(cond))}, ${showShape(shape)}, ${showShape(this.shape(b))}`,
    );
    return this.#push({ op: "select", cond, a, b, shape, dtype: this.node(a).dtype });
  }
  broadcast(x: NodeId, axes: readonly number[], shape: Shape): NodeId {
    const from = this.shape(x);
    this.#expect(
      axes.length === from.length &&
        axes.every(
          (a, i) => (i === 0 || a > axes[i - 1]!) && shape[a] && this.#equal(shape[a], from[i]!),
        ),
      () => `broadcast of ${showShape(from)} to ${showShape(shape)} at axes ${axes.join(", ")}`,
    );
    if (from.length === shape.length) return x;
    return this.#push({ op: "broadcast", x, axes, shape, dtype: this.node(x).dtype });
  }
  reduce(fn: ReduceFn, x: NodeId, axes: readonly number[]): NodeId {
    if (axes.length === 0) return x;
    const from = this.shape(x);
    const sorted = [...axes].sort((a, b) => a - b);
    this.#expect(
      new Set(axes).size === axes.length && sorted.every((a) => a >= 0 && a < from.length),
      () => {
        return `${fn} of ${showShape(from)} over axes ${axes.join(", ")}`;
      },
    );
    const shape = from.filter((_, i) => !sorted.includes(i));
    return this.#push({ op: "reduce", fn, x, axes: sorted, shape, dtype: this.node(x).dtype });
  }
  sum = (x: NodeId, axes: readonly number[]): NodeId => this.reduce("sum", x, axes);
  contract(
    a: NodeId,
    aLabels: readonly number[],
    b: NodeId,
    bLabels: readonly number[],
    outLabels: readonly number[],
  ): NodeId {
    const sizes = new Map<number, Dim>();
    const take = (id: NodeId, labels: readonly number[]): void => {
      const from = this.shape(id);
      const describe = () => `contract labels ${labels.join(",")} on ${showShape(from)}`;
      this.#expect(
        labels.length === from.length && new Set(labels).size === labels.length,
        describe,
      );
      labels.forEach((label, i) => {
        const known = sizes.get(label);
        this.#expect(known === undefined || this.#equal(known, from[i]!), () => {
          return `${describe()}: label ${label} is ${show(known!)} and ${show(from[i]!)}`;
        });
        sizes.set(label, from[i]!);
      });
    };
    take(a, aLabels);
    take(b, bLabels);
    const known =
      outLabels.every((l) => sizes.has(l)) && new Set(outLabels).size === outLabels.length;
    this.#expect(known, () => `contract result labels ${outLabels.join(",")}`);
    // Labels are renumbered by first appearance so that equal contractions are shared.
    const number = new Map<number, number>();
    const renamed = (labels: readonly number[]) =>
      labels.map((l) => {
        const known = number.get(l) ?? number.size;
        number.set(l, known);
        return known;
      });
    return this.#push({
      op: "contract",
      a,
      b,
      aLabels: renamed(aLabels),
      bLabels: renamed(bLabels),
      outLabels: renamed(outLabels),
      shape: outLabels.map((l) => sizes.get(l)!),
      dtype: "float",
    });
  }
  transpose(x: NodeId, perm: readonly number[]): NodeId {
    const from = this.shape(x);
    this.#expect(
      perm.length === from.length &&
        new Set(perm).size === perm.length &&
        perm.every((p) => p in from),
      () => `transpose of ${showShape(from)} by ${perm.join(", ")}`,
    );
    if (perm.every((p, i) => p === i)) return x;
    return this.#push({
      op: "transpose",
      x,
      perm,
      shape: perm.map((p) => from[p]!),
      dtype: this.node(x).dtype,
    });
  }
  /** The caller vouches that the element counts agree (symbolic products may be written differently). */
  reshape(x: NodeId, shape: Shape): NodeId {
    if (this.#sameShape(shape, this.shape(x))) return x;
    return this.#push({ op: "reshape", x, shape, dtype: this.node(x).dtype });
  }
  slice(x: NodeId, axis: number, start: Dim, length: Dim): NodeId {
    const from = this.shape(x);
    this.#expect(axis in from, () => `slice of ${showShape(from)} along axis ${axis}`);
    if (this.#equal(length, from[axis]!) && this.#equal(start, dim(0))) return x;
    const shape = from.map((d, i) => (i === axis ? length : d));
    return this.#push({ op: "slice", x, axis, start, shape, dtype: this.node(x).dtype });
  }
  pad(x: NodeId, axis: number, before: Dim, after: Dim): NodeId {
    const from = this.shape(x);
    this.#expect(axis in from, () => `pad of ${showShape(from)} along axis ${axis}`);
    const length = add(add(before, after), from[axis]!);
    if (this.#equal(length, from[axis]!) && this.#equal(before, dim(0))) return x;
    const shape = from.map((d, i) => (i === axis ? length : d));
    return this.#push({ op: "pad", x, axis, before, shape, dtype: this.node(x).dtype });
  }
  concat(xs: readonly NodeId[], axis: number): NodeId {
    if (xs.length === 1) return xs[0]!;
    const first = this.shape(xs[0]!);
    let length = dim(0);
    for (const x of xs) {
      const from = this.shape(x);
      this.#expect(
        from.length === first.length &&
          from.every((d, i) => i === axis || this.#equal(d, first[i]!)),
        () => `concat of ${xs.map((y) => showShape(this.shape(y))).join(", ")} along axis ${axis}`,
      );
      length = add(length, from[axis]!);
    }
    const shape = first.map((d, i) => (i === axis ? length : d));
    return this.#push({ op: "concat", xs, axis, shape, dtype: this.node(xs[0]!).dtype });
  }
  roll(x: NodeId, axis: number, shift: Dim): NodeId {
    return this.#push({
      op: "roll",
      x,
      axis,
      shift,
      shape: this.shape(x),
      dtype: this.node(x).dtype,
    });
  }
  reverse(x: NodeId, axis: number): NodeId {
    return this.#push({ op: "reverse", x, axis, shape: this.shape(x), dtype: this.node(x).dtype });
  }
  cumsum(
    x: NodeId,
    axis: number,
    options: { exclusive?: boolean; reverse?: boolean } = {},
  ): NodeId {
    const { exclusive = false, reverse = false } = options;
    return this.#push({
      op: "cumsum",
      x,
      axis,
      exclusive,
      reverse,
      shape: this.shape(x),
      dtype: this.node(x).dtype,
    });
  }
  gather(table: NodeId, index: NodeId): NodeId {
    const shape = [...this.shape(index), ...this.shape(table).slice(1)];
    return this.#push({ op: "gather", table, index, shape, dtype: this.node(table).dtype });
  }
  scatter(index: NodeId, updates: NodeId, rows: Dim): NodeId {
    const shape = [rows, ...this.shape(updates).slice(this.shape(index).length)];
    return this.#push({ op: "scatter", index, updates, shape, dtype: "float" });
  }
  pick(x: NodeId, index: NodeId): NodeId {
    const lead = this.shape(x).slice(0, -1);
    this.#expect(this.#sameShape(lead, this.shape(index)), () => {
      return `pick from ${showShape(this.shape(x))} by ${showShape(this.shape(index))}`;
    });
    return this.#push({ op: "pick", x, index, shape: lead, dtype: this.node(x).dtype });
  }
  place(index: NodeId, value: NodeId, length: Dim): NodeId {
    const lead = this.shape(index);
    this.#expect(
      this.#sameShape(lead, this.shape(value)),
      () => `place of ${showShape(this.shape(value))}`,
    );
    return this.#push({ op: "place", index, value, shape: [...lead, length], dtype: "float" });
  }
  solve(
    matrix: NodeId,
    right: NodeId,
    options: { lower: boolean; unit: boolean; transpose?: boolean },
  ): NodeId {
    const { lower, unit, transpose = false } = options;
    const [m, r] = [this.shape(matrix), this.shape(right)];
    this.#expect(
      m.length >= 2 && m.length === r.length && this.#sameShape(m.slice(0, -1), r.slice(0, -1)),
      () => `solve of ${showShape(m)} with ${showShape(r)}`,
    );
    return this.#push({
      op: "solve",
      matrix,
      right,
      lower,
      unit,
      transpose,
      shape: r,
      dtype: "float",
    });
  }
  append(x: NodeId, row: NodeId, at: NodeId): NodeId {
    const shape = this.shape(x);
    this.#expect(this.#sameShape(shape.slice(1), this.shape(row)), () => {
      return `append of ${showShape(this.shape(row))} to ${showShape(shape)}`;
    });
    return this.#push({ op: "append", x, row, at, shape, dtype: "float" });
  }
  stop(x: NodeId): NodeId {
    return this.#push({ op: "stop", x, shape: this.shape(x), dtype: this.node(x).dtype });
  }
  /** Adds a recurrence and gives the nodes of its outputs, in order. */
  recurrence(recurrence: Recurrence): NodeId[] {
    const of = this.#push({ op: "recurrence", recurrence, shape: [], dtype: "float" });
    return recurrence.outputs.map((_, index) => this.#result(of, recurrence, index));
  }
  #result(of: NodeId, recurrence: Recurrence, index: number): NodeId {
    const { shape, dtype } = recurrenceOutputShape(recurrence, recurrence.outputs[index]!);
    return this.#push({ op: "result", of, index, shape, dtype });
  }
  /** Has a recurrence that is already there give more results, and gives their nodes. Known outputs are not doubled. */
  moreResults(of: NodeId, outputs: readonly RecurrenceOutput[]): NodeId[] {
    const node = this.node(of);
    if (node.op !== "recurrence") throw new InternalError(`node ${of} is no recurrence`);
    const all = [...node.recurrence.outputs];
    const keys = all.map((o) => JSON.stringify(o));
    const places = outputs.map((o) => {
      const known = keys.indexOf(JSON.stringify(o));
      return known >= 0 ? known : all.push(o) - 1;
    });
    const recurrence = { ...node.recurrence, outputs: all };
    this.nodes[of] = { ...node, recurrence };
    return places.map((index) => this.#result(of, recurrence, index));
  }
  /** Says what a node made here is, if it has no name of its own yet. */
  label(id: NodeId, origin: Origin): void {
    const node = this.node(id);
    if (node.op !== "input" && (node.origin?.label == null || node.origin.part)) {
      this.nodes[id] = { ...node, origin };
    }
    const renamed = this.#renamed(node);
    if (renamed !== null) this.label(renamed, origin);
  }
  /** What a node is under other names of its sizes; null if it is not that. */
  #renamed(node: Node): NodeId | null {
    if (node.op !== "reshape") return null;
    return this.shape(node.x).length === node.shape.length ? node.x : null;
  }
  /** Says of which argument a node made here is the value, if it has no name of its own. */
  give(id: NodeId, given: Given): void {
    const node = this.node(id);
    const { op, origin } = node;
    const renamed = this.#renamed(node);
    if (renamed !== null) return this.give(renamed, given);
    if (op === "input" || op === "constant" || origin?.part !== true) return;
    if (origin.given === undefined) {
      this.nodes[id] = { ...node, origin: { ...origin, given } };
    }
  }
  /** Adds a copy of a node of another graph whose operands have been replaced; shapes are kept. */
  copy(node: Draft<Node>): NodeId {
    return this.#push(node);
  }

  output(name: string, node: NodeId): void {
    this.outputs.push({ name, node });
  }
  finish(): Graph {
    return { name: this.name, nodes: this.nodes, outputs: this.outputs };
  }

  // Small compounds that several rooms need.

  /** Length of a node's axis minus a start: what a slice from `start` to the end has. */
  rest(x: NodeId, axis: number, start: Dim): Dim {
    return subtract(this.shape(x)[axis]!, start);
  }
}
