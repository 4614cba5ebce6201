/** Layers and models: one step, expanded into the step that calls it. */
import type { LayerDecl, ModelDecl, Span, Statement } from "../../grammar/ast.ts";
import { showShape, type Shape } from "../dims.ts";
import { asFloat } from "./broadcast.ts";
import {
  bindNames,
  bindSetting,
  bindSettings,
  relabel,
  seenFrom,
  type LazyArgument,
} from "./calls.ts";
import { atomKey, dimension, shapeOf } from "./dimensions.ts";
import { asTensor } from "./evaluate.ts";
import { Frame } from "./frame.ts";
import { finishSchedules } from "./schedules.ts";
import { runStatements } from "./statements.ts";
import { ERROR, UNKNOWN, type CallableValue, type TensorValue, type Value } from "./values.ts";

export type StepDecl = LayerDecl | ModelDecl;

export interface DeclaredInput {
  readonly statement: Extract<Statement, { kind: "in" }>;
  readonly name: string;
}

export function inputsOf(decl: StepDecl): DeclaredInput[] {
  return decl.body.flatMap((s) => (s.kind === "in" ? [{ statement: s, name: s.name.text }] : []));
}

/** Names that the body binds, so that reading one too early can be told from reading none. */
export function boundNames(statements: readonly Statement[]): string[] {
  return statements.flatMap((s): string[] => {
    switch (s.kind) {
      case "bind":
        return s.targets.map((t) => t.name.text);
      case "block":
      case "repeat":
      case "over":
        return boundNames(s.body);
      case "write":
      case "schedule":
        return [];
      default:
        return [s.name.text];
    }
  });
}

/** Sizes in an input's declared shape, under the declaration's own names. */
export function inputShape(
  inner: Frame,
  input: DeclaredInput,
): { shape: Shape; vocab: Shape[number] | null } | null {
  const { type } = input.statement;
  if (type.kind === "shape") {
    const shape = shapeOf(inner, type, { free: true });
    return shape && { shape, vocab: null };
  }
  const vocab = dimension(inner, type.vocab, { free: true });
  return vocab && { shape: [], vocab };
}

const MOST_PASSES = 12;

/**
 * Runs the body until nothing more is learned about shapes. A signal that is read through `prev` above the line that
 * gives it its shape needs a second pass; most bodies need one.
 */
export function runStep(inner: Frame, decl: StepDecl): void {
  const { session } = inner;
  for (const name of boundNames(decl.body)) inner.later.add(name);
  const settings = inner.values();
  const mark = session.mark();
  for (let pass = 1; ; pass++) {
    const known = inner.shapes.size;
    inner.beginPass(settings);
    runStatements(inner, decl.body, `a ${decl.kind}`);
    if (inner.pending.length === 0) break;
    if (inner.shapes.size > known && pass < MOST_PASSES) {
      session.rollback(mark);
      continue;
    }
    // What could not be inferred after another problem is mostly that problem again.
    const clean = session.diagnostics.slice(mark.diagnostics).every((d) => d.severity !== "error");
    if (clean && (!inner.abstract || !dependsOnOpaque(inner))) {
      for (const { what, span } of inner.pending.slice(0, 1))
        inner.report("fwp3006", span, { what });
    }
    break;
  }
  finishStates(inner);
  finishSchedules(inner);
  if (inner.outputs.size === 0) inner.report("fwp4006", decl.name.span, { name: decl.name.text });
}

/** A declaration with a map parameter that has no value cannot know every shape. */
function dependsOnOpaque(inner: Frame): boolean {
  return [...inner.values().values()].some((v) => v.kind === "opaque");
}

