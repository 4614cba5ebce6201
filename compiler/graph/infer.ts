/** The shape and type that a node must have, worked out anew from its operands. Throws InternalError on misuse. */
import { InternalError, unreachable } from "../../diagnostics/diagnostic.ts";
import { add, constant, dim, equal, product, sameShape, show, showShape } from "../dims.ts";
import type { Dim, Shape } from "../dims.ts";
import type { DType, Node, NodeId } from "./ir.ts";
import { recurrenceOutputShape } from "./shapes.ts";

export interface Type {
  readonly shape: Shape;
  readonly dtype: DType;
}

function expect(ok: boolean, what: () => string): asserts ok {
  if (!ok) throw new InternalError(what());
}

const integerResult = new Set(["add", "sub", "mul", "div", "pow", "max", "min", "mod"]);

/** False only when both are known and out of order: symbolic sizes get the benefit of the doubt. */
function fits(part: Dim, whole: Dim): boolean {
  const [a, b] = [constant(part), constant(whole)];
  return a === undefined || b === undefined || a <= b;
}

const polynomial = (shape: Shape): boolean =>
  shape.every((d) => d.terms.every((t) => t.atoms.every((a) => a.kind === "named")));

function checkAxis(axis: number, shape: Shape): void {
  expect(Number.isInteger(axis) && axis in shape, () => `axis ${axis} of ${showShape(shape)}`);
}

function distinct(list: readonly number[], what: string): void {
  expect(new Set(list).size === list.length, () => `${what} ${list.join(", ")} are not distinct`);
}

