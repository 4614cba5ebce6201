/** Reductions and normalisations: along the last axis, or along those that `over:` names. */
import { product, type Dim } from "../../dims.ts";
import type { NodeId } from "../../graph/ir.ts";
import { growingAxis, masked, validity } from "../products.ts";
import { numberNode } from "../broadcast.ts";
import type { Frame } from "../frame.ts";
import { sizeValue } from "../numbers.ts";
import type { TensorValue, Value } from "../values.ts";
import { makeParameter } from "../weights.ts";
import { axesOver, flag, numberArgument, signal } from "./arguments.ts";
import { callArgument } from "./variadic.ts";
import type { Builtin, BuiltinCall, BuiltinTable } from "./types.ts";

const NEUTRAL = { sum: 0, max: -Infinity, min: Infinity } as const;

/** Rows of a growing state that do not exist yet never count. */
function reduced(
  frame: Frame,
  fn: "sum" | "max" | "min",
  x: TensorValue,
  axes: readonly number[],
): NodeId {
  const growing = growingAxis(frame, x);
  const node = axes.includes(growing) ? masked(frame, x, NEUTRAL[fn]) : x.node;
  return frame.builder.reduce(fn, node, axes);
}

/** The result of a reduction: the lead is kept, validity only if the growing axis is. */
function after(frame: Frame, x: TensorValue, node: NodeId, axes: readonly number[]): TensorValue {
  const lead = Math.min(x.lead, frame.builder.shape(node).length);
  const keeps = x.valid !== undefined && !axes.includes(growingAxis(frame, x));
  return { kind: "tensor", node, lead, ...(keeps ? { valid: x.valid! } : {}) };
}

/** A reduced value repeated along the axes it lost. */
function restore(frame: Frame, node: NodeId, x: TensorValue, axes: readonly number[]): NodeId {
  const shape = frame.builder.shape(x.node);
  const kept = shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  return frame.builder.broadcast(node, kept, shape);
}

/** How many elements are reduced, as a node of the reduced value's shape. */
function count(frame: Frame, x: TensorValue, axes: readonly number[], like: NodeId): NodeId {
  const { builder } = frame;
  const shape = builder.shape(like);
  const growing = growingAxis(frame, x);
  const fixed = axes.filter((a) => a !== growing).map((a) => frame.shapeOf(x)[a]!);
  const size = numberNode(frame, sizeValue(product(fixed)), shape);
  if (!axes.includes(growing)) return size;
  return builder.mul(size, builder.broadcast(builder.unary("to_float", x.valid!), [], shape));
}

/** `sum(x)`, `max(x, over: key)` … shared with the two-argument `max` and `min`. */
export function reduceBuiltin(call: BuiltinCall, fn: "sum" | "max" | "min"): Value {
  const x = callArgument(call);
  const axes = axesOver(call, x);
  return after(call.frame, x, reduced(call.frame, fn, x, axes), axes);
}

function mean(frame: Frame, x: TensorValue, axes: readonly number[]): NodeId {
  const total = reduced(frame, "sum", x, axes);
  return frame.builder.div(total, count(frame, x, axes, total));
}

/** Deviations from the mean along the axes, and their mean square. */
function spreadOf(
  frame: Frame,
  x: TensorValue,
  axes: readonly number[],
): { centred: NodeId; variance: NodeId } {
  const { builder } = frame;
  const centred = builder.sub(x.node, restore(frame, mean(frame, x, axes), x, axes));
  const variance = mean(frame, { ...x, node: builder.mul(centred, centred) }, axes);
  return { centred, variance };
}

/**
 * exp(x − max), zero for rows that do not exist yet, and its sum. Those rows may hold anything: they are replaced before the
 * exponential, whose adjoint would multiply their zero by it, and so is the maximum of no rows at all.
 */
function exponentials(frame: Frame, x: TensorValue, axes: readonly number[]) {
  const { builder } = frame;
  const growing = growingAxis(frame, x);
  const largest = builder.stop(reduced(frame, "max", x, axes));
  if (!axes.includes(growing)) {
    const shifted = builder.sub(x.node, restore(frame, largest, x, axes));
    const e = builder.unary("exp", shifted);
    return { e, total: builder.sum(e, axes), top: largest, shifted };
  }
  const fill = (value: number, like: NodeId) => builder.fill(value, builder.shape(like));
  const some = builder.binary("lt", fill(-Infinity, largest), largest);
  const top = builder.select(some, largest, fill(0, largest));
  const difference = builder.sub(x.node, restore(frame, top, x, axes));
  const valid = validity(frame, x, growing);
  const shifted = builder.select(valid, difference, fill(0, difference));
  const e = builder.select(valid, builder.unary("exp", shifted), fill(0, shifted));
  return { e, total: builder.sum(e, axes), top, shifted };
}

function softmax(call: BuiltinCall): Value {
  const { frame } = call;
  const { builder } = frame;
  const x = signal(call, "x", call.expected);
  const axes = axesOver(call, x);
  const { e, total } = exponentials(frame, x, axes);
  let divisor = total;
  if (axes.includes(growingAxis(frame, x))) {
    // Of no rows the sum is 0, and so are all shares of it.
    const [zero, one] = [0, 1].map((v) => builder.fill(v, builder.shape(total)));
    divisor = builder.select(builder.binary("lt", zero!, total), total, one!);
  }
  return { ...x, node: builder.div(e, restore(frame, divisor, x, axes)) };
}

function logSoftmax(call: BuiltinCall): Value {
  const x = signal(call, "x", call.expected);
  const axes = axesOver(call, x);
  const { total, shifted } = exponentials(call.frame, x, axes);
  const b = call.frame.builder;
  return { ...x, node: b.sub(shifted, restore(call.frame, b.unary("log", total), x, axes)) };
}

