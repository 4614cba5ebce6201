/** Inputs, states and `prev`. */
import type { BindStatement, InStatement, Span, WriteStatement } from "../../grammar/ast.ts";
import { CAPACITY, PAST, showShape, type Shape } from "../dims.ts";
import { asFloat } from "./broadcast.ts";
import { relabel } from "./calls.ts";
import { atomKey, dimension, shapeOf } from "./dimensions.ts";
import { asTensor, evaluate } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { valueOf } from "./numbers.ts";
import type { OpenState } from "./session.ts";
import { labelled } from "./statements.ts";
import { describe, ERROR, UNKNOWN, type Value } from "./values.ts";
import { declareParameter } from "./weights.ts";

/** `in x: [width]`: what the caller gave, under this declaration's sizes. */
export function bindInput(frame: Frame, statement: InStatement): void {
  const given = frame.root.inputs.get(statement.name.text);
  frame.set(statement.name.text, given ?? ERROR);
}

/** `W: [m, n] = 0` in a fast net. */
export function declareState(frame: Frame, statement: BindStatement): void {
  if (statement.targets.length !== 1) {
    frame.report("fwp3014", statement.span, { names: statement.targets.length, values: 1 });
    return;
  }
  const [{ name: label, shape: written }] = statement.targets as [BindStatement["targets"][0]];
  const name = label.text;
  if (frame.root.states.has(name)) return frame.report("fwp2003", label.span, { name });
  if (written === null) {
    frame.report("fwp4007", label.span, { name });
    return frame.set(name, ERROR);
  }
  const init = evaluate(frame, statement.value);
  if (init.kind === "empty") return declareGrowing(frame, statement, name);
  const shape = shapeOf(frame, written, { hole: () => frame.session.hole() });
  if (shape === null) return frame.set(name, ERROR);
  const made = initialValue(frame, name, shape, init, statement.value.span);
  if (made === null) return frame.set(name, ERROR);
  openState(frame, name, shape, made, false, statement.span);
}

function initialValue(
  frame: Frame,
  name: string,
  shape: Shape,
  value: Value,
  span: Span,
): OpenState["init"] | null {
  if (value.kind === "number") return { kind: "constant", value: valueOf(frame, value) ?? 0 };
  if (value.kind === "init") {
    if (!value.learned && value.init.kind === "constant") return value.init;
    const full = frame.session.uniqueName(name);
    declareParameter(frame, full, shape, value.init, value.learned);
    return { kind: "parameter", name: full };
  }
  if (value.kind !== "error") frame.report("fwp4008", span, { name, found: describe(value) });
  return null;
}

function openState(
  frame: Frame,
  name: string,
  shape: Shape,
  init: OpenState["init"],
  growing: boolean,
  span: Span,
  label: string = name,
): OpenState {
  const { session, builder } = frame;
  const full = session.uniqueStateName(label);
  const outer = builder.origin;
  builder.origin = session.at(name, frame.module.file, span);
  const node = builder.input(`state:${full}`, shape);
  const valid = growing
    ? builder.add(builder.size(PAST), builder.unary("to_float", session.position))
    : null;
  builder.origin = outer;
  const state: OpenState = {
    name: full,
    shape,
    growing,
    init,
    node,
    current: node,
    written: false,
    valid,
    currentValid: valid,
    origin: session.at(name, frame.module.file, span),
  };
  session.states.push(state);
  frame.root.states.set(name, state);
  frame.root.set(name, { kind: "tensor", node, lead: 0, ...(valid === null ? {} : { valid }) });
  return state;
}

/** `K: [past, heads, key] = empty`: one more row per step. */
function declareGrowing(frame: Frame, statement: BindStatement, name: string): void {
  const root = frame.root;
  const [axis, ...rest] = statement.targets[0]!.shape!.dims;
  if (axis?.kind !== "reference" || (root.growthName !== null && root.growthName !== axis.name)) {
    const reason =
      axis?.kind === "reference"
        ? `its first axis must be ${root.growthName}, as above`
        : "its first axis needs a name";
    frame.report("fwp4009", statement.span, { name, reason });
    return frame.set(name, ERROR);
  }
  if (root.growthName === null && frame.lookup(axis.name) !== undefined) {
    frame.set(name, ERROR);
    return frame.report("fwp4009", axis.span, {
      name,
      reason: `${axis.name} already means something else`,
    });
  }
  if (root.growth === null) {
    const size = frame.session.freshSize(axis.name);
    root.growth = size;
    root.growthName = axis.name;
    root.sizes.set(axis.name, size);
    root.own.add(atomKey(size));
    frame.session.define(size, CAPACITY);
  }
  const dims = rest.map((d) => dimension(frame, d));
  if (!dims.every((d) => d !== null)) return frame.set(name, ERROR);
  openState(
    frame,
    name,
    [root.growth, ...dims],
    { kind: "constant", value: 0 },
    true,
    statement.span,
  );
}

