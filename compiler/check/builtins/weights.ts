/** Dense maps and embeddings. */
import { product, showShape, type Dim, type Shape } from "../../dims.ts";
import { specName } from "../../graph/names.ts";
import type { Init } from "../../graph/ir.ts";
import type { Frame } from "../frame.ts";
import { asFloat } from "../broadcast.ts";
import { asSize } from "../numbers.ts";
import { ERROR, UNKNOWN, type TensorValue, type Value } from "../values.ts";
import { asInit, declareParameter } from "../weights.ts";
import {
  axesOver,
  flag,
  listArgument,
  required,
  sizeArgument,
  tensorOf,
  token,
  tokenAmong,
} from "./arguments.ts";
import { Stop, type BuiltinCall, type BuiltinTable } from "./types.ts";

function refuseInProgram(call: BuiltinCall): void {
  const { frame } = call;
  if (frame.session.inProgram) frame.report("fwp4002", call.span, { what: call.name });
  if (frame.kind === "map" || frame.kind === "instruction" || frame.kind === "loss") {
    const place = { map: "a map", instruction: "an instruction", loss: "a loss" }[frame.kind];
    frame.report("fwp4005", call.span, {
      statement: `${call.name}, which makes a trained weight,`,
      place,
    });
    throw new Stop(ERROR);
  }
}

/** `k` for the first dense map of the signal k, `k.r` for the one applied to r, then `k_2`, … */
function groupName(call: BuiltinCall, argument: TensorValue): string {
  const { session, builder } = call.frame;
  const label = session.label ?? call.name;
  const from = specName(builder.node(argument.node));
  const names = from && from !== label ? [label, `${label}.${from}`] : [label];
  const full = session.uniqueName(...names);
  return full;
}

function initOf(call: BuiltinCall, name: string, fallback: Init): Init {
  const arg = call.args.get(name);
  if (arg === undefined) return fallback;
  const init = asInit(call.frame, arg.value(), arg.span);
  if (init === null) throw new Stop(ERROR);
  return init;
}

/** The result's shape: `to:`, else what the place expects. */
function resultShape(call: BuiltinCall): Shape | null {
  if (!call.args.has("to")) return call.expected;
  const { items, arg } = listArgument(call, "to");
  return items.map((item) => {
    const size = asSize(call.frame, item, "a size", arg.span);
    if (size === null) throw new Stop(ERROR);
    return size;
  });
}

/** Which axis of a shape has the size that `per:` or `shared:` names. */
function blockAxis(call: BuiltinCall, name: "per" | "shared", x: TensorValue): number | null {
  const arg = call.args.get(name);
  if (arg === undefined) return null;
  const [axis] = axesOver({ ...call, args: new Map([["over", arg]]) }, x);
  return axis!;
}

/**
 * y = W x + b over all axes. `per: heads` gives each head a block of its own, `shared: heads` one block to all.
 * Weight: `[per, result axes…, argument axes…]`.
 */
