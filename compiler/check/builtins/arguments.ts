/** Reading a builtin's arguments. Each function throws `Stop` when there is nothing to go on with. */
import { equal, show, showShape, type Dim, type Shape } from "../../dims.ts";
import { asFloat } from "../broadcast.ts";
import type { LazyArgument } from "../calls.ts";
import { asTensor, wrongKind } from "../evaluate.ts";
import { asSize, valueOf } from "../numbers.ts";
import { ERROR, UNKNOWN, type TensorValue, type Value } from "../values.ts";
import { Stop, type BuiltinCall } from "./types.ts";

export function required(call: BuiltinCall, name: string): LazyArgument {
  const arg = call.args.get(name);
  if (arg !== undefined) return arg;
  call.frame.report("fwp2302", call.span, { callee: call.name, name });
  throw new Stop(ERROR);
}

export function tensorOf(
  call: BuiltinCall,
  arg: LazyArgument,
  expected: Shape | null = null,
): TensorValue {
  const value = arg.value(expected);
  if (value.kind === "unknown") throw new Stop(UNKNOWN);
  const tensor = asTensor(call.frame, value, arg.span);
  if (tensor === null) throw new Stop(ERROR);
  return tensor;
}

/** A float signal. */
export function signal(
  call: BuiltinCall,
  name: string,
  expected: Shape | null = null,
): TensorValue {
  const x = tensorOf(call, required(call, name), expected);
  return { ...x, node: asFloat(call.frame, x.node) };
}

/** A token (or any integer signal). */
export function token(call: BuiltinCall, name: string): TensorValue {
  const arg = required(call, name);
  const x = tensorOf(call, arg);
  if (call.frame.builder.node(x.node).dtype === "int") return x;
  wrongKind(call.frame, "a token", x, arg.span);
  throw new Stop(ERROR);
}

/** A token that is to choose among so many places: there must be one for each that it can be. Sizes without a number may fit. */
export function tokenAmong(call: BuiltinCall, x: TensorValue, places: Dim): void {
  const { session } = call.frame;
  const [count, found] = [session.numeric(places), x.vocab && session.numeric(x.vocab)];
  if (count === null || found === null || found === undefined || found <= count) return;
  const facts = { operation: call.name, places: count, vocab: found };
  call.frame.report("fwp3019", call.span, facts);
  throw new Stop(ERROR);
}

/** The last axis; at least one axis beyond the lead is needed. */
export function lastAxis(call: BuiltinCall, x: TensorValue): number {
  const shape = call.frame.shapeOf(x);
  if (shape.length > x.lead) return shape.length - 1;
  call.frame.report("fwp3018", call.span, {
    operation: call.name,
    expected: "at least one axis",
    found: showShape(shape.slice(x.lead)),
  });
  throw new Stop(ERROR);
}

/** The axes that `over:` names by their sizes; without it, the last one. */
export function axesOver(call: BuiltinCall, x: TensorValue): number[] {
  const arg = call.args.get("over");
  if (arg === undefined) return [lastAxis(call, x)];
  const value = arg.value();
  const items: readonly Value[] =
    value.kind === "list" || value.kind === "tuple" ? value.items : [value];
  return items.map((item) => axisNamed(call, x, item, arg));
}

function axisNamed(call: BuiltinCall, x: TensorValue, value: Value, arg: LazyArgument): number {
  const { frame } = call;
  const size = asSize(frame, value, "an axis", arg.span);
  if (size === null) throw new Stop(ERROR);
  const shape = frame.shapeOf(x);
  const found = shape.flatMap((d, i) =>
    i >= x.lead && equal(d, frame.session.resolve(size)) ? [i] : [],
  );
  if (found.length === 1) return found[0]!;
  const facts = { axis: show(size), shape: showShape(shape.slice(x.lead)) };
  frame.report(found.length === 0 ? "fwp3007" : "fwp3008", arg.span, facts);
  throw new Stop(ERROR);
}

export function numberArgument(call: BuiltinCall, name: string, fallback: number): number {
  const arg = call.args.get(name);
  if (arg === undefined) return fallback;
  const value = arg.value();
  if (value.kind === "number") return valueOf(call.frame, value) ?? fallback;
  wrongKind(call.frame, `a number for ${name}`, value, arg.span);
  throw new Stop(ERROR);
}

export function flag(call: BuiltinCall, name: string, fallback: boolean): boolean {
  const arg = call.args.get(name);
  if (arg === undefined) return fallback;
  const value = arg.value();
  if (value.kind === "bool") return value.value ?? fallback;
  wrongKind(call.frame, `true or false for ${name}`, value, arg.span);
  throw new Stop(ERROR);
}

export function sizeArgument(call: BuiltinCall, name: string): Dim {
  const arg = required(call, name);
  const size = asSize(call.frame, arg.value(), name, arg.span);
  if (size === null) throw new Stop(ERROR);
  return size;
}

/** Sizes from a list; `_` has been made a hole by `holes`. */
export function listArgument(
  call: BuiltinCall,
  name: string,
): { items: readonly Value[]; arg: LazyArgument } {
  const arg = required(call, name);
  const value = arg.value();
  if (value.kind === "list" || value.kind === "tuple") return { items: value.items, arg };
  wrongKind(call.frame, "a list such as [a, b]", value, arg.span);
  throw new Stop(ERROR);
}
