/**
 * What is made of a loop's answers step for step is made by chunks, as the loop gives them, and only then put in order and
 * cut to the sequence's length: so it can become part of the loop (nearby.ts), and a view is left. What a loop reads by
 * chunks is likewise cut into chunks before something light is made of it, where that leaves the zeros that fill up the
 * last chunk zeros.
 */
import { constant, dim, equal, multiply, subtract } from "../dims.ts";
import { algebra } from "../graph/index.ts";
import { axesOf } from "../graph/axes.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { binaryFunction, unaryFunction } from "../graph/interpret/functions.ts";
import type { Graph, Node, NodeId, Recurrence, ReduceNode } from "../graph/ir.ts";
import { DEAR, isProduct } from "../graph/products.ts";
import type { SequenceProgram } from "../graph/program.ts";
import { rebuildProgram } from "../graph/rebuild.ts";
import { bodyNode, mapOperands, operands } from "../graph/shapes.ts";
import type { IndependentAxis } from "./independent.ts";
import { isLittle, isQuick, littleTo } from "./little.ts";
import { byChunks, chunkShape, hasSteps, isStepped, type Chunks } from "./rowwise.ts";
import { hasProducts, headsOf } from "./separate.ts";

/** A value of every step that is the steps of one by chunks, put in order. */
interface Ordered {
  readonly chunks: Chunks;
  readonly part: NodeId;
}

/** Values in memory that something may be made of again where it is wanted, instead of being written down itself. */
const FEW = 2;

class Chunkwise {
  readonly builder: GraphBuilder;
  readonly #graph: Graph;
  readonly #worthwhile: (r: Recurrence) => boolean;
  /** Of the graph's loops, what knows their heads. */
  readonly #heads = new Map<NodeId, IndependentAxis | null>();
  // From here on nodes are the builder's.
  /** Values by chunks that are made of a loop's answers, and the axis that has to stay apart, if there is one. */
  readonly #near = new Map<NodeId, number | null>();
  readonly #ordered = new Map<NodeId, Ordered>();
  /** All that waits for a loop's answers. */
  readonly #after = new Set<NodeId>();
  readonly #sources = new Map<NodeId, ReadonlySet<NodeId>>();
  /** Numbers of one step of a value that is little to every loop. */
  readonly #little: number;
  /** What has been cut: values in a loop of their own would be looked through again and again. */
  readonly #pieces = new Map<string, NodeId>();

  constructor(graph: Graph, worthwhile: (r: Recurrence) => boolean) {
    this.#graph = graph;
    this.#worthwhile = worthwhile;
    const shapeOf = (id: NodeId) => bodyNode(graph, id).shape;
    const little = graph.nodes.flatMap((n) =>
      n.op === "recurrence" && worthwhile(n.recurrence) ? [littleTo(n.recurrence, shapeOf)] : [],
    );
    this.#little = little.length === 0 ? 0 : Math.min(...little);
    this.builder = new GraphBuilder(graph.name);
  }

  replace(node: Node, to: (id: NodeId) => NodeId): NodeId {
    const moved = mapOperands(node, to);
    const waits = operands(moved).some((x) => this.#after.has(x));
    const made = this.#answer(moved) ?? this.#question(moved) ?? this.#copy(node, moved);
    if (waits || this.#near.has(made)) this.#after.add(made);
    return made;
  }

  #copy(node: Node, moved: Node): NodeId {
    const { id: _, origin: __, ...draft } = moved;
    const copy = this.builder.copy(draft);
    if (node.op === "result") this.#result(node, copy);
    else this.#note(copy);
    if (node.op === "slice") this.#order(copy);
    return copy;
  }

  #node(id: NodeId): Node {
    return this.builder.node(id);
  }

