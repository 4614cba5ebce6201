/** Nodes of a step as formulas, in which signals stand under the names that the spec gives them. */
import { constant, show } from "../../dims.ts";
import { inputName, SIGNS } from "../../graph/names.ts";
import type { ContractNode, Graph, Node, NodeId, SliceNode } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";
import { contraction } from "./contraction.ts";
import * as f from "./expression.ts";
import { sizeOf, type Formula } from "./expression.ts";
import { patternOf } from "./patterns.ts";

/** A formula with more names and numbers than this gets a name of its own. */
const MOST_INLINE = 6;
/** An argument as short as this is written out. */
const SHORT_ARGUMENT = 3;

export interface NamedValue {
  readonly symbol: string;
  readonly node: NodeId;
  /** Where the spec has it; null for values that it does not write down. */
  readonly place: { readonly file: string; readonly start: number; readonly end: number } | null;
  /** What it is, if the symbol is not the spec's own name for it. */
  readonly is: Formula | null;
}

export interface NotationOptions {
  /** Nodes that stand under these names whatever else they are. */
  readonly fixed?: ReadonlyMap<NodeId, string>;
  /** Labels that are no names for anything but the fixed nodes: those of states, which change within a step. */
  readonly hidden?: ReadonlySet<string>;
  /** Names of unit vectors along an axis as long as this list: of the states that are laid out as one. */
  readonly units?: readonly string[];
  /** Whether it is to be said what the value is although it has a name. */
  readonly explains?: (id: NodeId) => boolean;
  /** Whether a long value may be given a name: one that depends on no state. */
  readonly isSlow?: (id: NodeId) => boolean;
  /** Axes in front, longer than one, that are the same for all: heads. Values with no other axes are numbers. */
  readonly lead?: number;
  /** Axes in front that are not written: batch and time. */
  readonly sequence?: number;
  /** Of an input of a loop's body: the value outside that is bound to it. */
  readonly outside?: (id: NodeId) => Formula | null;
}

const sameStatement = (a: Node, b: Node): boolean =>
  a.origin?.label === b.origin?.label &&
  a.origin?.file === b.origin?.file &&
  a.origin?.start === b.origin?.start;

export class Notation {
  readonly #nodes: readonly Node[];
  readonly #options: NotationOptions;
  readonly #users = new Map<NodeId, NodeId[]>();
  readonly #symbols = new Map<NodeId, string>();
  readonly #owners = new Map<string, NodeId>();
  readonly #named = new Map<NodeId, NamedValue>();
  readonly #known = new Map<NodeId, Formula>();

