/** The two sides of a product of matrices. */
import { constant, dim, product, type Dim } from "../dims.ts";
import type { ContractNode, NodeId } from "../graph/ir.ts";
import { axesOf } from "../graph/axes.ts";
import { classify, isShown, isView } from "../graph/products.ts";
import { divide, fixed, plus, stridesOf, times, type Affine } from "./affine.ts";
import type { Emitter } from "./emitter.ts";
import type { Region } from "./region.ts";

/** One side of the product: the labels that only one operand has, as one long axis. */
export interface Side {
  readonly operand: NodeId;
  readonly operandLabels: readonly number[];
  /** The label of the operand's last axis that is longer than one. */
  readonly last: number | undefined;
  readonly labels: readonly number[];
  readonly count: Dim;
}

/** A run-time size counts as large. */
export const lengthOf = (side: Side): number => constant(side.count) ?? Number.MAX_SAFE_INTEGER;

/**
 * That of the first operand and that of the second, and the labels that are summed over and that both sides keep. Labels of
 * length one are left out: along them every index is zero.
 */
export function sidesOf(node: ContractNode, sizes: ReadonlyMap<number, Dim>) {
  const long = (label: number) => constant(sizes.get(label)!) !== 1;
  const classes = classify(node);
  const [summed, batch, rows, columns] = [classes.summed, classes.batch, classes.rows, classes.columns].map((labels) => labels.filter(long)) as [number[], number[], number[], number[]]; // prettier-ignore
  const side = (operand: NodeId, operandLabels: readonly number[], labels: readonly number[]): Side => ({ operand, operandLabels, last: operandLabels.findLast(long), labels, count: product(labels.map((l) => sizes.get(l)!)) }); // prettier-ignore
  return {
    a: side(node.a, node.aLabels, rows),
    b: side(node.b, node.bLabels, columns),
    summed,
    batch,
  };
}

/** Whether a value can be read from memory as it is. */
export function isStored(region: Region, id: NodeId): boolean {
  const at = region.locations.get(id);
  if (at !== undefined) {
    return at.kind === "buffer" || (at.kind === "outer" && isStored(at.region, at.node));
  }
  const node = region.node(id);
  return isShown(node) && isStored(region, node.x);
}

/** How far apart neighbours along an axis of a stored value lie in memory; undefined where that is not the same everywhere. */
export function strideOf(region: Region, id: NodeId, axis: number): Dim | undefined {
  const at = region.locations.get(id);
  if (at?.kind === "buffer") return at.strides[axis];
  if (at?.kind === "outer") return strideOf(at.region, at.node, at.prefix.length + axis);
  const node = region.node(id);
  if (at !== undefined || !isView(node)) return undefined;
  if (node.op === "slice") return strideOf(region, node.x, axis);
  const { operands, along } = axesOf(node, (x) => region.node(x).shape);
  const [x] = operands;
  if (x === undefined || along.includes(axis)) return undefined;
  const inner = x.axes.indexOf(axis);
  return inner < 0 ? dim(0) : strideOf(region, x.id, inner);
}

/** Indices of a side's labels at number `block · width + offset` along it. */
export function labelsAt(
  emitter: Emitter,
  sizes: ReadonlyMap<number, Dim>,
  side: Side,
  block: Affine,
  width: number,
  offset: Affine,
): Map<number, Affine> {
  const extents = side.labels.map((l) => sizes.get(l)!);
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