/** What the states hold after the step. */
function finishStates(inner: Frame): void {
  for (const [name, state] of inner.previous) {
    const value = inner.local(name);
    if (value?.kind !== "tensor") continue;
    const shape = inner.session.resolveShape(state.shape);
    if (!inner.session.unifyShapes(shape, inner.shapeOf(value))) {
      const facts = {
        name: `prev(${name})`,
        expected: showShape(shape),
        found: showShape(inner.shapeOf(value)),
      };
      inner.report("fwp3003", { start: state.origin!.start, end: state.origin!.end }, facts);
      continue;
    }
    state.current = asFloat(inner, relabel(inner, value, shape));
    state.written = true;
  }
  if (inner.session.failed) return;
  for (const [name, state] of inner.states) {
    if (
      !state.written &&
      !inner.previous.has(name.replace(/^prev\./, "")) &&
      state.origin !== null
    ) {
      inner.report("fwp4010", { start: state.origin.start, end: state.origin.end }, { name });
    }
  }
}

/** Calls a layer from a step: its states become states of that step, its weights are named after it. */
export function callLayer(
  frame: Frame,
  callee: CallableValue,
  args: readonly LazyArgument[],
  span: Span,
  expected: Shape | null,
): Value {
  const { decl } = callee;
  if (decl.kind !== "layer" && decl.kind !== "model") return ERROR;
  const name = decl.name.text;
  const inputs = inputsOf(decl);
  const settings = decl.parameters.map((p) => p.name.text);
  const gives = (a: LazyArgument) =>
    a.name === null
      ? ["tensor", "unknown", "error"].includes(a.value().kind)
      : inputs.some((i) => i.name === a.name);
  if (inputs.length > 0 && !args.some(gives))
    return bindSettings(frame, callee, settings, args, span);
  const { session } = frame;
  if (frame.kind !== "layer" && frame.kind !== "model") {
    frame.report("fwp4005", span, {
      statement: `the layer ${name}`,
      place: `${frame.kind === "map" ? "a map" : "an instruction"}`,
    });
    return ERROR;
  }
  if (session.inProgram) {
    frame.report("fwp4005", span, { statement: `the layer ${name}`, place: "the program block" });
    return ERROR;
  }
  const names = [...inputs.map((i) => i.name), ...settings];
  const given = bindNames(frame, name, names, args, span, callee.through ?? false);
  if (given === null) return ERROR;
  if (session.calls.includes(name)) {
    frame.report("fwp2206", span, { name });
    return ERROR;
  }
  const missing = decl.parameters.filter(
    (p) => p.default === null && !given.has(p.name.text) && !callee.bound.has(p.name.text),
  );
  for (const p of missing) frame.report("fwp2302", span, { callee: name, name: p.name.text });
  if (missing.length > 0) return ERROR;
  const inner = new Frame(session, callee.module, decl.kind, name);
  inner.abstract = frame.root.abstract;
  inner.frees = true;
  const segment = callee.through ?? name;
  return session.within(segment, () => {
    session.calls.push(name);
    const [label, origin] = [session.label, session.builder.origin];
    try {
      // Settings first: an input's shape may use them. Those that need the input's sizes come out right too, since a
      // default is evaluated when it is bound, after the free sizes have been made.
      const explicit = decl.parameters.filter(
        (p) => given.has(p.name.text) || callee.bound.has(p.name.text),
      );
      for (const p of explicit)
        bindSetting(frame, inner, callee, p, given.get(p.name.text)?.value() ?? null, span);
      for (const p of decl.parameters) {
        if (!explicit.includes(p) && !needsSizes(inner, p.default))
          bindSetting(frame, inner, callee, p, null, span);
      }
      const outcome = bindInputs(frame, inner, inputs, given, name, span);
      if (outcome !== "ok") return outcome;
      for (const p of decl.parameters) {
        if (!explicit.includes(p) && needsSizes(inner, p.default))
          bindSetting(frame, inner, callee, p, null, span);
      }
      expectOutput(inner, decl, expected);
      runStep(inner, decl);
    } finally {
      session.calls.pop();
      session.label = label;
      session.builder.origin = origin;
    }
    const outputs = [...inner.outputs.values()].map((v) => seenFrom(frame, inner, v));
    if (outputs.length === 0) return ERROR;
    return outputs.length === 1 ? outputs[0]! : { kind: "tuple", items: outputs };
  });
}

