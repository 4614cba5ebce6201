/** Random tensors for tests, the same on every run. */
import { elements, type Tensor } from "../../compiler/graph/tensor.ts";
import { fillNormal, fillUniform, streamOf } from "../../runtime/format/random.ts";

export function drawNormal(shape: readonly number[], name: string, scale = 1): Tensor {
  const data = new Float64Array(elements(shape));
  fillNormal(data, 1, streamOf(name));
  return { shape, data: data.map((x) => x * scale) };
}

export function drawUniform(
  shape: readonly number[],
  name: string,
  low: number,
  high: number,
): Tensor {
  const data = new Float64Array(elements(shape));
  fillUniform(data, 1, streamOf(name));
  return { shape, data: data.map((x) => low + x * (high - low)) };
}

/** Integers from 0 to n − 1. */
export function drawInts(shape: readonly number[], name: string, n: number): Tensor {
  return { shape, data: drawUniform(shape, name, 0, n).data.map(Math.floor) };
}
