/** Functions of one number, applied to every element; they take plain numbers as well. */
import { elementwise, numberNode } from "../broadcast.ts";
import { where } from "../evaluate.ts";
import type { Frame } from "../frame.ts";
import { NUMBER_FUNCTIONS, numberFunction } from "../numbers.ts";
import type { NodeId, UnaryFn } from "../../graph/ir.ts";
import { ERROR, type TensorValue, type Value } from "../values.ts";
import { numberArgument, required, signal, tensorOf } from "./arguments.ts";
import { reduceBuiltin } from "./reductions.ts";
import type { Builtin, BuiltinCall, BuiltinTable } from "./types.ts";

/** A builtin whose result has its argument's shape. `make` builds it from a float node. */
function pointwise(name: string, doc: string, make: (frame: Frame, x: NodeId) => NodeId): Builtin {
  return {
    group: "elementwise functions",
    signature: `${name}(x)`,
    doc,
    parameters: ["x"],
    run: (call) => {
      const arg = required(call, "x");
      const value = arg.value(call.expected);
      if (value.kind === "number" && name in NUMBER_FUNCTIONS)
        return numberFunction(call.frame, name, [value]);
      const x = signal(call, "x", call.expected);
      return { ...x, node: make(call.frame, x.node) };
    },
  };
}

const direct = (name: string, fn: UnaryFn, doc: string): [string, Builtin] => [
  name,
  pointwise(name, doc, (frame, x) => frame.builder.unary(fn, x)),
];

const like = (frame: Frame, value: number, x: NodeId): NodeId =>
  frame.builder.fill(value, frame.builder.shape(x));

function elu(frame: Frame, x: NodeId): NodeId {
  const b = frame.builder;
  // expm1 of min(x, 0) keeps the branch that is not taken finite.
  const low = b.unary("expm1", b.binary("min", x, like(frame, 0, x)));
  return b.select(b.binary("lt", like(frame, 0, x), x), x, low);
}

/** `max(a, b)`, elementwise; `max(x)` and `max(x, over: axis)` reduce. */
function extreme(name: "max" | "min", doc: string): Builtin {
  return {
    group: "elementwise functions",
    signature: `${name}(a, b)  or  ${name}(x, over: axis)`,
    doc,
    parameters: ["over"],
    variadic: true,
    run: (call) => {
      if (call.rest.length === 1) return reduceBuiltin(call, name);
      const values = call.rest.map((a) => a.value(call.expected));
      if (values.every((v) => v.kind === "number")) return numberFunction(call.frame, name, values);
      let result: TensorValue | null = null;
      for (const arg of call.rest) {
        const x = tensorOf(call, arg, call.expected);
        result = result === null ? x : elementwise(call.frame, name, name, result, x, call.span);
        if (result === null) return ERROR;
      }
      return result ?? reduceBuiltin(call, name);
    },
  };
}

function clamp(call: BuiltinCall): Value {
  const x = signal(call, "x", call.expected);
  const [low, high] = [
    numberArgument(call, "low", -Infinity),
    numberArgument(call, "high", Infinity),
  ];
  const { builder } = call.frame;
  const shape = builder.shape(x.node);
  const bound = (value: number) =>
    numberNode(call.frame, { kind: "number", value, dim: null }, shape);
  let node = x.node;
  if (low > -Infinity) node = builder.binary("max", node, bound(low));
  if (high < Infinity) node = builder.binary("min", node, bound(high));
  return { ...x, node };
}

export const elementwiseBuiltins: BuiltinTable = {
  ...Object.fromEntries([
    direct("exp", "exp", "The exponential."),
    direct("log", "log", "The natural logarithm."),
    direct("log1p", "log1p", "log(1 + x), exact near 0."),
    direct("expm1", "expm1", "exp(x) − 1, exact near 0."),
    direct("sqrt", "sqrt", "The square root."),
    direct("rsqrt", "rsqrt", "1 / sqrt(x)."),
    direct("sin", "sin", "The sine."),
    direct("cos", "cos", "The cosine."),
    direct("tanh", "tanh", "The hyperbolic tangent."),
    direct("sigmoid", "sigmoid", "The logistic function 1 / (1 + exp(−x))."),
    direct("softplus", "softplus", "log(1 + exp(x)), without overflow."),
    direct("relu", "relu", "max(x, 0); its gradient at 0 is 0."),
    direct("abs", "abs", "The absolute value; its gradient at 0 is 0."),
    direct("sign", "sign", "−1, 0 or 1. No gradient."),
    direct("floor", "floor", "The largest whole number not above x. No gradient."),
    direct("ceil", "ceil", "The smallest whole number not below x. No gradient."),
    direct("round", "round", "The nearest whole number. No gradient."),
    direct("erf", "erf", "The error function."),
  ]),
  log2: pointwise("log2", "The logarithm to base 2.", (f, x) =>
    f.builder.mul(f.builder.unary("log", x), like(f, Math.LOG2E, x)),
  ),
  elu: pointwise("elu", "x where x > 0, else exp(x) − 1.", elu),
  silu: pointwise("silu", "x · sigmoid(x).", (f, x) =>
    f.builder.mul(x, f.builder.unary("sigmoid", x)),
  ),
  gelu: pointwise(
    "gelu",
    "x · Φ(x), Φ the normal distribution function: 0.5 x (1 + erf(x / √2)).",
    (f, x) => {
      const b = f.builder;
      const phi = b.add(b.unary("erf", b.mul(x, like(f, Math.SQRT1_2, x))), like(f, 1, x));
      return b.mul(b.mul(x, like(f, 0.5, x)), phi);
    },
  ),
  logsigmoid: pointwise(
    "logsigmoid",
    "log(sigmoid(x)) = −softplus(−x), without overflow.",
    (f, x) => f.builder.neg(f.builder.unary("softplus", f.builder.neg(x))),
  ),
  max: extreme(
    "max",
    "The larger of two signals, elementwise; with one argument, the largest element along an axis.",
  ),
  min: extreme(
    "min",
    "The smaller of two signals, elementwise; with one argument, the smallest element along an axis.",
  ),
  clamp: {
    group: "elementwise functions",
    signature: "clamp(x, low: number, high: number)",
    doc: "x, held between two numbers. No gradient flows where it is held.",
    parameters: ["x", "low", "high"],
    run: clamp,
  },
  where: {
    group: "elementwise functions",
    signature: "where(condition, a, b)",
    doc: "a where the condition is nonzero, else b. The same as `if condition then a else b` for signals.",
    parameters: ["condition", "a", "b"],
    run: (call) =>
      where(
        call.frame,
        signal(call, "condition"),
        required(call, "a").value(call.expected),
        required(call, "b").value(call.expected),
        call.span,
      ),
  },
};
