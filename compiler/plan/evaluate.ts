/** The value of a graph node at an index, as an expression: how a chain of elementwise operations becomes one loop body. */
import { InternalError, unreachable } from "../../diagnostics/diagnostic.ts";
import { constant, dim, subtract, type Dim } from "../dims.ts";
import { commonAxes } from "../graph/axes.ts";
import { valueName } from "../graph/names.ts";
import { isShown, type ShownNode } from "../graph/products.ts";
import type { ContractNode, Node, NodeId, RollNode } from "../graph/ir.ts";
import { add, binary, float, int, load, mul, select, truth, unary } from "../loop/build.ts";
import type { Expr } from "../loop/ir.ts";
import {
  asVariable,
  depthOf,
  divide,
  fixed,
  keyOf,
  linear,
  minus,
  plus,
  quotient,
  shifted,
  stridesOf,
  type Affine,
  type IndexVariable,
} from "./affine.ts";
import type { Emitter, Placed } from "./emitter.ts";
import { isTrivial } from "./emitter.ts";
import { binaryExpr, unaryExpr } from "./functions.ts";
import type { Location, Region } from "./region.ts";

export type Index = readonly Affine[];

export interface Address {
  readonly buffer: string;
  readonly index: Expr;
}

export interface EvaluatorHooks {
  /** A value to use for a node instead of looking at it: where accesses are recorded, and where accumulators come in. */
  readonly leaf?: (region: Region, node: Node, index: Index) => Placed | undefined;
  /** Told when an index cannot be divided: a loop over `variable` had better be two, the inner of length `by`. */
  readonly split?: (variable: IndexVariable, by: Dim) => void;
}

export class Evaluator {
  readonly emitter: Emitter;
  readonly #hooks: EvaluatorHooks;
  /** In the operand of a lazy select: loads may be out of range, so nothing may be computed before it. */
  #guarded = 0;
  /** The variable of a loop whose iterations are written side by side: what does not depend on it is named. */
  sharedAlong: string | null = null;

  constructor(emitter: Emitter, hooks: EvaluatorHooks = {}) {
    this.emitter = emitter;
    this.#hooks = hooks;
  }

  value(region: Region, id: NodeId, index: Index): Placed {
    const node = region.node(id);
    const given = this.#hooks.leaf?.(region, node, index);
    if (given !== undefined) return given;
    const location = region.locations.get(id);
    if (location?.kind === "outer") {
      return this.value(location.region, location.node, [...location.prefix, ...index]);
    }
    if (location?.kind === "variable") return { expr: location.expr, depth: location.depth };
    if (location?.kind === "index") {
      return { expr: this.emitter.index(location.value), depth: depthOf(location.value) };
    }
    const key = `${region.id}.${id}[${index.map(keyOf).join("][")}]`;
    const known = this.emitter.recall(key);
    if (known !== undefined) return known;
    const placed =
      location === undefined
        ? this.compute(region, node, index)
        : this.#load(node, location, index);
    if (this.#guarded > 0) return placed;
    const shared = (region.uses.get(id) ?? 0) > 1 && location === undefined;
    const common =
      this.sharedAlong !== null &&
      location !== undefined &&
      !index.some((a) => a.terms.some((x) => x.variable.name === this.sharedAlong));
    const named =
      !isTrivial(placed.expr) && (placed.depth < this.emitter.depth || shared || common)
        ? this.emitter.hoist(placed, valueName(node))
        : placed;
    // An expression without a name would be computed again at each use: only its name is worth remembering.
    return isTrivial(named.expr) ? this.emitter.remember(key, named) : named;
  }

  #load(node: Node, at: Location & { kind: "buffer" }, index: Index): Placed {
    const address = plus(at.offset, linear(index, at.strides));
    return {
      expr: load(at.buffer, this.emitter.index(address), node.dtype === "int" ? "int" : "float"),
      depth: Math.max(depthOf(address), Math.min(at.depth, this.emitter.depth)),
    };
  }

