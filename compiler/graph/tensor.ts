/** Arrays of numbers as the interpreter and the tests hold them: float64, row-major, integers included. */
import { InternalError } from "../../diagnostics/diagnostic.ts";

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function elements(shape: readonly number[]): number {
  let count = 1;
  for (const n of shape) count *= n;
  return count;
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = Array.from({ length: shape.length }, () => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** A tensor of the given elements, in row-major order. */
export function tensor(shape: readonly number[], data: ArrayLike<number>): Tensor {
  if (data.length !== elements(shape)) {
    throw new InternalError(`${data.length} elements for the shape [${shape.join(", ")}]`);
  }
  return { shape, data: data instanceof Float64Array ? data : Float64Array.from(data) };
}

export const zeros = (shape: readonly number[]): Tensor => ({
  shape,
  data: new Float64Array(elements(shape)),
});

export const scalar = (value: number): Tensor => ({ shape: [], data: Float64Array.of(value) });
