/** The language model as a file for ONNX runtimes. */
import { logitsOf, type Sizes, type Weights } from "./model.ts";
import { OnnxGraph } from "./onnx.ts";
import { NORM_EPSILON, type Ops } from "./ops.ts";

export const TOKENS = "tokens";

/** Axes of what a product turns: its matrices are the last two of three. */
const TURNED = [0, 2, 1] as const;

/** Values are their names. */
function opsOf(graph: OnnxGraph): Ops<string> {
  const known = new Map<string, string>();
  const constant = (shape: readonly number[], data: Float32Array | BigInt64Array): string => {
    // Small ones come again and again: masks, axes, shapes.
    const key = data.length > 4096 ? null : `${data.constructor.name} ${shape.join()}: ${data.join()}`; // prettier-ignore
    const found = key === null ? undefined : known.get(key);
    const name = found ?? graph.constant(shape, data);
    if (key !== null) known.set(key, name);
    return name;
  };
  const numbers = (...list: readonly number[]): string =>
    constant([list.length], BigInt64Array.from(list, BigInt));
  const number = (x: number): string => constant([], Float32Array.of(x));
  const node = (type: string, ...inputs: readonly string[]): string => graph.node(type, inputs)[0]!;
  const turn = (x: string, perm: readonly number[]): string =>
    graph.node("Transpose", [x], { perm })[0]!;
  return {
    constant,
    tokens: () => TOKENS,
    rows: (table, tokens) => graph.node("Gather", [table, tokens], { axis: 0 })[0]!,
    dense: (x, weight, bias) => {
      const y = node("MatMul", x, weight);
      return bias === undefined ? y : node("Add", y, bias);
    },
    product: (a, b, turned) =>
      node("MatMul", turned === "first" ? turn(a, TURNED) : a, turned === "second" ? turn(b, TURNED) : b), // prettier-ignore
    add: (a, b) => node("Add", a, b),
    subtract: (a, b) => node("Sub", a, b),
    multiply: (a, b) => node("Mul", a, b),
    scale: (x, by) => node("Mul", x, number(by)),
    relu: (x) => node("Relu", x),
    sigmoid: (x) => node("Sigmoid", x),
    norm: (x, gain, bias) =>
      graph.node("LayerNormalization", [x, gain, bias], { axis: -1, epsilon: { float: NORM_EPSILON } })[0]!, // prettier-ignore
    unit: (x, epsilon) => {
      const squares = graph.node("ReduceSumSquare", [x, numbers(-1)], { keepdims: 1 })[0]!;
      return node("Div", x, node("Sqrt", node("Add", squares, number(epsilon))));
    },
    reshape: (x, shape) => node("Reshape", x, numbers(...shape)),
    transpose: turn,
    slice: (x, axis, from, to) => node("Slice", x, numbers(from), numbers(to), numbers(axis)),
    concat: (list, axis) => graph.node("Concat", list, { axis })[0]!,
    parts: (x, count) =>
      count === 1 ? [x] : graph.node("Split", [x], { axis: 0, num_outputs: count }, count),
    scope: (make) => make(),
  };
}

export function onnxModel(weights: Weights, sizes: Sizes): Uint8Array {
  const { batch, time } = sizes;
  const graph = new OnnxGraph();
  const made = logitsOf(opsOf(graph), weights, sizes);
  const vocab = weights.get("logits.bias")!.data.length;
  return graph.model(
    { name: TOKENS, type: "int32", shape: [batch, time] },
    { name: made, type: "float", shape: [batch * time, vocab] },
  );
}
