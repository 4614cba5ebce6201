/** The one signal of a call that is written with or without a name. */
import { asFloat } from "../broadcast.ts";
import type { TensorValue } from "../values.ts";
import { signal, tensorOf } from "./arguments.ts";
import type { BuiltinCall } from "./types.ts";

export function callArgument(call: BuiltinCall): TensorValue {
  const [only] = call.rest;
  if (only === undefined) return signal(call, "x");
  const x = tensorOf(call, only);
  return { ...x, node: asFloat(call.frame, x.node) };
}