  constructor(graph: Graph, options: NotationOptions = {}) {
    this.#nodes = graph.nodes;
    this.#options = options;
    for (const node of graph.nodes) {
      for (const x of operands(node)) this.#users.set(x, [...(this.#users.get(x) ?? []), node.id]);
    }
    for (const [id, name] of options.fixed ?? []) {
      this.#symbols.set(id, name);
      if (!this.#owners.has(name)) this.#owners.set(name, id);
    }
  }

  /** The values that formulas have named so far, in the order of the step. */
  get named(): readonly NamedValue[] {
    return [...this.#named.values()].sort((a, b) => a.node - b.node);
  }

  #node(id: NodeId): Node {
    return this.#nodes[id]!;
  }

  /** The node under its name if it has one. */
  of = (id: NodeId): Formula => {
    let found = this.#known.get(id);
    if (found === undefined) this.#known.set(id, (found = this.#make(id)));
    return found;
  };

  /** Whether the spec has a name for the node. */
  hasName(id: NodeId): boolean {
    const node = this.#node(id);
    if (this.#symbols.has(id) || this.#labelOf(node) !== null) return true;
    const given = node.origin?.given;
    return given !== undefined && !this.#isOperand(node, (x) => x.origin?.given === given);
  }

  #make(id: NodeId): Formula {
    const fixed = this.#symbols.get(id);
    if (fixed !== undefined) return f.symbol(fixed);
    const node = this.#node(id);
    const label = this.#labelOf(node);
    if (label !== null) {
      const made = this.#options.explains?.(id) === true ? this.expanded(id) : null;
      return this.#name(node, label, node.origin, made);
    }
    const outside = node.op === "input" ? this.#options.outside?.(id) : null;
    if (outside != null) return outside;
    const given = node.origin?.given;
    if (node.op === "input") {
      return this.#name(node, given?.name ?? inputName(node.name), given ?? node.origin, null);
    }
    if (given !== undefined && !this.#isOperand(node, (x) => x.origin?.given === given)) {
      const made = this.expanded(id);
      if (sizeOf(made) <= SHORT_ARGUMENT && isArithmetic(made)) return made;
      return this.#name(node, given.name, given, made);
    }
    const made = this.expanded(id);
    if (sizeOf(made) <= MOST_INLINE || !this.#isLastSlow(id)) return made;
    return this.#name(node, "c", null, made);
  }

  /** Whether a value depends on no state, but something that is made of it does. */
  #isLastSlow(id: NodeId): boolean {
    const isSlow = this.#options.isSlow ?? (() => false);
    return isSlow(id) && (this.#users.get(id) ?? []).some((u) => !isSlow(u));
  }

  /** Whether a user of the node is of the same making: then that is what has the name. */
  #isOperand(node: Node, same: (user: Node) => boolean): boolean {
    return (this.#users.get(node.id) ?? []).some((u) => same(this.#node(u)));
  }

  /** The name of the signal, state or weight that a node is. */
  #labelOf(node: Node): string | null {
    const { origin } = node;
    if (origin?.label == null || origin.part === true || this.#isNumber(node)) return null;
    if (node.op === "input" && node.name.startsWith("parameter:")) return null;
    if (this.#options.hidden?.has(origin.label) === true) return null;
    if (this.#isOperand(node, (u) => u.origin?.part !== true && sameStatement(u, node)))
      return null;
    return inputName(origin.label);
  }

  #name(node: Node, wanted: string, place: NamedValue["place"], is: Formula | null): Formula {
    let symbol = wanted;
    const isFree = (s: string): boolean => (this.#owners.get(s) ?? node.id) === node.id;
    for (let i = 2; !isFree(symbol); i++) symbol = `${wanted}${i}`;
    this.#owners.set(symbol, node.id);
    this.#symbols.set(node.id, symbol);
    const at = place === null ? null : { file: place.file, start: place.start, end: place.end };
    const value = { symbol, node: node.id, place: at, is };
    this.#named.set(node.id, value);
    return f.symbol(symbol);
  }

  /** The node taken apart, whatever its name. */
  expanded = (id: NodeId): Formula => {
    const node = this.#node(id);
    const { of } = this;
    switch (node.op) {
      case "input":
        return f.symbol(inputName(node.name));
      case "constant":
        return f.number(node.value);
      case "size":
        return f.symbol(show(node.value));
      case "unary":
        if (node.fn === "neg") return f.minus(of(node.x));
        if (node.fn === "to_float" || node.fn === "to_int") return of(node.x);
        if (node.fn === "reciprocal") return f.quotient(f.number(1), of(node.x));
        return f.call(node.fn, of(node.x));
      case "binary":
        return this.#binary(node);
      case "select":
        return { kind: "choice", when: of(node.cond), a: of(node.a), b: of(node.b) };
      case "broadcast":
      case "stop":
        return of(node.x);
      case "reshape":
        return this.#flattened(node, of(node.x));
      case "reduce":
        return f.call(node.fn, of(node.x));
      case "transpose":
        return node.perm.every((p, i) => p === i || i >= node.perm.length - 2)
          ? f.transposed(of(node.x))
          : f.call("transpose", of(node.x));
      case "contract":
        return this.#contract(node);
      case "slice":
        return this.#slice(node);
      case "concat":
        return f.call("concat", ...node.xs.map(of));
      case "roll":
        return f.call("roll", of(node.x), f.symbol(show(node.shift)));
      case "iota":
        return f.call("iota", f.symbol(show(node.shape[0]!)));
      case "recurrence":
        return f.symbol("recurrence");
      default:
        return f.call(node.op, ...operands(node).map(of));
    }
  };

  #binary(node: Node & { op: "binary" }): Formula {
    const pattern = patternOf((id) => this.#node(id), node);
    if (pattern !== null) return f.call(pattern.name, this.of(pattern.of));
    const [a, b] = [this.of(node.a), this.of(node.b)];
    switch (node.fn) {
      case "add":
        return f.plus(a, b);
      case "sub":
        return f.less(a, b);
      case "mul":
        return this.#spreadProduct(node.a, node.b) ?? f.product([a, b], this.#isArray(node.a) && this.#isArray(node.b)); // prettier-ignore
      case "div":
        return f.quotient(a, b);
      default: {
        const unit = node.fn === "eq" ? (this.#unit(node.a, node.b) ?? this.#unit(node.b, node.a)) : null; // prettier-ignore
        if (unit !== null) return f.symbol(unit);
        const sign = SIGNS[node.fn];
        return sign === undefined ? f.call(node.fn, a, b) : { kind: "infix", sign, a, b };
      }
    }
  }

  /** Axes of a value along which it does not only repeat itself, but for those in front that are the same for all. */
  #ownAxes(id: NodeId): readonly number[] {
    const node = this.#node(id);
    const all = node.op === "broadcast" ? node.axes : node.shape.map((_, axis) => axis);
    return all.filter((a) => a >= (this.#options.lead ?? 0) && constant(node.shape[a]!) !== 1);
  }
  /** An outer product that is written as a product of two values that repeat themselves. */
  #spreadProduct(x: NodeId, y: NodeId): Formula | null {
    const [p, q] = [this.#ownAxes(x), this.#ownAxes(y)];
    if (p.length === 0 || q.length === 0) return null;
    if (Math.max(...p) < Math.min(...q)) return f.outer(this.of(x), this.of(y));
    return Math.max(...q) < Math.min(...p) ? f.outer(this.of(y), this.of(x)) : null;
  }
  /** Of an outer product whose rows stand one behind the other: a vector. */
  #flattened(node: Node & { op: "reshape" }, inner: Formula): Formula {
    if (inner.kind !== "outer" || rankOf(node) >= rankOf(this.#node(node.x))) return inner;
    return { kind: "infix", sign: "⊗", a: inner.a, b: inner.b };
  }

  /** The name of a vector that is one at the place `at` and zero elsewhere. */
  #unit(x: NodeId, at: NodeId): string | null {
    const units = this.#options.units ?? [];
    const bare = (id: NodeId): Node => {
      const node = this.#node(id);
      return node.op === "broadcast" || node.op === "reshape" ? bare(node.x) : node;
    };
    const [count, place] = [bare(x), bare(at)];
    const isCount = count.op === "iota" && constant(count.shape[0]!) === units.length;
    const index = place.op === "constant" ? place.value : place.op === "size" ? constant(place.value) : undefined; // prettier-ignore
    return isCount && index !== undefined ? (units[index] ?? null) : null;
  }

  #isNumber(node: Node): boolean {
    if (node.op === "broadcast" || node.op === "reshape") return this.#isNumber(this.#node(node.x));
    return node.op === "constant";
  }

  /** Whether a value has more elements than one per head. */
  #isArray(id: NodeId): boolean {
    const node = this.#node(id);
    if (node.op === "broadcast" || node.op === "reshape") return this.#isArray(node.x);
    return rankOf(node) > (this.#options.lead ?? 0);
  }

  #slice(node: SliceNode): Formula {
    const [start, length] = [constant(node.start), constant(node.shape[node.axis]!)];
    const all = ":, ".repeat(Math.max(0, node.axis - (this.#options.sequence ?? 0)));
    if (start === undefined || length === undefined) return f.call("slice", this.of(node.x));
    const at = length === 1 ? `${start + 1}` : `${start + 1}..${start + length}`;
    return { kind: "index", of: this.of(node.x), at: `${all}${at}` };
  }

  #contract(node: ContractNode): Formula {
    const isArray = this.#isArray(node.a) && this.#isArray(node.b);
    const made = contraction(node, this.of(node.a), this.of(node.b), isArray);
    return made ?? this.#einsum(node);
  }

  /** A product of several, as one. */
  #einsum(node: ContractNode): Formula {
    const parts: { readonly of: Formula; readonly axes: readonly number[] }[] = [];
    let fresh = 0;
    const taken = (x: ContractNode, axes: readonly number[]): void => {
      const names = new Map(x.outLabels.map((l, i) => [l, axes[i]!]));
      const name = (l: number): number => {
        let found = names.get(l);
        if (found === undefined) names.set(l, (found = fresh++));
        return found;
      };
      gather(x.a, x.aLabels.map(name)); // prettier-ignore
      gather(x.b, x.bLabels.map(name)); // prettier-ignore
    };
    const gather = (id: NodeId, axes: readonly number[]): void => {
      const [x, whole] = [this.#node(id), this.of(id)];
      const open = whole.kind === "einsum" || whole.kind === "outer" || whole.kind === "product";
      if (x.op === "contract" && open) taken(x, axes);
      else parts.push({ of: whole, axes });
    };
    const out = node.outLabels.map(() => fresh++);
    taken(node, out);
    return {
      kind: "einsum",
      operands: parts.map((p) => ({ of: p.of, axes: letters(p.axes) })),
      out: letters(out),
    };
  }
}

/** How many axes a value has that are longer than one. */
const rankOf = ({ shape }: Node): number => shape.filter((d) => constant(d) !== 1).length;

const letters = (axes: readonly number[]): string =>
  axes.map((n) => String.fromCharCode(97 + (n % 26))).join("");

/** Whether a formula is made of signs and short names only. */
function isArithmetic(x: Formula): boolean {
  switch (x.kind) {
    case "symbol":
    case "number":
      return true;
    case "sum":
      return x.terms.every((t) => isArithmetic(t.of));
    case "product":
      return x.factors.every(isArithmetic);
    case "quotient":
      return isArithmetic(x.over) && isArithmetic(x.under);
    case "index":
      return isArithmetic(x.of);
    default:
      return false;
  }
}
