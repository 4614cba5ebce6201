/** One closure per node: everything that depends on shapes alone is worked out once, before the first step. */
import { InternalError } from "../../../diagnostics/diagnostic.ts";
import type { ContractNode, CumsumNode, ReduceNode, SolveNode } from "../ir.ts";
import { elements, stridesOf } from "../tensor.ts";

export type Values = Float64Array;

/** For every element of `shape`, `offset` plus the sum of its coordinates times `strides`. */
export function offsets(
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Int32Array {
  const out = new Int32Array(elements(shape));
  const at = shape.map(() => 0);
  let position = offset;
  for (let i = 0; i < out.length; i++) {
    out[i] = position;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += strides[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      position -= strides[axis]! * shape[axis]!;
      at[axis] = 0;
    }
  }
  return out;
}

/** Copies elements to other places: out[i] = x[map[i]], or 0 where map[i] is negative. */
export function gatherBy(map: Int32Array): (x: Values) => Values {
  return (x) => {
    const out = new Float64Array(map.length);
    for (let i = 0; i < map.length; i++) {
      const from = map[i]!;
      if (from >= 0) out[i] = x[from]!;
    }
    return out;
  };
}

/** A map that changes the coordinate along one axis only; `source` gives a negative number for a zero. */
export function axisMap(
  from: readonly number[],
  to: readonly number[],
  axis: number,
  source: (i: number) => number,
): Int32Array {
  const inner = elements(to.slice(axis + 1));
  const outer = elements(to.slice(0, axis));
  const [n, m] = [from[axis]!, to[axis]!];
  const map = new Int32Array(outer * m * inner);
  for (let o = 0, at = 0; o < outer; o++) {
    for (let i = 0; i < m; i++) {
      const s = source(i);
      if (s >= n) throw new InternalError(`element ${s} of an axis of ${n}`);
      for (let r = 0; r < inner; r++) map[at++] = s < 0 ? -1 : (o * n + s) * inner + r;
    }
  }
  return map;
}

export function reduceKernel(node: ReduceNode, from: readonly number[]): (x: Values) => Values {
  const kept = from.map((_, i) => i).filter((i) => !node.axes.includes(i));
  const shape = kept.map((i) => from[i]!);
  const inner = stridesOf(shape);
  const strides = from.map((_, i) => (kept.includes(i) ? inner[kept.indexOf(i)]! : 0));
  const map = offsets(from, strides);
  const count = elements(shape);
  const start = node.fn === "sum" ? 0 : node.fn === "max" ? -Infinity : Infinity;
  const join = node.fn === "max" ? Math.max : Math.min;
  return (x) => {
    const out = new Float64Array(count).fill(start);
    if (node.fn === "sum") for (let i = 0; i < map.length; i++) out[map[i]!]! += x[i]!;
    else for (let i = 0; i < map.length; i++) out[map[i]!] = join(out[map[i]!]!, x[i]!);
    return out;
  };
}

/** Strides of one operand along the given labels; 0 where it lacks the label. */
function along(
  labels: readonly number[],
  own: readonly number[],
  strides: readonly number[],
): number[] {
  return labels.map((l) => (own.includes(l) ? strides[own.indexOf(l)]! : 0));
}

export function contractKernel(
  node: ContractNode,
  aShape: readonly number[],
  bShape: readonly number[],
): (a: Values, b: Values) => Values {
  const size = new Map<number, number>();
  node.aLabels.forEach((l, i) => size.set(l, aShape[i]!));
  node.bLabels.forEach((l, i) => size.set(l, bShape[i]!));
  const summed = [...size.keys()].filter((l) => !node.outLabels.includes(l));
  const outShape = node.outLabels.map((l) => size.get(l)!);
  const sumShape = summed.map((l) => size.get(l)!);
  const [aStrides, bStrides] = [stridesOf(aShape), stridesOf(bShape)];
  const aOut = offsets(outShape, along(node.outLabels, node.aLabels, aStrides));
  const bOut = offsets(outShape, along(node.outLabels, node.bLabels, bStrides));
  const aSum = offsets(sumShape, along(summed, node.aLabels, aStrides));
  const bSum = offsets(sumShape, along(summed, node.bLabels, bStrides));
  return (a, b) => {
    const out = new Float64Array(aOut.length);
    for (let i = 0; i < out.length; i++) {
      const [p, q] = [aOut[i]!, bOut[i]!];
      let total = 0;
      for (let j = 0; j < aSum.length; j++) total += a[p + aSum[j]!]! * b[q + bSum[j]!]!;
      out[i] = total;
    }
    return out;
  };
}

export function cumsumKernel(node: CumsumNode, shape: readonly number[]): (x: Values) => Values {
  const n = shape[node.axis]!;
  const inner = elements(shape.slice(node.axis + 1));
  const outer = elements(shape.slice(0, node.axis));
  return (x) => {
    const out = new Float64Array(x.length);
    for (let o = 0; o < outer; o++) {
      for (let r = 0; r < inner; r++) {
        let total = 0;
        for (let k = 0; k < n; k++) {
          const at = (o * n + (node.reverse ? n - 1 - k : k)) * inner + r;
          if (node.exclusive) out[at] = total;
          total += x[at]!;
          if (!node.exclusive) out[at] = total;
        }
      }
    }
    return out;
  };
}

/** Substitution. `transpose` reads the matrix the other way round, which turns lower into upper. */
export function solveKernel(
  node: SolveNode,
  rightShape: readonly number[],
): (matrix: Values, right: Values) => Values {
  const n = rightShape.at(-2)!;
  const m = rightShape.at(-1)!;
  const systems = elements(rightShape.slice(0, -2));
  const forward = node.lower !== node.transpose;
  return (matrix, right) => {
    const out = Float64Array.from(right);
    for (let s = 0; s < systems; s++) {
      const [p, q] = [s * n * n, s * n * m];
      for (let k = 0; k < n; k++) {
        const i = forward ? k : n - 1 - k;
        for (let l = 0; l < k; l++) {
          const j = forward ? l : n - 1 - l;
          const factor = matrix[p + (node.transpose ? j * n + i : i * n + j)]!;
          for (let c = 0; c < m; c++) out[q + i * m + c]! -= factor * out[q + j * m + c]!;
        }
        if (node.unit) continue;
        const pivot = matrix[p + i * n + i]!;
        for (let c = 0; c < m; c++) out[q + i * m + c]! /= pivot;
      }
    }
    return out;
  };
}

/** An index into an axis of n, checked: the oracle never reads beside an array. */
export function checkedIndex(value: number, n: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value >= n) {
    throw new InternalError(`${what}: index ${value} into an axis of ${n}`);
  }
  return value;
}