/** `at` gives nodes of the same graph. */
export function inferType(node: Node, at: (id: NodeId) => Node): Type {
  const index = (id: NodeId): Shape => {
    expect(at(id).dtype === "int", () => `index %${id} is not an integer`);
    return at(id).shape;
  };
  const same = (id: NodeId, shape: Shape): void => {
    const found = at(id).shape;
    expect(sameShape(found, shape), () => `%${id} is ${showShape(found)}, not ${showShape(shape)}`);
  };
  const own: Type = { shape: node.shape, dtype: node.dtype };
  switch (node.op) {
    case "input":
      return own;
    case "constant":
      return { ...own, shape: [] };
    case "size":
      return { shape: [], dtype: "float" };
    case "iota":
      expect(node.shape.length === 1, () => `iota of ${showShape(node.shape)}`);
      return own;
    case "random":
      expect(index(node.seed).length === 0, () => "a seed with axes");
      return { ...own, dtype: "float" };
    case "unary": {
      const { shape, dtype } = at(node.x);
      const cast = node.fn === "to_int" ? "int" : node.fn === "to_float" ? "float" : dtype;
      return { shape, dtype: cast };
    }
    case "binary": {
      const [a, b] = [at(node.a), at(node.b)];
      same(node.b, a.shape);
      const int = a.dtype === "int" && b.dtype === "int" && integerResult.has(node.fn);
      return { shape: a.shape, dtype: int ? "int" : "float" };
    }
    case "select":
      same(node.b, at(node.a).shape);
      same(node.cond, at(node.a).shape);
      expect(at(node.a).dtype === at(node.b).dtype, () => "select of two types");
      return { shape: at(node.a).shape, dtype: at(node.a).dtype };
    case "broadcast": {
      const { shape, dtype } = at(node.x);
      expect(node.axes.length === shape.length, () => `broadcast axes ${node.axes.join(", ")}`);
      node.axes.forEach((a, i) => {
        checkAxis(a, node.shape);
        expect(i === 0 || a > node.axes[i - 1]!, () => "broadcast axes out of order");
        expect(equal(node.shape[a]!, shape[i]!), () => {
          return `broadcast of ${showShape(shape)} to ${showShape(node.shape)}`;
        });
      });
      return { shape: node.shape, dtype };
    }
    case "reduce": {
      const { shape, dtype } = at(node.x);
      for (const a of node.axes) checkAxis(a, shape);
      distinct(node.axes, "reduced axes");
      return { shape: shape.filter((_, i) => !node.axes.includes(i)), dtype };
    }
    case "contract":
      return { shape: contractShape(node, at), dtype: "float" };
    case "transpose": {
      const { shape, dtype } = at(node.x);
      expect(node.perm.length === shape.length, () => `permutation ${node.perm.join(", ")}`);
      distinct(node.perm, "permuted axes");
      for (const p of node.perm) checkAxis(p, shape);
      return { shape: node.perm.map((p) => shape[p]!), dtype };
    }
    case "reshape": {
      const { shape, dtype } = at(node.x);
      const comparable = polynomial(shape) && polynomial(node.shape);
      expect(!comparable || equal(product(shape), product(node.shape)), () => {
        return `reshape of ${showShape(shape)} to ${showShape(node.shape)}`;
      });
      return { shape: node.shape, dtype };
    }
    case "slice":
    case "pad": {
      const { shape, dtype } = at(node.x);
      checkAxis(node.axis, shape);
      const [n, m] = [shape[node.axis]!, node.shape[node.axis] ?? dim(0)];
      const ok =
        node.op === "slice"
          ? fits(dim(0), node.start) && fits(add(node.start, m), n)
          : fits(dim(0), node.before) && fits(add(node.before, n), m);
      expect(ok, () => `${node.op} of axis ${node.axis}: ${show(n)} to ${show(m)}`);
      return { shape: shape.map((d, i) => (i === node.axis ? m : d)), dtype };
    }
    case "concat": {
      expect(node.xs.length > 0, () => "concat of nothing");
      const { shape, dtype } = at(node.xs[0]!);
      checkAxis(node.axis, shape);
      let length = dim(0);
      for (const x of node.xs) {
        const part = at(x);
        same(x, shape.map((d, i) => (i === node.axis ? (part.shape[i] ?? d) : d))); // prettier-ignore
        expect(part.dtype === dtype, () => "concat of two types");
        length = add(length, part.shape[node.axis]!);
      }
      return { shape: shape.map((d, i) => (i === node.axis ? length : d)), dtype };
    }
    case "roll":
    case "reverse":
    case "cumsum":
      checkAxis(node.axis, at(node.x).shape);
      return { shape: at(node.x).shape, dtype: at(node.x).dtype };
    case "gather": {
      const { shape, dtype } = at(node.table);
      expect(shape.length > 0, () => "gather from a number");
      return { shape: [...index(node.index), ...shape.slice(1)], dtype };
    }
    case "scatter": {
      const lead = index(node.index);
      const { shape } = at(node.updates);
      expect(sameShape(shape.slice(0, lead.length), lead), () => "scatter of other rows");
      return { shape: [node.shape[0] ?? dim(0), ...shape.slice(lead.length)], dtype: "float" };
    }
    case "pick": {
      const { shape, dtype } = at(node.x);
      expect(shape.length > 0, () => "pick from a number");
      index(node.index);
      same(node.index, shape.slice(0, -1));
      return { shape: shape.slice(0, -1), dtype };
    }
    case "place":
      same(node.value, index(node.index));
      return { shape: [...at(node.index).shape, node.shape.at(-1) ?? dim(0)], dtype: "float" };
    case "solve": {
      const [m, r] = [at(node.matrix).shape, at(node.right).shape];
      const ok = m.length >= 2 && m.length === r.length && equal(m.at(-1)!, m.at(-2)!);
      expect(ok && sameShape(m.slice(0, -1), r.slice(0, -1)), () => {
        return `solve of ${showShape(m)} with ${showShape(r)}`;
      });
      return { shape: r, dtype: "float" };
    }
    case "append":
      expect(index(node.at).length === 0, () => "append at an index with axes");
      same(node.row, at(node.x).shape.slice(1));
      return { shape: at(node.x).shape, dtype: "float" };
    case "stop":
      return { shape: at(node.x).shape, dtype: at(node.x).dtype };
    case "recurrence":
      return { shape: [], dtype: "float" };
    case "result": {
      const of = at(node.of);
      expect(of.op === "recurrence", () => `%${node.of} is no recurrence`);
      const output = of.recurrence.outputs[node.index];
      expect(output !== undefined, () => `%${node.of} has no output ${node.index}`);
      return recurrenceOutputShape(of.recurrence, output);
    }
    default:
      return unreachable(node);
  }
}

function contractShape(node: Node & { op: "contract" }, at: (id: NodeId) => Node): Shape {
  const sizes = new Map<number, Dim>();
  for (const [id, labels] of [
    [node.a, node.aLabels],
    [node.b, node.bLabels],
  ] as const) {
    const { shape, dtype } = at(id);
    expect(dtype === "float", () => "contract of integers");
    expect(labels.length === shape.length, () => `labels ${labels.join(",")}: ${showShape(shape)}`);
    distinct(labels, "labels");
    labels.forEach((label, i) => {
      const known = sizes.get(label);
      expect(known === undefined || equal(known, shape[i]!), () => {
        return `label ${label} is ${show(known!)} and ${show(shape[i]!)}`;
      });
      sizes.set(label, shape[i]!);
    });
  }
  distinct(node.outLabels, "result labels");
  for (const l of node.outLabels) expect(sizes.has(l), () => `result label ${l} is in no operand`);
  return node.outLabels.map((l) => sizes.get(l)!);
}
