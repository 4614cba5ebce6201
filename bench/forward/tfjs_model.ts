/** The language model with TensorFlow.js on WebAssembly. Import it after `loadTfjsWasm`. */
import * as tf from "@tensorflow/tfjs-core";
import { logitsOf, type Sizes, type Weights } from "./model.ts";
import { NORM_EPSILON, type Ops } from "./ops.ts";

/** Parts that are made at once. */
const WAYS = 4;

/** In several steps: a slice first copies all that it is a slice of, and `gather` is slower still. */
function partsOf(x: tf.Tensor, count: number): tf.Tensor[] {
  if (count === 1) return [x];
  const ways = count % WAYS === 0 ? WAYS : count;
  const [rows = 0, ...rest] = x.shape;
  const size = rows / ways;
  return Array.from({ length: ways }, (_, i) =>
    tf.slice(x, [i * size, ...rest.map(() => 0)], [size, ...rest]),
  ).flatMap((part) => partsOf(part, count / ways));
}

function opsOf(tokens: () => tf.Tensor): Ops<tf.Tensor> & { dispose(): void } {
  const kept = new Map<Float32Array, tf.Tensor>();
  return {
    constant(shape, data) {
      const made = kept.get(data) ?? tf.keep(tf.tensor(data, [...shape]));
      kept.set(data, made);
      return made;
    },
    tokens,
    rows: (table, tokens) => tf.gather(table, tokens as tf.Tensor2D),
    dense: (x, weight, bias) => {
      const y = tf.matMul(x, weight);
      return bias === undefined ? y : tf.add(y, bias);
    },
    product: (a, b, turned) => tf.matMul(a, b, turned === "first", turned === "second"),
    add: (a, b) => tf.add(a, b),
    subtract: (a, b) => tf.sub(a, b),
    multiply: (a, b) => tf.mul(a, b),
    scale: (x, by) => tf.mul(x, by),
    relu: (x) => tf.relu(x),
    sigmoid: (x) => tf.sigmoid(x),
    norm(x, gain, bias) {
      const { mean, variance } = tf.moments(x, -1, true);
      const scale = tf.rsqrt(tf.add(variance, NORM_EPSILON));
      return tf.add(tf.mul(tf.mul(tf.sub(x, mean), scale), gain), bias);
    },
    unit: (x, epsilon) => tf.mul(x, tf.rsqrt(tf.add(tf.sum(tf.square(x), -1, true), epsilon))),
    reshape: (x, shape) => tf.reshape(x, [...shape]),
    transpose: (x, order) => tf.transpose(x, [...order]),
    slice(x, axis, from, to) {
      const begin = x.shape.map((_, i) => (i === axis ? from : 0));
      return tf.slice(
        x,
        begin,
        x.shape.map((n, i) => (i === axis ? to - from : n)),
      );
    },
    concat: (list, axis) => tf.concat([...list], axis),
    parts: (x, count) => partsOf(x, count),
    scope: (make) => tf.tidy(make),
    dispose() {
      for (const tensor of kept.values()) tensor.dispose();
    },
  };
}

export interface TfjsModel {
  run(tokens: Int32Array): Float32Array;
  dispose(): void;
}

export async function tfjsModel(weights: Weights, sizes: Sizes): Promise<TfjsModel> {
  if (!(await tf.setBackend("wasm")))
    throw new Error("the wasm backend of TensorFlow.js does not start");
  tf.enableProdMode();
  let now: tf.Tensor | null = null;
  const ops = opsOf(() => now!);
  return {
    run(tokens) {
      const logits = tf.tidy(() => {
        now = tf.tensor2d(tokens, [sizes.batch, sizes.time], "int32");
        return logitsOf(ops, weights, sizes);
      });
      const found = logits.dataSync<"float32">();
      logits.dispose();
      return found;
    },
    dispose: () => ops.dispose(),
  };
}