function linear(call: BuiltinCall): Value {
  const { frame } = call;
  const { builder } = frame;
  refuseInProgram(call);
  const x = tensorOf(call, required(call, "x"));
  const to = resultShape(call);
  if (to === null) return UNKNOWN;
  const from = frame.shapeOf(x);
  const per = blockAxis(call, "per", x);
  const shared = blockAxis(call, "shared", x);
  const block = per ?? shared;
  const at = block === null ? -1 : to.findIndex((d) => frame.session.unifyExactly(d, from[block]!));
  if (block !== null && at < 0) {
    frame.report("fwp3007", call.span, { axis: showShape([from[block]!]), shape: showShape(to) });
    return ERROR;
  }
  const inner = from.flatMap((d, i) => (i === block ? [] : [{ d, i }]));
  const outer = to.flatMap((d, i) => (i === at ? [] : [{ d, i }]));
  const fan = frame.session.numeric(product(inner.map(({ d }) => d))) ?? 1;
  const name = groupName(call, x);
  const lead: Dim[] = per === null ? [] : [from[per]!];
  const shape = [...lead, ...outer.map(({ d }) => d), ...inner.map(({ d }) => d)];
  const usual: Init = { kind: "normal", mean: 0, deviation: 1 / Math.sqrt(Math.max(1, fan)) };
  const weight = declareParameter(
    frame,
    `${name}.weight`,
    shape,
    initOf(call, "init", usual),
    true,
  );
  // Labels: argument axis i is i; result axis j is 1000 + j, but the block axis is the same on both sides.
  const inLabels = from.map((_, i) => i);
  const outLabels = to.map((_, j) => (j === at ? block! : 1000 + j));
  const weightLabels = [
    ...(per === null ? [] : [per]),
    ...outer.map(({ i }) => 1000 + i),
    ...inner.map(({ i }) => i),
  ];
  let node = builder.contract(weight, weightLabels, asFloat(frame, x.node), inLabels, outLabels);
  if (flag(call, "bias", true)) {
    const biasAxes = to.flatMap((_, i) => (i === at && per === null ? [] : [i]));
    const zero: Init = { kind: "constant", value: 0 };
    const bias = declareParameter(
      frame,
      `${name}.bias`,
      biasAxes.map((i) => to[i]!),
      initOf(call, "bias_init", zero),
      true,
    );
    node = builder.add(node, builder.broadcast(bias, biasAxes, to));
  }
  return { kind: "tensor", node, lead: 0 };
}

function embed(call: BuiltinCall): Value {
  const { frame } = call;
  refuseInProgram(call);
  const x = token(call, "x");
  const width = call.args.has("width") ? sizeArgument(call, "width") : call.expected?.[0];
  if (width === undefined) return UNKNOWN;
  const rows = x.vocab;
  if (rows === undefined) return tokenWithoutVocab(frame, call);
  const usual: Init = { kind: "normal", mean: 0, deviation: 1 };
  const name = `${frame.session.uniqueName(frame.session.label ?? "embed")}.table`;
  const table = declareParameter(frame, name, [rows, width], initOf(call, "init", usual), true);
  return { kind: "tensor", node: frame.builder.gather(table, x.node), lead: 0 };
}

function tokenWithoutVocab(frame: Frame, call: BuiltinCall): Value {
  frame.report("fwp2201", call.span, {
    expected: "a token of a known vocabulary",
    found: "a whole-number signal",
  });
  return ERROR;
}

function onehot(call: BuiltinCall): Value {
  const { frame } = call;
  const x = token(call, "x");
  const n = call.args.has("n") ? sizeArgument(call, "n") : x.vocab;
  if (n === undefined) return tokenWithoutVocab(frame, call);
  tokenAmong(call, x, n);
  const ones = frame.builder.fill(1, frame.builder.shape(x.node));
  return { kind: "tensor", node: frame.builder.place(x.node, ones, n), lead: x.lead };
}

export const weightBuiltins: BuiltinTable = {
  linear: {
    group: "trained weights",
    signature: "linear(x, to: [a, b], per: axis, shared: axis, bias: true, init: …, bias_init: 0)",
    doc: "A dense map y = W x + b from all axes of x to all axes of the result, whose shape is `to:` or what the place expects (the annotation of the signal). `per: heads` gives each head its own block, `shared: heads` the same block to all. W starts normal with deviation 1 / sqrt(inputs), b at 0. Weight shape: result axes, then argument axes (with `per:`, that axis first).",
    parameters: ["x", "to", "per", "shared", "bias", "init", "bias_init"],
    run: linear,
  },
  embed: {
    group: "trained weights",
    signature: "embed(token, width, init: normal(0, 1))",
    doc: "The row of a trained table `[vocab, width]` that a token names.",
    parameters: ["x", "width", "init"],
    run: embed,
  },
  onehot: {
    group: "shape",
    signature: "onehot(token, n)",
    doc: "A vector of n zeros with a one at the token; n defaults to the vocabulary and must not be smaller.",
    parameters: ["x", "n"],
    run: onehot,
  },
};
