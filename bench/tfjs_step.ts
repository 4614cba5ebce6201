/**
 * The training step of the demo model as a user of TensorFlow.js writes it: dense maps over all time steps at once, a loop
 * over time for the fast weights with heads folded into the batch, gradients by `variableGrads`, clipping by the global
 * norm, AdamW. Where tfjs offers two ways, the one that is faster on its cpu backend is taken.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { TrainSettings } from "../runtime/format/training.ts";
import type { Batch } from "../runtime/tasks/task.ts";

export interface Shaped {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface TfjsStep {
  /** Takes one training step. Both numbers are of the weights before it. */
  step(batch: Batch): { readonly loss: number; readonly gradientNorm: number };
  /** Memory that is alive: the same after every step, or something leaks. */
  tensors(): number;
  dispose(): void;
}

type Weights = ReadonlyMap<string, tf.Variable>;

const NORM_EPSILON = 1e-5;
const SUM_EPSILON = 1e-6;

/** y = x Wᵀ: [rows, inputs] to [rows, outputs]; a weight's shape is its outputs' axes, then its inputs'. */
function dense(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const inputs = x.shape[1]!;
  const y = tf.matMul(x, tf.reshape(weight, [weight.size / inputs, inputs]), false, true);
  return bias === undefined ? y : tf.add(y, bias);
}

function layerNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  const scale = tf.rsqrt(tf.add(variance, NORM_EPSILON));
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), scale), gain), bias);
}

/** [batch · time, heads · size] to [batch · heads, time, size]. */
function byHead(x: tf.Tensor, batch: number, time: number, heads: number): tf.Tensor {
  const size = x.shape[1]! / heads;
  const split = tf.transpose(tf.reshape(x, [batch, time, heads, size]), [0, 2, 1, 3]);
  return tf.reshape(split, [batch * heads, time, size]);
}

/** Products of rectified coordinates with their neighbours, then divided by their sum. */
function features(x: tf.Tensor): tf.Tensor {
  const r = tf.relu(tf.concat([x, tf.neg(x)], -1));
  const [rows, time, n] = r.shape as [number, number, number];
  const rolled = tf.concat(
    [tf.slice(r, [0, 0, n - 1], [rows, time, 1]), tf.slice(r, [0, 0, 0], [rows, time, n - 1])],
    -1,
  );
  const product = tf.mul(r, rolled);
  return tf.div(product, tf.add(tf.sum(product, -1, true), SUM_EPSILON));
}

/** W ← W + rate · (value − W key) keyᵀ, read after the write: [rows, time, …] each, rows = batch · heads. */
function deltaNet(
  keys: tf.Tensor,
  values: tf.Tensor,
  queries: tf.Tensor,
  rates: tf.Tensor,
): tf.Tensor {
  const [rows, , n] = keys.shape as [number, number, number];
  const m = values.shape[2]!;
  const [key, value, query, rate] = [keys, values, queries, rates].map((x) => tf.unstack(x, 1));
  let W: tf.Tensor = tf.zeros([rows, m, n]);
  const answers = key!.map((k, t) => {
    const row = tf.reshape(k, [rows, 1, n]);
    const old = tf.matMul(W, row, false, true);
    const change = tf.mul(
      tf.sub(tf.reshape(value![t]!, [rows, m, 1]), old),
      tf.reshape(rate![t]!, [rows, 1, 1]),
    );
    W = tf.add(W, tf.matMul(change, row));
    return tf.reshape(tf.matMul(W, tf.reshape(query![t]!, [rows, n, 1])), [rows, m]);
  });
  return tf.stack(answers, 1);
}

interface Sizes {
  readonly batch: number;
  readonly time: number;
  readonly heads: number;
  readonly depth: number;
}

function mixer(x: tf.Tensor, at: (name: string) => tf.Variable, sizes: Sizes): tf.Tensor {
  const { batch, time, heads } = sizes;
  const head = (name: string) => byHead(dense(x, at(`mixer.${name}.weight`)), batch, time, heads);
  const read = deltaNet(
    features(head("k")),
    head("v"),
    features(head("q")),
    tf.sigmoid(head("rate")),
  );
  const m = read.shape[2]!;
  const joined = tf.transpose(tf.reshape(read, [batch, heads, time, m]), [0, 2, 1, 3]);
  return dense(tf.reshape(joined, [batch * time, heads * m]), at("mixer.y.weight"));
}

