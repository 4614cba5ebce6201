/** Losses and metrics: one number per step. */
import { showShape } from "../../dims.ts";
import { relabel } from "../calls.ts";
import { elementwise } from "../broadcast.ts";
import { ERROR, type TensorValue, type Value } from "../values.ts";
import { lastAxis, required, signal, token, tokenAmong } from "./arguments.ts";
import { Stop, type BuiltinCall, type BuiltinTable } from "./types.ts";

/** Scores over classes and the class: leading axes must agree. */
function scoresAndClass(call: BuiltinCall): {
  scores: TensorValue;
  axis: number;
  index: TensorValue;
} {
  const scores = signal(call, "logits");
  const axis = lastAxis(call, scores);
  const index = token(call, "target");
  const lead = call.frame.shapeOf(scores).slice(0, -1);
  if (!call.frame.session.unifyShapes(lead, call.frame.shapeOf(index))) {
    const facts = {
      callee: call.name,
      name: "target",
      expected: showShape(lead),
      found: showShape(call.frame.shapeOf(index)),
    };
    call.frame.report("fwp3009", call.span, facts);
    throw new Stop(ERROR);
  }
  tokenAmong(call, index, call.frame.shapeOf(scores)[axis]!);
  return { scores, axis, index: { ...index, node: relabel(call.frame, index, lead) } };
}

function crossEntropy(call: BuiltinCall): Value {
  const { scores, axis, index } = scoresAndClass(call);
  const b = call.frame.builder;
  const shape = b.shape(scores.node);
  const top = b.stop(b.reduce("max", scores.node, [axis]));
  const kept = shape.flatMap((_, i) => (i === axis ? [] : [i]));
  const shifted = b.sub(scores.node, b.broadcast(top, kept, shape));
  const logTotal = b.unary("log", b.sum(b.unary("exp", shifted), [axis]));
  const node = b.sub(logTotal, b.pick(shifted, index.node));
  return { kind: "tensor", node, lead: Math.min(scores.lead, kept.length) };
}

/** 1 where the class has the highest score, else 0. */
function accuracy(call: BuiltinCall): Value {
  const { scores, axis, index } = scoresAndClass(call);
  const b = call.frame.builder;
  const top = b.reduce("max", scores.node, [axis]);
  const node = b.binary("le", top, b.pick(scores.node, index.node));
  return { kind: "tensor", node, lead: Math.min(scores.lead, b.shape(node).length) };
}

function squaredError(call: BuiltinCall): Value {
  const difference = elementwise(
    call.frame,
    "sub",
    "squared_error",
    signal(call, "y"),
    signal(call, "target"),
    call.span,
  );
  if (difference === null) return ERROR;
  const b = call.frame.builder;
  const axes = b.shape(difference.node).flatMap((_, i) => (i >= difference.lead ? [i] : []));
  const node = b.sum(b.mul(difference.node, difference.node), axes);
  return { ...difference, node };
}

/** The field of the task that holds the next step's value of an input. */
function next(call: BuiltinCall): Value {
  const arg = required(call, "x");
  const name = `next.${arg.reference ?? ""}`;
  const found = call.frame.local(name);
  if (found !== undefined) return found;
  if (call.frame.kind !== "loss") {
    call.frame.report("fwp4005", call.span, {
      statement: "next",
      place: "a step: it looks ahead, so only a loss may use it",
    });
  } else if (arg.value().kind !== "error") {
    call.frame.report("fwp2101", call.span, {
      name: `next(${arg.reference ?? "…"})`,
      candidates: "",
    });
  }
  return ERROR;
}

export const lossBuiltins: BuiltinTable = {
  next: {
    group: "losses and metrics",
    signature: "next(tokens)",
    doc: "In a loss or metric: the value that the input has at the next step, given by the task.",
    parameters: ["x"],
    run: next,
  },
  cross_entropy: {
    group: "losses and metrics",
    signature: "cross_entropy(logits, target)",
    doc: "−log softmax(logits)[target], in nats; target is a token.",
    parameters: ["logits", "target"],
    run: crossEntropy,
  },
  accuracy: {
    group: "losses and metrics",
    signature: "accuracy(logits, target)",
    doc: "1 where the target has the highest score, else 0. No gradient.",
    parameters: ["logits", "target"],
    run: accuracy,
  },
  squared_error: {
    group: "losses and metrics",
    signature: "squared_error(y, target)",
    doc: "Σ (y − target)², over all axes.",
    parameters: ["y", "target"],
    run: squaredError,
  },
};