/** Does a default mention names that are no declarations or builtins: sizes of the inputs? */
export function needsSizes(inner: Frame, expr: LayerDecl["parameters"][0]["default"]): boolean {
  if (expr === null) return false;
  switch (expr.kind) {
    case "reference": {
      const found = inner.lookup(expr.name);
      return found === undefined || found.kind === "number";
    }
    case "binary":
      return needsSizes(inner, expr.left) || needsSizes(inner, expr.right);
    case "unary":
      return needsSizes(inner, expr.operand);
    case "call":
      return expr.args.some((a) => needsSizes(inner, a.value));
    default:
      return false;
  }
}

function bindInputs(
  frame: Frame,
  inner: Frame,
  inputs: readonly DeclaredInput[],
  given: ReadonlyMap<string, LazyArgument>,
  callee: string,
  span: Span,
): "ok" | Value {
  const { session } = frame;
  let result: "ok" | Value = "ok";
  for (const input of inputs) {
    const declared = inputShape(inner, input);
    const arg = given.get(input.name);
    if (declared === null) return ERROR;
    if (arg === undefined) {
      frame.report("fwp2302", span, { callee, name: input.name });
      return ERROR;
    }
    const value = arg.value();
    if (value.kind === "unknown") {
      result = UNKNOWN;
      continue;
    }
    const tensor = asTensor(frame, value, arg.span);
    if (tensor === null) return ERROR;
    const found = frame.shapeOf(tensor);
    const defined = (atom: Parameters<typeof session.atomDefined>[0]) => session.atomDefined(atom);
    const fits =
      found.length === declared.shape.length &&
      declared.shape.every((d, i) => session.match(d, found[i]!, inner.own, defined)) &&
      (declared.vocab === null ||
        (tensor.vocab !== undefined &&
          session.match(declared.vocab, tensor.vocab, inner.own, defined)));
    if (!fits) {
      const expected = declared.vocab === null ? showShape(declared.shape) : "a token";
      frame.report("fwp3009", arg.span, {
        callee,
        name: input.name,
        expected,
        found: showShape(found),
      });
      return ERROR;
    }
    const adopted: TensorValue = {
      ...tensor,
      node: relabel(frame, tensor, declared.shape),
      lead: 0,
      ...(declared.vocab === null ? {} : { vocab: declared.vocab }),
    };
    inner.inputs.set(input.name, adopted);
  }
  return result;
}

/** Free sizes that only an output has, of a declaration that stands on its own. */
export function expectSizes(inner: Frame, decl: StepDecl): void {
  for (const out of decl.body) {
    if (out.kind !== "out" || out.shape === null) continue;
    for (const d of out.shape.dims) {
      if (
        d.kind !== "reference" ||
        inner.lookup(d.name) !== undefined ||
        boundNames(decl.body).includes(d.name)
      )
        continue;
      const size = inner.session.freshSize(d.name);
      inner.sizes.set(d.name, size);
      inner.own.add(atomKey(size));
    }
  }
}

/** A free size that only the output has takes its meaning from what the caller expects. */
function expectOutput(inner: Frame, decl: StepDecl, expected: Shape | null): void {
  const outs = decl.body.filter((s) => s.kind === "out");
  const [only] = outs;
  if (outs.length !== 1 || only!.kind !== "out" || only!.shape === null) return;
  const { session } = inner;
  for (const [i, d] of only!.shape.dims.entries()) {
    if (d.kind !== "reference" || inner.lookup(d.name) !== undefined) continue;
    if (inner.later.has(d.name)) continue;
    const size = session.freshSize(d.name);
    inner.sizes.set(d.name, size);
    inner.own.add(atomKey(size));
    const meaning = expected?.length === only!.shape.dims.length ? expected[i] : undefined;
    if (meaning !== undefined) session.define(size, meaning);
    else session.define(size, session.hole());
  }
}
