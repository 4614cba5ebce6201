/** First values of weights and states. */
import type { Init } from "../../graph/ir.ts";
import { asSize } from "../numbers.ts";
import { ERROR, type Value } from "../values.ts";
import { asInit } from "../weights.ts";
import { listArgument, numberArgument } from "./arguments.ts";
import { Stop, type Builtin, type BuiltinCall, type BuiltinTable } from "./types.ts";

const initialiser = (
  signature: string,
  doc: string,
  parameters: readonly string[],
  make: (call: BuiltinCall) => Init,
): Builtin => ({
  group: "initialisers",
  signature,
  doc,
  parameters,
  run: (call): Value => ({ kind: "init", init: make(call), learned: false }),
});

function blocks(call: BuiltinCall): Init {
  const sizes = listArgument(call, "sizes");
  const inits = listArgument(call, "of");
  if (sizes.items.length !== inits.items.length) {
    const facts = {
      operation: "blocks",
      expected: `an initialiser for each of ${sizes.items.length} sizes`,
      found: `${inits.items.length} initialisers`,
    };
    call.frame.report("fwp3018", call.span, facts);
    throw new Stop(ERROR);
  }
  const pieces = sizes.items.map((item, i) => {
    const size = asSize(call.frame, item, "a size", sizes.arg.span);
    const init = asInit(call.frame, inits.items[i]!, inits.arg.span);
    if (size === null || init === null) throw new Stop(ERROR);
    return { size, init };
  });
  return { kind: "blocks", axis: numberArgument(call, "axis", 1) - 1, pieces };
}

export const initialiserBuiltins: BuiltinTable = {
  normal: initialiser(
    "normal(mean, deviation)",
    "Independent normal numbers.",
    ["mean", "deviation"],
    (call) => ({
      kind: "normal",
      mean: numberArgument(call, "mean", 0),
      deviation: numberArgument(call, "deviation", 1),
    }),
  ),
  uniform: initialiser(
    "uniform(low, high)",
    "Independent uniform numbers.",
    ["low", "high"],
    (call) => ({
      kind: "uniform",
      low: numberArgument(call, "low", 0),
      high: numberArgument(call, "high", 1),
    }),
  ),
  constant: initialiser("constant(value)", "The same number everywhere.", ["value"], (call) => ({
    kind: "constant",
    value: numberArgument(call, "value", 0),
  })),
  orthogonal: initialiser(
    "orthogonal(scale: 1)",
    "Rows orthogonal in blocks of their length, with the norms of normal rows: the projection of random features.",
    ["scale"],
    (call) => ({ kind: "orthogonal", scale: numberArgument(call, "scale", 1) }),
  ),
  blocks: initialiser(
    "blocks([a, b], [init, init], axis: 1)",
    "Consecutive pieces of an axis (counted from 1), each with an initialiser of its own.",
    ["sizes", "of", "axis"],
    blocks,
  ),
};
