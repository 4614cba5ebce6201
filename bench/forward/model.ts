/** The forward pass of language_model.fwp as one writes it with a library of tensors: the delta rule by chunks, heads and sequences as one list. */
import type { Ops } from "./ops.ts";

export interface Sizes {
  readonly batch: number;
  readonly time: number;
  readonly heads: number;
  /** Of keys and of values. */
  readonly size: number;
  readonly depth: number;
  /** Steps of a chunk: a power of two that divides `time`; 1: step by step. */
  readonly chunk: number;
}

export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export type Weights = ReadonlyMap<string, Weight>;

const UNIT_EPSILON = 1e-6;
/** Up to this size a triangular matrix is inverted by products of its powers alone. */
const SMALL = 8;

const numbers = new Map<string, Float32Array>();

/** A square matrix by row and column. The same array for the same name and size: what is equal is one constant. */
function square(
  name: string,
  size: number,
  at: (row: number, column: number) => number,
): Float32Array {
  // prettier-ignore
  const key = `${name} ${size}`;
  const known = numbers.get(key);
  if (known !== undefined) return known;
  const made = Float32Array.from({ length: size * size }, (_, i) =>
    at(Math.floor(i / size), i % size),
  );
  numbers.set(key, made);
  return made;
}

/** Ones below the diagonal, or on it too. */
const below = (size: number): Float32Array => square("below", size, (i, j) => (j < i ? 1 : 0));
const upTo = (size: number): Float32Array => square("up to", size, (i, j) => (j <= i ? 1 : 0));
const identity = (size: number): Float32Array => square("one", size, (i, j) => (i === j ? 1 : 0));
const nothing = (size: number): Float32Array => square("zero", size, () => 0);

/** (1 + x)⁻¹ for `count` matrices that are zero on the diagonal and above it. */
function inverse<T>(ops: Ops<T>, x: T, count: number, size: number): T {
  if (size <= SMALL) {
    // (1 − p)(1 + p²)(1 + p⁴) … ends where the power is zero.
    const one = ops.constant([1, size, size], identity(size));
    let sum = ops.subtract(one, x);
    let power = x;
    for (let n = 2; n < size; n *= 2) {
      power = ops.product(power, power);
      sum = ops.product(sum, ops.add(one, power));
    }
    return sum;
  }
  // Both blocks on the diagonal at once; below them it is minus the second one's inverse · x · the first one's.
  const half = size / 2;
  const part = (row: number, column: number): T =>
    ops.slice(ops.slice(x, 1, row, row + half), 2, column, column + half);
  const both = inverse(ops, ops.concat([part(0, 0), part(half, half)], 0), 2 * count, half);
  const [first, second] = [ops.slice(both, 0, 0, count), ops.slice(both, 0, count, 2 * count)];
  const corner = ops.scale(ops.product(ops.product(second, part(half, 0)), first), -1);
  const zero = ops.multiply(corner, ops.constant([1, half, half], nothing(half)));
  return ops.concat([ops.concat([first, zero], 2), ops.concat([corner, second], 2)], 1);
}

/** Query, key, value and rate. */
type Given<T> = readonly [T, T, T, T];

/** By chunks: inside of one, all corrections come from one triangular system. */
function byChunks<T>(ops: Ops<T>, [q, k, v, rate]: Given<T>, lists: number, sizes: Sizes): T {
  const { chunk, time } = sizes;
  const chunks = time / chunk;
  const mask = (of: (size: number) => Float32Array): T =>
    ops.constant([1, chunk, chunk], of(chunk));
  const likeness = ops.multiply(ops.product(k, k, "second"), mask(below));
  const system = ops.multiply(likeness, ops.reshape(rate, [chunks * lists, chunk, 1]));
  const solved = ops.multiply(inverse(ops, system, chunks * lists, chunk), rate);
  const inside = ops.multiply(ops.product(q, k, "second"), mask(upTo));
  const [values, keys] = [ops.product(solved, v), ops.product(solved, k)];
  const cut = [values, keys, inside, q, k].map((x) => ops.parts(x, chunks));
  const answers: T[] = [];
  // Transposed, as the products have it: [keys, values] of each list.
  let state: T | null = null;
  for (let c = 0; c < chunks; c++) {
    const [values, keys, inside, q, k] = cut.map((list) => list[c]!) as [T, T, T, T, T];
    const written: T = state === null ? values : ops.subtract(values, ops.product(keys, state));
    const near = ops.product(inside, written);
    answers.push(state === null ? near : ops.add(near, ops.product(q, state)));
    if (c === chunks - 1) break;
    const change = ops.product(k, written, "first");
    state = state === null ? change : ops.add(state, change);
  }
  return ops.concat(answers, 0);
}