/** How messages call what a write's value comes from. */
function calledName({ value }: WriteStatement): string {
  const named = value.kind === "call" && value.callee.kind === "reference";
  return named ? value.callee.name : "the instruction";
}

/** `W <- e` in a program block. */
export function writeState(frame: Frame, statement: WriteStatement): void {
  const name = statement.target.text;
  const { root } = frame;
  const state = root.states.get(name);
  if (state === undefined) {
    const bound = frame.local(name);
    if (bound?.kind === "error") return;
    if (bound === undefined && !root.later.has(name)) {
      frame.report("fwp2101", statement.target.span, { name, candidates: frame.candidates(name) });
    } else frame.report("fwp4003", statement.target.span, { name });
    return;
  }
  const raw = labelled(frame, name, statement.span, () =>
    evaluate(frame, statement.value, state.shape),
  );
  state.written = true;
  if (raw.kind === "unknown") root.pending.push({ what: name, span: statement.value.span });
  if (raw.kind === "tuple") {
    frame.report("fwp2308", statement.value.span, {
      name: calledName(statement),
      found: raw.items.length,
    });
    return;
  }
  const value = asTensor(frame, raw, statement.value.span);
  if (value === null) return;
  const grew = value.valid !== undefined && value.valid !== state.currentValid;
  if (state.growing && !grew) {
    return frame.report("fwp4009", statement.span, {
      name,
      reason: "a state that grows can only be written by append",
    });
  }
  const shape = frame.session.resolveShape(state.shape);
  if (!frame.session.unifyShapes(shape, frame.shapeOf(value))) {
    const facts = { name, expected: showShape(shape), found: showShape(frame.shapeOf(value)) };
    return frame.report("fwp3003", statement.value.span, facts);
  }
  state.current = asFloat(frame, relabel(frame, value, shape));
  if (state.growing) state.currentValid = value.valid!;
  root.set(name, { ...value, node: state.current, lead: 0 });
}

/** `prev(y)`: the value that y had at the end of the previous step. */
export function previous(frame: Frame, name: string, init: Value | null, span: Span): Value {
  const root = frame.root;
  if (frame.kind !== "layer" && frame.kind !== "model") {
    frame.report("fwp4005", span, {
      statement: "prev",
      place: `${frame.kind === "map" ? "a map" : "an instruction"}`,
    });
    return ERROR;
  }
  const own = root.states.get(name);
  if (own !== undefined)
    return frame.tensor(own.node, { lead: 0, ...(own.valid === null ? {} : { valid: own.valid }) });
  const known = root.previous.get(name);
  if (known !== undefined) return frame.tensor(known.node, { lead: 0 });
  const input = root.inputs.get(name);
  const bound = frame.local(name);
  const shape =
    root.shapes.get(name) ??
    (input?.kind === "tensor" ? frame.shapeOf(input) : undefined) ??
    (bound?.kind === "tensor" ? frame.shapeOf(bound) : undefined);
  if (shape === undefined) {
    if (bound?.kind === "error") return ERROR;
    if (!root.later.has(name) && bound === undefined) {
      frame.report("fwp2101", span, { name, candidates: frame.candidates(name) });
      return ERROR;
    }
    return UNKNOWN;
  }
  const made = initialValue(
    frame,
    `${name}.previous`,
    shape,
    init ?? { kind: "number", value: 0, dim: null },
    span,
  );
  if (made === null) return ERROR;
  const state = openState(frame, `prev.${name}`, shape, made, false, span);
  root.previous.set(name, state);
  return frame.tensor(state.node, { lead: 0 });
}

/** `prev(e)` for an expression: a state that holds e. */
export function delayed(frame: Frame, value: Value, init: Value | null, span: Span): Value {
  const x = asTensor(frame, value, span);
  if (x === null) return value.kind === "unknown" ? UNKNOWN : ERROR;
  const shape = frame.shapeOf(x);
  const made = initialValue(
    frame,
    "delay",
    shape,
    init ?? { kind: "number", value: 0, dim: null },
    span,
  );
  if (made === null) return ERROR;
  const label = `delay.${frame.root.delays++}`;
  const state = openState(frame, label, shape, made, false, span);
  state.current = asFloat(frame, x.node);
  state.written = true;
  return frame.tensor(state.node, { lead: 0 });
}
