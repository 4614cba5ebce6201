/** What a library has to offer so that the language model can be written with it: values are its tensors, or names of them. */

export type Shape = readonly number[];

export interface Ops<T> {
  /** Numbers that stay: weights, masks. */
  constant(shape: Shape, data: Float32Array): T;
  /** Tokens [sequences, steps]. */
  tokens(): T;
  /** For each token the row of a table: [..tokens, columns]. */
  rows(table: T, tokens: T): T;
  /** Of a matrix [rows, inputs] with a constant one [inputs, outputs]. */
  dense(x: T, weight: T, bias?: T): T;
  /** Of each pair of matrices in two equally long lists: [n, rows, inner] and [n, inner, columns], one of them turned. */
  product(a: T, b: T, turned?: "first" | "second"): T;
  add(a: T, b: T): T;
  subtract(a: T, b: T): T;
  multiply(a: T, b: T): T;
  scale(x: T, by: number): T;
  relu(x: T): T;
  sigmoid(x: T): T;
  /** Layer normalisation of the last axis. */
  norm(x: T, gain: T, bias: T): T;
  /** Rows of the last axis with length one: x / sqrt(sum(x²) + epsilon). */
  unit(x: T, epsilon: number): T;
  reshape(x: T, shape: Shape): T;
  transpose(x: T, order: readonly number[]): T;
  slice(x: T, axis: number, from: number, to: number): T;
  concat(list: readonly T[], axis: number): T;
  /** Along the first axis, in so many equal parts. */
  parts(x: T, count: number): readonly T[];
  /** What is made on the way to the results is not needed after it. */
  scope(make: () => T): T;
}

/** Epsilon of layer normalisation, the same for all. */
export const NORM_EPSILON = 1e-5;
