/** Copies whose neighbours lie along one axis where they come from and along another where they go. */
import { constant, dim, type Dim } from "../dims.ts";
import { vectorLoad } from "../loop/build.ts";
import { ofVariable, shifted, type Affine } from "./affine.ts";
import type { Address } from "./evaluate.ts";
import { loopName, type Lowering } from "./lower.ts";
import { transposed } from "./transposed.ts";

type At = (index: readonly Affine[]) => Address;

/** An array and the axis along which its elements lie next to each other. */
export interface Laid {
  readonly at: At;
  readonly axis: number;
}

/**
 * Copies an array square by square, each turned over in registers. False, and nothing written, where its sides are not
 * whole registers, or where neighbours lie along the same axis on both sides.
 */
export function copyTurned(l: Lowering, shape: readonly Dim[], from: Laid, to: Laid): boolean {
  const { emitter, memory } = l;
  if (memory.machine.kind !== "vector" || from.axis === to.axis) return false;
  const [lanes, bytes] =
    memory.precision === "f32" ? [memory.machine.lanes, 4] : [memory.machine.lanes / 2, 8];
  const sides = [from.axis, to.axis].map((axis) => constant(shape[axis]!));
  if (sides.some((n) => n === undefined || n % lanes !== 0)) return false;
  const index = shape.map((extent, axis) => {
    const step = axis === from.axis || axis === to.axis ? lanes : 1;
    return ofVariable(
      emitter.open(loopName(extent, axis), extent, { step, spread: "independent" }),
    );
  });
  /** The index some elements further along an axis. */
  const further = (axis: number, by: number): Affine[] =>
    index.map((a, i) => (i === axis ? shifted(a, dim(by)) : a));
  const rows = Array.from({ length: lanes }, (_, j) => {
    const { buffer, index: at } = from.at(further(to.axis, j));
    return emitter.define("row", vectorLoad(buffer, at, lanes));
  });
  transposed(emitter, rows, bytes).forEach((value, i) => {
    const { buffer, index: at } = to.at(further(from.axis, i));
    emitter.emit({ op: "store", buffer, index: at, value, add: false });
  });
  shape.forEach(() => emitter.close());
  return true;
}