function logSumExp(call: BuiltinCall): Value {
  const x = signal(call, "x");
  const axes = axesOver(call, x);
  const { total, top } = exponentials(call.frame, x, axes);
  const node = call.frame.builder.add(call.frame.builder.unary("log", total), top);
  return after(call.frame, x, node, axes);
}

/** Gain and bias of a normalisation, over the normalised axes. */
function affine(
  call: BuiltinCall,
  x: TensorValue,
  node: NodeId,
  axes: readonly number[],
  bias: boolean,
): NodeId {
  const { frame } = call;
  if (!flag(call, "affine", true)) return node;
  if (frame.session.inProgram) frame.report("fwp4002", call.span, { what: call.name });
  const { builder } = frame;
  const shape: Dim[] = axes.map((a) => frame.shapeOf(x)[a]!);
  const group = frame.session
    .uniqueName(call.name)
    .slice(frame.session.path.join(".").length)
    .replace(/^\./, "");
  const weight = (name: string, value: number) =>
    builder.broadcast(
      makeParameter(frame, {
        name: `${group}.${name}`,
        shape,
        init: { kind: "number", value, dim: null },
        span: call.span,
      })!.node,
      axes,
      builder.shape(x.node),
    );
  const scaled = builder.mul(node, weight("gain", 1));
  return bias ? builder.add(scaled, weight("bias", 0)) : scaled;
}

function norm(call: BuiltinCall): Value {
  const x = signal(call, "x", call.expected);
  const axes = axesOver(call, x);
  const b = call.frame.builder;
  const { centred, variance } = spreadOf(call.frame, x, axes);
  const epsilon = b.fill(numberArgument(call, "epsilon", 1e-5), b.shape(variance));
  const scale = restore(call.frame, b.unary("rsqrt", b.add(variance, epsilon)), x, axes);
  return { ...x, node: affine(call, x, b.mul(centred, scale), axes, true) };
}

function rmsNorm(call: BuiltinCall): Value {
  const x = signal(call, "x", call.expected);
  const axes = axesOver(call, x);
  const b = call.frame.builder;
  const square = mean(call.frame, { ...x, node: b.mul(x.node, x.node) }, axes);
  const epsilon = b.fill(numberArgument(call, "epsilon", 1e-5), b.shape(square));
  const scale = restore(call.frame, b.unary("rsqrt", b.add(square, epsilon)), x, axes);
  return { ...x, node: affine(call, x, b.mul(x.node, scale), axes, false) };
}

function frobenius(call: BuiltinCall): Value {
  const x = signal(call, "x");
  const all = call.frame.shapeOf(x).flatMap((_, i) => (i >= x.lead ? [i] : []));
  const axes = call.args.has("over") ? axesOver(call, x) : all;
  const b = call.frame.builder;
  const square = reduced(call.frame, "sum", { ...x, node: b.mul(x.node, x.node) }, axes);
  // The gradient at 0 is taken as 0: sqrt is applied to at least the smallest normal float.
  const safe = b.binary("max", square, b.fill(1.2e-38, b.shape(square)));
  return after(call.frame, x, b.unary("sqrt", safe), axes);
}

const reduction = (doc: string, signature: string, run: (call: BuiltinCall) => Value): Builtin => ({
  group: "reductions and normalisations",
  signature,
  doc,
  parameters: ["x", "over"],
  run,
});

const withMean =
  (finish: (call: BuiltinCall, x: TensorValue, axes: number[]) => NodeId) =>
  (call: BuiltinCall) => {
    const x = signal(call, "x");
    const axes = axesOver(call, x);
    return after(call.frame, x, finish(call, x, axes), axes);
  };

export const reductionBuiltins: BuiltinTable = {
  sum: reduction("The sum along an axis.", "sum(x, over: axis)", (call) =>
    reduceBuiltin(call, "sum"),
  ),
  mean: reduction(
    "The mean along an axis.",
    "mean(x, over: axis)",
    withMean((call, x, axes) => mean(call.frame, x, axes)),
  ),
  variance: reduction(
    "The mean squared deviation from the mean along an axis.",
    "variance(x, over: axis)",
    withMean((call, x, axes) => spreadOf(call.frame, x, axes).variance),
  ),
  frobenius: reduction(
    "The square root of the sum of squares, over all axes unless `over:` names some. Its gradient at 0 is 0. A penalty under `grad` is better written sum(flatten(W ^ 2)): its gradient is plainly 2 W, and the rule stays affine.",
    "frobenius(x, over: axis)",
    frobenius,
  ),
  logsumexp: reduction(
    "log Σ exp(x) along an axis, without overflow.",
    "logsumexp(x, over: axis)",
    logSumExp,
  ),
  softmax: reduction(
    "exp(x) / Σ exp(x) along an axis, without overflow.",
    "softmax(x, over: axis)",
    softmax,
  ),
  log_softmax: reduction(
    "log softmax(x) along an axis, without overflow.",
    "log_softmax(x, over: axis)",
    logSoftmax,
  ),
  norm: {
    group: "reductions and normalisations",
    signature: "norm(x, over: axis, affine: true, epsilon: 1e-5)",
    doc: "Layer normalisation: (x − mean) / sqrt(variance + epsilon), times a trained gain plus a trained bias unless `affine: false`.",
    parameters: ["x", "over", "affine", "epsilon"],
    run: norm,
  },
  rms_norm: {
    group: "reductions and normalisations",
    signature: "rms_norm(x, over: axis, affine: true, epsilon: 1e-5)",
    doc: "x / sqrt(mean(x²) + epsilon), times a trained gain unless `affine: false`.",
    parameters: ["x", "over", "affine", "epsilon"],
    run: rmsNorm,
  },
};
