/** Time and gradients: `prev`, `append`, `empty`, `grad`, `stop`. */
import { gradient } from "../../graph/adjoint/index.ts";
import type { NodeId } from "../../graph/ir.ts";
import { operands } from "../../graph/shapes.ts";
import { showShape, type Dim } from "../../dims.ts";
import { asFloat } from "../broadcast.ts";
import { relabel } from "../calls.ts";
import type { Frame } from "../frame.ts";
import { delayed, previous } from "../states.ts";
import { ERROR, type TensorValue, type Value } from "../values.ts";
import { required, signal, tensorOf } from "./arguments.ts";
import type { BuiltinCall, BuiltinTable } from "./types.ts";

function append(call: BuiltinCall): Value {
  const { frame } = call;
  const { builder } = frame;
  const x = tensorOf(call, required(call, "state"));
  const row = signal(call, "row");
  if (x.valid === undefined) {
    frame.report("fwp4009", call.span, {
      name: "append",
      reason: "only a state that starts `empty` can get one more row",
    });
    return ERROR;
  }
  if (!frame.session.states.some((s) => s.valid === x.valid)) {
    frame.report("fwp4009", call.span, {
      name: "append",
      reason: "this state has got its row of this step already",
    });
    return ERROR;
  }
  const shape = frame.shapeOf(x);
  if (!frame.session.unifyShapes(shape.slice(1), frame.shapeOf(row))) {
    const facts = {
      callee: "append",
      name: "row",
      expected: showShape(shape.slice(1)),
      found: showShape(frame.shapeOf(row)),
    };
    frame.report("fwp3009", required(call, "row").span, facts);
    return ERROR;
  }
  const at = builder.unary("to_int", x.valid);
  const node = builder.append(x.node, relabel(frame, row, shape.slice(1)), at);
  const valid = builder.add(x.valid, builder.constant(1));
  return { kind: "tensor", node, lead: 0, valid };
}

/** Whether a value is computed from another. */
function madeFrom({ builder }: Frame, id: NodeId, from: NodeId): boolean {
  const seen = new Set<NodeId>();
  const pending = [id];
  while (pending.length > 0) {
    const next = pending.pop()!;
    // Operands come before what is made of them.
    if (next < from || seen.has(next)) continue;
    seen.add(next);
    pending.push(...operands(builder.node(next)));
  }
  return seen.has(from);
}

/** The node whose numbers a value has under other names of sizes: what an instruction's caller calls the same value. */
function underAnyName(frame: Frame, id: NodeId): NodeId {
  const { builder, session } = frame;
  const node = builder.node(id);
  if (node.op !== "reshape") return id;
  const from = builder.shape(node.x);
  const meant = (d: Dim) => session.outermost(d).key;
  const same = from.length === node.shape.length && from.every((d, i) => meant(d) === meant(node.shape[i]!)); // prettier-ignore
  return same ? underAnyName(frame, node.x) : id;
}

/** The gradient of (the sum of) a loss with respect to a signal's value in this step. */
function grad(call: BuiltinCall): Value {
  const { frame } = call;
  const wrt = signal(call, "of");
  const value = underAnyName(frame, wrt.node);
  const loss = signal(call, "loss");
  // What a map or instruction is given is not known while it is looked at alone.
  const alone = frame.root.abstract && (frame.kind === "map" || frame.kind === "instruction");
  if (!alone && !madeFrom(frame, loss.node, value)) {
    const { reference } = required(call, "of");
    frame.report("fwp4017", call.span, { name: reference ?? "this value" });
  }
  const [node] = gradient(frame.builder, loss.node, [value]);
  return { ...wrt, node: relabel(frame, { ...wrt, node: node! }, frame.shapeOf(wrt)) };
}

function stop(call: BuiltinCall): Value {
  const x: TensorValue = signal(call, "x", call.expected);
  return { ...x, node: frame(call, x) };
}
const frame = (call: BuiltinCall, x: TensorValue) =>
  call.frame.builder.stop(asFloat(call.frame, x.node));

function prev(call: BuiltinCall): Value {
  const arg = required(call, "x");
  const init = call.args.get("init")?.value() ?? null;
  if (arg.reference !== null) return previous(call.frame, arg.reference, init, call.span);
  return delayed(call.frame, arg.value(), init, call.span);
}

export const stateBuiltins: BuiltinTable = {
  prev: {
    group: "states and time",
    signature: "prev(y, init: 0)",
    doc: "The value of y at the end of the previous step; `init` (a number, an initialiser, or `learned …`) at the first. y may be bound further down. Of an expression: its value one step ago.",
    parameters: ["x", "init"],
    run: prev,
  },
  append: {
    group: "states and time",
    signature: "append(K, row)",
    doc: "A growing state with one more row; the only way to write one.",
    parameters: ["state", "row"],
    run: append,
  },
  empty: {
    group: "states and time",
    signature: "K: [past, n] = empty",
    doc: "The first value of a growing state: no rows.",
    parameters: [],
    value: { kind: "empty" },
    run: () => ({ kind: "empty" }),
  },
  grad: {
    group: "gradients",
    signature: "grad(loss, W)",
    doc: "The gradient of a loss with respect to the value that W has at this place of the step, through everything the loss was computed from. A loss that still has axes counts as its sum. May be nested.",
    parameters: ["loss", "of"],
    run: grad,
  },
  stop: {
    group: "gradients",
    signature: "stop(x)",
    doc: "x, through which no gradient flows: neither `grad` nor training.",
    parameters: ["x"],
    run: stop,
  },
};