  /** Two values joined; either is first put where it can be computed before the loops that only the other needs. */
  #join(parts: readonly Placed[], make: (exprs: Expr[]) => Expr): Placed {
    const depth = Math.max(0, ...parts.map((p) => p.depth));
    const lifted = parts.map((p) =>
      p.depth < depth && this.#guarded === 0 ? this.emitter.hoist(p, "x") : p,
    );
    return { expr: make(lifted.map((p) => p.expr)), depth };
  }

  /** Element (i − shift) mod n: of two pieces in each other's places where both numbers are known, so that loops can be cut there. */
  #rolled(region: Region, node: RollNode, index: Index): Placed {
    const along = index[node.axis]!;
    const n = node.shape[node.axis]!;
    const from = (place: Affine): Placed =>
      this.value(
        region,
        node.x,
        moved(index, node.axis, () => place),
      );
    const [length, shift] = [constant(n), constant(node.shift)];
    if (length !== undefined && shift !== undefined && length > 0) {
      const by = ((shift % length) + length) % length;
      if (by === 0) return from(along);
      this.#guarded += 1;
      const wrapped = from(shifted(along, dim(length - by)));
      const rest = from(minus(along, fixed(dim(by))));
      this.#guarded -= 1;
      const begins = binary("lt", this.emitter.index(along), int(by));
      const depth = Math.max(wrapped.depth, rest.depth, depthOf(along));
      return { expr: select(begins, wrapped.expr, rest.expr), depth };
    }
    const back = minus(along, fixed(node.shift));
    const size = this.emitter.size(n);
    // For any sign of the shift.
    const wrapped = binary("mod", add(binary("mod", this.emitter.index(back), size), size), size);
    return from(this.emitter.opaqueIndex({ expr: wrapped, depth: depthOf(back) }, n, "rolled"));
  }

  /** What a node computes at an index, whether or not it has a place where its value could be read. */
  compute(region: Region, node: Node, index: Index): Placed {
    const at = (id: NodeId, i: Index = index) => this.value(region, id, i);
    switch (node.op) {
      case "constant":
        return { expr: node.dtype === "int" ? int(node.value) : float(node.value), depth: 0 };
      case "size":
        return { expr: unary("float_of_int", this.emitter.size(node.value)), depth: 0 };
      case "iota": {
        const i = this.emitter.index(index[0]!);
        const expr = node.dtype === "int" ? i : unary("float_of_int", i);
        return { expr, depth: depthOf(index[0]!) };
      }
      case "unary":
        return this.#join([at(node.x)], ([x]) => unaryExpr(node.fn, x!));
      case "binary":
        if (node.fn === "mul" && node.dtype === "float") {
          return this.multiplied([
            ...this.factors(region, node.a, index),
            ...this.factors(region, node.b, index),
          ]);
        }
        {
          const quotient = this.#quotient(region, node, index);
          if (quotient !== undefined) return this.multiplied(quotient);
        }
        return this.#join([at(node.a), at(node.b)], ([a, b]) =>
          binaryExpr(node.fn, a!, b!, node.dtype),
        );
      case "select":
        return this.#join([at(node.cond), at(node.a), at(node.b)], ([c, a, b]) =>
          select(truth(c!), a!, b!),
        );
      case "broadcast":
      case "transpose":
      case "stop":
      case "reshape":
      case "slice":
      case "reverse":
        return at(node.x, this.#shown(region, node, index));
      case "pad": {
        const inner = region.node(node.x).shape[node.axis]!;
        const i = minus(index[node.axis]!, fixed(node.before));
        const where = this.emitter.index(i);
        const inside = binary(
          "and",
          binary("le", int(0), where),
          binary("lt", where, this.emitter.size(inner)),
        );
        this.#guarded += 1;
        const x = at(
          node.x,
          moved(index, node.axis, () => i),
        );
        this.#guarded -= 1;
        const zero = node.dtype === "int" ? int(0) : float(0);
        return { expr: select(inside, x.expr, zero), depth: Math.max(x.depth, depthOf(i)) };
      }
      case "roll":
        return this.#rolled(region, node, index);
      case "contract":
        return this.multiplied(this.factorsOfContract(region, node, index, new Map()));
      case "gather": {
        const lead = region.node(node.index).shape.length;
        const rows = region.node(node.table).shape[0]!;
        const row = this.emitter.opaqueIndex(at(node.index, index.slice(0, lead)), rows, "row");
        return at(node.table, [row, ...index.slice(lead)]);
      }
      case "pick": {
        const n = region.node(node.x).shape.at(-1)!;
        return at(node.x, [...index, this.emitter.opaqueIndex(at(node.index), n, "chosen")]);
      }
      case "place": {
        const lead = index.slice(0, -1);
        const i = index.at(-1)!;
        const here = { expr: this.emitter.index(i), depth: depthOf(i) };
        return this.#join([at(node.index, lead), here, at(node.value, lead)], ([k, j, v]) =>
          select(binary("eq", j!, k!), v!, float(0)),
        );
      }
      case "input":
      case "reduce":
      case "concat":
      case "cumsum":
      case "scatter":
      case "solve":
      case "append":
      case "random":
      case "recurrence":
      case "result":
        throw new InternalError(`${node.op} ${node.id} of ${region.graph.name} has no place`);
      default:
        return unreachable(node);
    }
  }

  /** The product of factors, those that are fixed further out multiplied first: there. */
  multiplied(factors: readonly Placed[]): Placed {
    const sorted = factors.map((f, i) => ({ f, i }));
    sorted.sort((p, q) => p.f.depth - q.f.depth || p.i - q.i);
    const [first, ...rest] = sorted.map((x) => x.f);
    return rest.reduce((a, b) => this.#join([a, b], ([x, y]) => mul(x!, y!)), first!);
  }

  /**
   * A value as a list of factors: one, unless it is a product that has no place of its own. It is taken apart even if it is
   * wanted elsewhere too: one multiplication more, but each where it is done least often.
   */
  factors(region: Region, id: NodeId, index: Index): Placed[] {
    const node = region.node(id);
    const inline = !region.locations.has(id);
    if (inline && this.#guarded === 0 && this.#hooks.leaf?.(region, node, index) === undefined) {
      if (node.op === "binary" && node.fn === "mul" && node.dtype === "float") {
        return [...this.factors(region, node.a, index), ...this.factors(region, node.b, index)];
      }
      const quotient = this.#quotient(region, node, index);
      if (quotient !== undefined) return quotient;
      const known = node.op === "contract" && node.outLabels.length === labelCount(node);
      if (known) return this.factorsOfContract(region, node, index, new Map());
      if (node.op === "broadcast") {
        return this.factors(
          region,
          node.x,
          node.axes.map((a) => index[a]!),
        );
      }
    }
    return [this.value(region, id, index)];
  }

  /** A division by what the innermost loop does not change, as a multiplication by its reciprocal, made outside. */
  #quotient(region: Region, node: Node, index: Index): Placed[] | undefined {
    if (node.op !== "binary" || node.fn !== "div" || node.dtype !== "float") return undefined;
    if (this.#guarded > 0) return undefined;
    const divisor = this.value(region, node.b, index);
    if (divisor.depth >= this.emitter.depth || divisor.expr.type.kind !== "float") return undefined;
    const of = divisor.expr.op === "variable" ? divisor.expr.name : "";
    const known = this.emitter.recall(`1 / ${of}`);
    const scale =
      known ??
      this.emitter.hoist(
        { expr: binary("div", float(1), divisor.expr), depth: divisor.depth },
        "scale",
      );
    if (known === undefined && of !== "") this.emitter.remember(`1 / ${of}`, scale);
    return [...this.factors(region, node.a, index), scale];
  }

  /** The factors of a contraction's terms at an output index and at given indices of the summed labels. */
  factorsOfContract(
    region: Region,
    node: ContractNode,
    index: Index,
    summed: ReadonlyMap<number, Affine>,
  ): Placed[] {
    const of = (label: number) =>
      summed.get(label) ?? index[node.outLabels.indexOf(label)] ?? fixed(0);
    return [
      ...this.factors(region, node.a, node.aLabels.map(of)),
      ...this.factors(region, node.b, node.bLabels.map(of)),
    ];
  }

  /** Where an element of a value lies in memory; null for one that is computed. */
  address(region: Region, id: NodeId, index: Index): Address | null {
    const at = region.locations.get(id);
    if (at?.kind === "outer") return this.address(at.region, at.node, [...at.prefix, ...index]);
    if (at?.kind === "buffer") {
      return { buffer: at.buffer, index: this.emitter.index(plus(at.offset, linear(index, at.strides))) }; // prettier-ignore
    }
    const node = region.node(id);
    return at === undefined && isShown(node)
      ? this.address(region, node.x, this.#shown(region, node, index))
      : null;
  }

  /** The index at which a view shows its operand. */
  #shown(region: Region, node: ShownNode, index: Index): Index {
    switch (node.op) {
      case "broadcast":
        return node.axes.map((a) => index[a]!);
      case "transpose": {
        const source: Affine[] = [];
        node.perm.forEach((p, i) => (source[p] = index[i]!));
        return source;
      }
      case "stop":
        return index;
      case "reshape":
        return this.reshaped(node.shape, region.node(node.x).shape, index);
      case "slice":
        return moved(index, node.axis, (i) => shifted(i, node.start));
      case "reverse": {
        const last = fixed(subtract(node.shape[node.axis]!, dim(1)));
        return moved(index, node.axis, (i) => minus(last, i));
      }
      default:
        return unreachable(node);
    }
  }

  /** Index into x of an element of a reshape of it. Equal leading and trailing axes stay as they are. */
  reshaped(shape: readonly Dim[], from: readonly Dim[], index: Index): Affine[] {
    const { lead, tail } = commonAxes(from, shape);
    const inner = shape.slice(lead, shape.length - tail);
    const middle = from.slice(lead, from.length - tail);
    let flat = linear(index.slice(lead, index.length - tail), stridesOf(inner));
    const source: Affine[] = [];
    const strides = stridesOf(middle);
    middle.forEach((extent, i) => {
      if (i === middle.length - 1) {
        source.push(flat);
        return;
      }
      const by = strides[i]!;
      const { quotient: q, remainder } = divide(flat, by) ?? this.#divide(flat, by, extent);
      source.push(q);
      flat = remainder;
    });
    return [...index.slice(0, lead), ...source, ...index.slice(index.length - tail)];
  }
  #divide(flat: Affine, by: Dim, extent: Dim) {
    for (const t of flat.terms) {
      const whole = asVariable({ constant: dim(0), terms: [{ ...t, coefficient: dim(1) }] });
      const inner = quotient(by, t.coefficient);
      if (whole !== undefined && inner !== undefined) this.#hooks.split?.(whole, inner);
    }
    return this.emitter.divmod(flat, by, extent);
  }
}

const labelCount = (node: ContractNode): number => new Set([...node.aLabels, ...node.bLabels]).size;

function moved(index: Index, axis: number, to: (i: Affine) => Affine): Affine[] {
  return index.map((a, i) => (i === axis ? to(a) : a));
}
