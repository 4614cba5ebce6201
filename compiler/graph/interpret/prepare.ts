/** Turns a node into a function of the values before it. */
import { InternalError, unreachable } from "../../../diagnostics/diagnostic.ts";
import { fillNormal, fillUniform } from "../../../runtime/format/random.ts";
import { evaluateDim, type Dim, type NamedAtom } from "../../dims.ts";
import type { Graph, Node, NodeId, Recurrence } from "../ir.ts";
import { bodyNode } from "../shapes.ts";
import { elements, stridesOf } from "../tensor.ts";
import { binaryFunction, unaryFunction } from "./functions.ts";
import {
  axisMap,
  checkedIndex,
  contractKernel,
  cumsumKernel,
  gatherBy,
  offsets,
  reduceKernel,
  solveKernel,
  type Values,
} from "./kernels.ts";

/** Values of the nodes so far, by id. Inputs are put there before the first node runs. */
export type Frame = (Values | undefined)[];
export type Action = (frame: Frame) => Values;
export type SizeLookup = (atom: NamedAtom) => number | undefined;

/** What a recurrence leaves in its frame slot is unused; its results are kept here. */
export type Results = Map<NodeId, Values[]>;

export interface Context {
  readonly graph: Graph;
  readonly sizes: SizeLookup;
  readonly results: Results;
  /** Makes a recurrence ready to run; given from outside because it prepares graphs in its turn. */
  readonly recurrence: (r: Recurrence) => (outer: Frame) => Values[];
}

function moved(x: NodeId, map: Int32Array): Action {
  const run = gatherBy(map);
  return (f) => run(f[x]!);
}

export function prepare(node: Node, context: Context): Action {
  const { graph, sizes, results } = context;
  const value = (d: Dim) => evaluateDim(d, sizes);
  const shapeOf = (id: NodeId) => bodyNode(graph, id).shape.map(value);
  const shape = node.shape.map(value);
  const count = elements(shape);
  switch (node.op) {
    case "input":
      return (f) => {
        const given = f[node.id];
        if (given === undefined) throw new InternalError(`input ${node.name} has no value`);
        return given;
      };
    case "constant": {
      const data = Float64Array.of(node.value);
      return () => data;
    }
    case "size": {
      const data = Float64Array.of(value(node.value));
      return () => data;
    }
    case "iota": {
      const data = Float64Array.from({ length: count }, (_, i) => i);
      return () => data;
    }
    case "random":
      return (f) => {
        const out = new Float64Array(count);
        const fill = node.distribution === "uniform" ? fillUniform : fillNormal;
        fill(out, f[node.seed]![0]!, node.stream);
        return out;
      };
    case "unary": {
      const fn = unaryFunction(node.fn);
      return (f) => f[node.x]!.map(fn);
    }
    case "binary": {
      const fn = binaryFunction(node.fn, node.dtype);
      return (f) => {
        const b = f[node.b]!;
        return f[node.a]!.map((x, i) => fn(x, b[i]!));
      };
    }
    case "select":
      return (f) => {
        const [a, b] = [f[node.a]!, f[node.b]!];
        return f[node.cond]!.map((c, i) => (c === 0 ? b[i]! : a[i]!));
      };
    case "broadcast": {
      const own = stridesOf(shapeOf(node.x));
      const strides = shape.map((_, i) => own[node.axes.indexOf(i)] ?? 0);
      return moved(node.x, offsets(shape, strides));
    }
    case "transpose": {
      const own = stridesOf(shapeOf(node.x));
      return moved(
        node.x,
        offsets(
          shape,
          node.perm.map((p) => own[p]!),
        ),
      );
    }
    case "reshape":
    case "stop":
      return (f) => f[node.x]!;
    case "slice":
    case "pad": {
      const from = shapeOf(node.x);
      const n = from[node.axis]!;
      if (node.op === "slice") {
        const start = value(node.start);
        return moved(
          node.x,
          axisMap(from, shape, node.axis, (i) => start + i),
        );
      }
      const before = value(node.before);
      const source = (i: number) => (i >= before && i < before + n ? i - before : -1);
      return moved(node.x, axisMap(from, shape, node.axis, source));
    }
    case "roll": {
      const n = shape[node.axis]!;
      const shift = value(node.shift);
      const source = (i: number) => (((i - shift) % n) + n) % n;
      return moved(node.x, axisMap(shape, shape, node.axis, source));
    }
    case "reverse": {
      const n = shape[node.axis]!;
      return moved(
        node.x,
        axisMap(shape, shape, node.axis, (i) => n - 1 - i),
      );
    }
    case "concat": {
      const inner = elements(shape.slice(node.axis + 1));
      const outer = elements(shape.slice(0, node.axis));
      const rows = node.xs.map((x) => shapeOf(x)[node.axis]! * inner);
      return (f) => {
        const out = new Float64Array(count);
        for (let o = 0, at = 0; o < outer; o++) {
          node.xs.forEach((x, k) => {
            out.set(f[x]!.subarray(o * rows[k]!, (o + 1) * rows[k]!), at);
            at += rows[k]!;
          });
        }
        return out;
      };
    }
    case "reduce": {
      const run = reduceKernel(node, shapeOf(node.x));
      return (f) => run(f[node.x]!);
    }
    case "contract": {
      const run = contractKernel(node, shapeOf(node.a), shapeOf(node.b));
      return (f) => run(f[node.a]!, f[node.b]!);
    }
    case "cumsum": {
      const run = cumsumKernel(node, shape);
      return (f) => run(f[node.x]!);
    }
    case "solve": {
      const run = solveKernel(node, shape);
      return (f) => run(f[node.matrix]!, f[node.right]!);
    }
    case "gather": {
      const [n = 0, ...row] = shapeOf(node.table);
      const width = elements(row);
      return (f) => {
        const out = new Float64Array(count);
        const table = f[node.table]!;
        f[node.index]!.forEach((index, i) => {
          const at = checkedIndex(index, n, "gather");
          out.set(table.subarray(at * width, (at + 1) * width), i * width);
        });
        return out;
      };
    }
    case "scatter": {
      const [n = 0, ...row] = shape;
      const width = elements(row);
      return (f) => {
        const out = new Float64Array(count);
        const updates = f[node.updates]!;
        f[node.index]!.forEach((index, i) => {
          const at = checkedIndex(index, n, "scatter") * width;
          for (let r = 0; r < width; r++) out[at + r]! += updates[i * width + r]!;
        });
        return out;
      };
    }
    case "pick": {
      const n = shapeOf(node.x).at(-1)!;
      return (f) => f[node.index]!.map((k, i) => f[node.x]![i * n + checkedIndex(k, n, "pick")]!);
    }
    case "place": {
      const n = shape.at(-1)!;
      return (f) => {
        const out = new Float64Array(count);
        f[node.index]!.forEach((k, i) => {
          out[i * n + checkedIndex(k, n, "place")] = f[node.value]![i]!;
        });
        return out;
      };
    }
    case "append": {
      const [n = 0, ...row] = shape;
      return (f) => {
        const out = Float64Array.from(f[node.x]!);
        out.set(f[node.row]!, checkedIndex(f[node.at]![0]!, n, "append") * elements(row));
        return out;
      };
    }
    case "recurrence": {
      const run = context.recurrence(node.recurrence);
      const none = new Float64Array(0);
      return (f) => {
        results.set(node.id, run(f));
        return none;
      };
    }
    case "result":
      return () => results.get(node.of)![node.index]!;
    default:
      return unreachable(node);
  }
}