  #result(node: Node & { readonly op: "result" }, copy: NodeId): void {
    const of = bodyNode(this.#graph, node.of);
    if (of.op !== "recurrence" || !this.#worthwhile(of.recurrence)) return;
    const output = of.recurrence.outputs[node.index]!;
    if (output.kind !== "stack") return;
    let heads = this.#heads.get(of.id);
    if (heads === undefined) this.#heads.set(of.id, (heads = headsOf(of.recurrence)));
    const axis = heads?.of(output.node) ?? null;
    this.#near.set(copy, axis === null ? null : axis + 2);
  }

  /** Notes whether a node is near because an operand is: step by step, heads still apart. */
  #note(id: NodeId): boolean {
    if (this.#near.has(id)) return true;
    const node = this.#node(id);
    if (node.op === "contract" && isProduct(this.builder, node)) return false;
    const found = axesOf(node, (x) => this.builder.shape(x));
    if (found.along.some((axis) => axis < 2)) return false;
    let heads: number | null = null;
    let near = false;
    for (const x of found.operands) {
      const own = this.#near.get(x.id);
      if (own === undefined) continue;
      if (x.axes[0] !== 0 || x.axes[1] !== 1) return false;
      near = true;
      if (own === null) continue;
      const place = x.axes[own] ?? null;
      if (place === null || found.along.includes(place)) return false;
      heads = place;
    }
    if (near) this.#near.set(id, heads);
    return near;
  }

  /** Notes that a slice is the steps of a near value, put in order and cut to the sequence's length. */
  #order(id: NodeId): void {
    const node = this.#node(id);
    if (node.op !== "slice" || node.axis !== 1 || constant(node.start) !== 0) return;
    const joined = this.#node(node.x);
    if (joined.op !== "reshape" || !this.#near.has(joined.x)) return;
    const [batch, count, length] = this.builder.shape(joined.x);
    if (batch === undefined || count === undefined || length === undefined) return;
    const fits = equal(multiply(count, length), joined.shape[1]!);
    if (!fits || !equal(batch, joined.shape[0]!)) return;
    const chunks = { batch, time: node.shape[1]!, count, length };
    const part = algebra.reshape(this.builder, joined.x, chunkShape(node.shape, chunks));
    if (this.#note(part)) this.#ordered.set(id, { chunks, part });
  }

  /** A node made of answers, by chunks and put in order; null if it has to be made of them in order. */
  #answer(node: Node): NodeId | null {
    const known = operands(node).flatMap((x) => this.#ordered.get(x) ?? []);
    if (known.length === 0) return null;
    // What else comes after the loop would have to be there before it is made by chunks.
    const late = (x: NodeId): boolean => this.#after.has(x) && !this.#ordered.has(x);
    if (operands(node).some(late)) return null;
    const { chunks } = known[0]!;
    const part = byChunks(this.builder, node, chunks, (x) => this.#cut(x, chunks, "anyhow"));
    if (part === null || !this.#note(part)) return null;
    const { count, length, time } = chunks;
    const all = [node.shape[0]!, multiply(count, length), ...node.shape.slice(2)];
    const joined = algebra.reshape(this.builder, part, all);
    const made = this.builder.slice(joined, 1, dim(0), time);
    this.#ordered.set(made, { chunks, part });
    return made;
  }

  /** What a value is made of by adding up, multiplying and repeating; of many things some. */
  #leaves(id: NodeId): ReadonlySet<NodeId> {
    const before = this.#sources.get(id);
    if (before !== undefined) return before;
    const node = this.#node(id);
    const found = new Set<NodeId>();
    if (!isThrough(node) || this.#ordered.has(id)) found.add(id);
    else {
      for (const x of operands(node)) for (const leaf of this.#leaves(x)) found.add(leaf);
    }
    if (node.op === "constant") found.clear();
    const some = new Set([...found].slice(0, FEW + 1));
    this.#sources.set(id, some);
    return some;
  }

  /** A value by chunks, what fills up the last one zero or whatever comes: if it is light, made of what it is made of. */
  #cut(x: NodeId, chunks: Chunks, filled: "zero" | "anyhow"): NodeId {
    if (!hasSteps(this.#node(x).shape, chunks)) return x;
    const key = `${x} ${chunks.length.key} ${filled}`;
    const known = this.#pieces.get(key) ?? this.#piece(x, chunks, filled);
    this.#pieces.set(key, known);
    return known;
  }

  #piece(x: NodeId, chunks: Chunks, filled: "zero" | "anyhow"): NodeId {
    const node = this.#node(x);
    const { count, length, time } = chunks;
    const shape = chunkShape(node.shape, chunks);
    const known = this.#ordered.get(x);
    if (known !== undefined && equal(known.chunks.length, length)) {
      return filled === "zero" ? this.#masked(known.part, chunks) : known.part;
    }
    const fill = algebra.fillValue(this.builder, x);
    // Also where zeros are wanted: what it is an operand of is zero with it.
    if (fill !== null) return algebra.filled(this.builder, fill, shape, node.dtype);
    const through = filled === "zero" ? this.#keepsZero(node) : this.#leaves(x).size <= FEW;
    if (isThrough(node) && through) {
      const part = byChunks(this.builder, node, chunks, (y) => this.#cut(y, chunks, filled));
      if (part !== null) return part;
    }
    if (isQuick(node) && isLittle(shape, this.#little)) {
      const part = byChunks(this.builder, node, chunks, (y) => this.#cut(y, chunks, "anyhow"));
      if (part !== null) return filled === "zero" ? this.#masked(part, chunks) : part;
    }
    const rest = subtract(multiply(count, length), time);
    return algebra.reshape(this.builder, algebra.pad(this.builder, x, 1, dim(0), rest), shape);
  }

  /** A value by chunks with zeros where the last chunk is filled up. */
  #masked(part: NodeId, chunks: Chunks): NodeId {
    const b = this.builder;
    const { batch, time, count, length } = chunks;
    const ones = b.fill(1, [batch, time]);
    const rest = subtract(multiply(count, length), time);
    const inside = algebra.reshape(b, algebra.pad(b, ones, 1, dim(0), rest), [
      batch,
      count,
      length,
    ]);
    const shape = b.shape(part);
    const zero = algebra.filled(b, 0, shape, "float");
    return algebra.select(b, algebra.broadcast(b, inside, [0, 1, 2], shape), part, zero);
  }

  /** A padded value cut into chunks, made of such: something light, and zero where that is. */
  #question(node: Node): NodeId | null {
    if (node.op !== "reshape" || node.dtype !== "float") return null;
    const padded = this.#node(node.x);
    if (padded.op !== "pad" || padded.axis !== 1 || constant(padded.before) !== 0) return null;
    const [batch, count, length] = node.shape;
    const long = this.builder.shape(padded.x)[1]!;
    if (batch === undefined || count === undefined || length === undefined) return null;
    if (!equal(batch, padded.shape[0]!)) return null;
    if (!equal(multiply(count, length), padded.shape[1]!)) return null;
    const chunks = { batch, time: long, count, length };
    if (algebra.fillValue(this.builder, padded.x) !== null) return null;
    const part = this.#cut(padded.x, chunks, "zero");
    return algebra.reshape(this.builder, part, node.shape);
  }

  /** What an operand is where a sequence is filled up with zeros; NaN if that is not known. */
  #filler(x: NodeId): number {
    const fill = algebra.fillValue(this.builder, x);
    if (fill !== null) return fill;
    const node = this.#node(x);
    return node.op === "broadcast" && !isStepped(node) ? NaN : 0;
  }

  /** Whether a node is made of one value, and repeated ones, so that zeros give zero, at little cost. */
  #keepsZero(node: Node): boolean {
    switch (node.op) {
      case "broadcast":
        return isStepped(node);
      case "unary":
        return !DEAR.has(node.fn) && unaryFunction(node.fn)(0) === 0;
      case "binary": {
        const one = node.a === node.b || [node.a, node.b].some((x) => this.#node(x).op === "broadcast"); // prettier-ignore
        if (!one) return false;
        const [a, b] = [this.#filler(node.a), this.#filler(node.b)];
        if (node.fn === "mul" && (a === 0 || b === 0)) return true;
        return node.fn !== "pow" && binaryFunction(node.fn, node.dtype)(a, b) === 0;
      }
      case "reduce":
        return isSum(node) && node.axes.every((axis) => axis > 1) && this.#filler(node.x) === 0;
      default:
        return false;
    }
  }
}

/** Repeating, adding, multiplying and the like, whatever of: one operation for each element. */
const isSimple = (node: Node): boolean =>
  node.op === "broadcast" ||
  (node.op === "unary" && !DEAR.has(node.fn)) ||
  (node.op === "binary" && node.fn !== "pow");

const isThrough = (node: Node): boolean => isSimple(node) || isSum(node);

const isSum = (node: Node): node is ReduceNode => node.op === "reduce" && node.fn === "sum";

/** The program with what is made of loops' answers, and what they read, by chunks. Same ports, same values. */
export function workByChunks(
  program: SequenceProgram,
  worthwhile: (r: Recurrence) => boolean = hasProducts,
): SequenceProgram {
  const work = new Chunkwise(program.graph, worthwhile);
  return rebuildProgram(program, work.builder, (node, to) => work.replace(node, to));
}