function logitsOf(
  weights: Weights,
  embed: (table: tf.Tensor) => tf.Tensor,
  sizes: Sizes,
): tf.Tensor {
  const get = (name: string): tf.Variable => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`the model has no weight ${name}`);
    return found;
  };
  let x = embed(get("x.table"));
  for (let i = 0; i < sizes.depth; i++) {
    const at = (name: string) => get(`layers.${i}.${name}`);
    x = tf.add(x, mixer(layerNorm(x, at("norm.gain"), at("norm.bias")), at, sizes));
    const h = layerNorm(x, at("norm_2.gain"), at("norm_2.bias"));
    const hidden = tf.relu(dense(h, at("mlp.h.weight"), at("mlp.h.bias")));
    x = tf.add(x, dense(hidden, at("mlp.y.weight"), at("mlp.y.bias")));
  }
  const last = layerNorm(x, get("norm.gain"), get("norm.bias"));
  return dense(last, get("logits.weight"), get("logits.bias"));
}

function meanLoss(
  weights: Weights,
  tokens: tf.Tensor1D,
  next: tf.Tensor1D,
  sizes: Sizes,
): tf.Scalar {
  const vocab = weights.get("x.table")!.shape[0]!;
  // A product with one-hot rows: the gradient of `gather` is several times slower on the cpu backend.
  const embed = (table: tf.Tensor): tf.Tensor =>
    tf.matMul(tf.cast(tf.oneHot(tokens, vocab), "float32"), table);
  const logits = logitsOf(weights, embed, sizes);
  return tf.losses.softmaxCrossEntropy(tf.oneHot(next, vocab), logits) as tf.Scalar;
}

/** Matrices decay, vectors and biases do not: as in the experiment's own optimiser. */
const decays = (name: string, v: tf.Variable): boolean => v.rank >= 2 && !name.endsWith(".bias");

const variables = (parameters: ReadonlyMap<string, Shaped>): Map<string, tf.Variable> =>
  new Map(
    [...parameters].map(([name, { shape, data }]) => [
      name,
      tf.variable(tf.tensor(data.slice(), [...shape]), true, name),
    ]),
  );

const dimensions = (weights: Weights): { readonly heads: number; readonly depth: number } => ({
  heads: weights.get("layers.0.mixer.k.weight")!.shape[0]!,
  depth: [...weights.keys()].filter((n) => n.endsWith(".mixer.k.weight")).length,
});

/** The model with the given weights, ready to train with these settings at a constant rate. */
export async function tfjsStep(
  parameters: ReadonlyMap<string, Shaped>,
  settings: TrainSettings,
): Promise<TfjsStep> {
  await tf.setBackend("cpu");
  tf.enableProdMode();
  const { optimizer: o, clip } = settings;
  if (o.kind !== "adamw") throw new Error(`the comparison is written for adamw, not ${o.kind}`);
  const weights = variables(parameters);
  const list = [...weights.values()];
  const { heads, depth } = dimensions(weights);
  const adam = tf.train.adam(o.rate, o.beta1, o.beta2, o.epsilon);

  return {
    step(batch) {
      const sizes = { batch: batch.batch, time: batch.time, heads, depth };
      const numbers = tf.tidy(() => {
        const tokens = tf.tensor1d(batch.fields.get("tokens")!, "int32");
        const next = tf.tensor1d(batch.fields.get("next.tokens")!, "int32");
        const { value, grads } = tf.variableGrads(
          () => meanLoss(weights, tokens, next, sizes),
          list,
        );
        const squares = Object.values(grads).map((g) => tf.sum(tf.square(g)));
        const norm = tf.sqrt(tf.addN(squares));
        const scale = clip === null ? tf.scalar(1) : tf.div(clip, tf.maximum(norm, clip));
        const clipped = Object.entries(grads).map(([name, g]) => ({
          name,
          tensor: tf.mul(g, scale),
        }));
        for (const [name, v] of weights) {
          if (decays(name, v)) v.assign(tf.mul(v, 1 - o.rate * o.decay));
        }
        adam.applyGradients(clipped);
        return tf.stack([value, norm]);
      });
      const [loss, gradientNorm] = numbers.dataSync();
      numbers.dispose();
      return { loss: loss!, gradientNorm: gradientNorm! };
    },
    tensors: () => tf.memory().numTensors,
    dispose() {
      adam.dispose();
      for (const v of list) v.dispose();
    },
  };
}