function byStep<T>(ops: Ops<T>, given: Given<T>, lists: number, { time, size }: Sizes): T {
  const [q, k, v, rate] = given.map((x) => ops.parts(x, time)) as [T[], T[], T[], T[]];
  // Zeros for all lists by broadcasting.
  let state = ops.constant([1, size, size], nothing(size));
  const answers = k.map((key, t) => {
    const wrong = ops.subtract(v[t]!, ops.product(key, state));
    const column = ops.reshape(key, [lists, size, 1]);
    state = ops.add(state, ops.multiply(column, ops.multiply(wrong, rate[t]!)));
    return ops.product(q[t]!, state);
  });
  return ops.concat(answers, 0);
}

/** Logits [batch · time, vocab]. Rows are in the order of chunks, then of sequences, then of steps. */
export function logitsOf<T>(ops: Ops<T>, weights: Weights, sizes: Sizes): T {
  const { batch, time, heads, size, depth, chunk } = sizes;
  const [chunks, width, lists] = [time / chunk, heads * size, batch * heads];
  const get = (name: string): T => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`the model has no weight ${name}`);
    return ops.constant(found.shape, found.data);
  };
  /** One matrix [chunk, columns] for each chunk of each head. */
  const byHead = (x: T, columns: number): T => {
    if (chunk === 1) return ops.reshape(x, [time * lists, 1, columns]);
    const turned = ops.transpose(ops.reshape(x, [chunks * batch, chunk, heads, columns]), [0, 2, 1, 3]); // prettier-ignore
    return ops.reshape(turned, [chunks * lists, chunk, columns]);
  };
  /** W ← W + rate · (v − W k) kᵀ, read after the write. */
  const mixer = (x: T, at: (name: string) => T): T => {
    const unit = (name: string): T => {
      const raw = byHead(ops.dense(x, at(name)), size);
      return ops.unit(ops.multiply(raw, ops.sigmoid(raw)), UNIT_EPSILON);
    };
    const rates = byHead(ops.sigmoid(ops.dense(x, at("rate"), at("rate.bias"))), 1);
    const rate = ops.reshape(rates, [chunks * lists, 1, chunk]);
    const q = ops.scale(unit("q"), size ** -0.5);
    const given: Given<T> = [q, unit("k"), byHead(ops.dense(x, at("v")), size), rate];
    const read = chunk === 1 ? byStep(ops, given, lists, sizes) : byChunks(ops, given, lists, sizes); // prettier-ignore
    const joined = ops.transpose(ops.reshape(read, [chunks * batch, heads, chunk, size]), [0, 2, 1, 3]); // prettier-ignore
    return ops.dense(ops.reshape(joined, [batch * time, width]), at("y"));
  };
  const tokens = ops.transpose(ops.reshape(ops.tokens(), [batch, chunks, chunk]), [1, 0, 2]);
  let x = ops.reshape(ops.rows(get("table"), tokens), [batch * time, width]);
  for (let i = 0; i < depth; i++) {
    const at = (name: string): T => get(`${i}.${name}`);
    const before = x;
    x = ops.scope(() => {
      const mixed = mixer(ops.norm(before, at("norm.gain"), at("norm.bias")), at);
      const middle = ops.add(before, mixed);
      const h = ops.norm(middle, at("norm_2.gain"), at("norm_2.bias"));
      const hidden = ops.relu(ops.dense(h, at("up"), at("up.bias")));
      return ops.add(middle, ops.dense(hidden, at("down"), at("down.bias")));
    });
  }
  const last = ops.norm(x, get("norm.gain"), get("norm.bias"));
  const logits = ops.dense(last, get("logits"), get("logits.bias"));
  const vocab = weights.get("logits.bias")!.data.length;
  const ordered = ops.transpose(ops.reshape(logits, [chunks, batch, chunk * vocab]), [1, 0, 2]);
  return ops.reshape(ordered, [batch * time, vocab]);
}
