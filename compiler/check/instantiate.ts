/** From a declaration and values for its parameters to the program of one step. */
import { InternalError, type Diagnostic } from "../../diagnostics/diagnostic.ts";
import { show, type Dim } from "../dims.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { SizeValues } from "../graph/concretize.ts";
import { rebuild } from "../graph/rebuild.ts";
import { operands } from "../graph/shapes.ts";
import type { NodeId, StepProgram } from "../graph/ir.ts";
import { bindSetting } from "./calls.ts";
import { evaluate } from "./evaluate.ts";
import { Frame } from "./frame.ts";
import { expectSizes, inputShape, inputsOf, needsSizes, runStep, type StepDecl } from "./layers.ts";
import { asSize } from "./numbers.ts";
import { growingAxis } from "./products.ts";
import type { Module, Project } from "./project.ts";
import { Session } from "./session.ts";
import { applySettings, type Setting } from "./settings.ts";
import type { CallableValue } from "./values.ts";

export interface Instantiated {
  readonly step: StepProgram;
  /** Values of the named sizes. */
  readonly values: SizeValues;
  readonly diagnostics: readonly Diagnostic[];
  readonly frame: Frame;
  /** Arguments that were dropped, for `explain`. */
  readonly warnings: readonly Diagnostic[];
}

/**
 * Expands a layer or model that stands on its own. `abstract`: it is only checked, so parameters and widths without a
 * value stay open; else each needs one.
 */
export function openStep(
  session: Session,
  callee: CallableValue,
  settings: readonly Setting[],
  abstract: boolean,
  where: Module,
  task: Frame["task"] = null,
): Frame {
  const decl = callee.decl as StepDecl;
  const name = decl.name.text;
  const inner = new Frame(session, callee.module, decl.kind, name);
  const outside = new Frame(session, where, "constant", name);
  outside.task = task;
  inner.abstract = abstract;
  inner.frees = true;
  session.calls.push(name);
  const inputs = inputsOf(decl);
  const free = new Set<string>();
  const applied = applySettings(
    outside,
    callee,
    settings.filter(
      (s) => s.path.length > 1 || decl.parameters.some((p) => p.name.text === s.path[0]),
    ),
    (owner, setting, candidates) => unknownSetting(outside, decl, owner, setting, candidates),
  );
  const bound = applied.callee;
  const given = decl.parameters.filter((p) => bound.bound.has(p.name.text));
  const need = (p: StepDecl["parameters"][0]): boolean => {
    if (abstract || bound.bound.has(p.name.text) || p.default !== null) return true;
    inner.report("fwp2306", p.span, { owner: name, name: p.name.text });
    inner.set(p.name.text, { kind: "error" });
    return false;
  };
  for (const p of given) bindSetting(outside, inner, bound, p, null, p.span);
  for (const p of decl.parameters) {
    if (!given.includes(p) && need(p) && !needsSizes(inner, p.default))
      bindSetting(outside, inner, bound, p, null, p.span);
  }
  const before = new Set(inner.sizes.keys());
  const shapes = inputs.map((input) => ({ input, declared: inputShape(inner, input) }));
  expectSizes(inner, decl);
  for (const size of inner.sizes.keys()) if (!before.has(size)) free.add(size);
  for (const size of free) openSize(inner, outside, decl, size, settings, abstract);
  for (const p of decl.parameters) {
    if (
      !given.includes(p) &&
      p.default !== null &&
      !inner.local(p.name.text) &&
      !inner.sizes.has(p.name.text)
    ) {
      bindSetting(outside, inner, bound, p, null, p.span);
    }
  }
  for (const setting of settings) {
    const [head] = setting.path as [string];
    const known =
      decl.parameters.some((p) => p.name.text === head) ||
      (setting.path.length === 1 && free.has(head));
    if (!known) {
      unknownSetting(outside, decl, name, setting, [
        ...decl.parameters.map((p) => p.name.text),
        ...free,
      ]);
    }
  }
  for (const { input, declared } of shapes) {
    if (declared === null) {
      inner.inputs.set(input.name, { kind: "error" });
      continue;
    }
    const dtype = declared.vocab === null ? "float" : "int";
    session.builder.origin = session.at(input.name, callee.module.file, input.statement.span);
    const node = session.builder.input(`input:${input.name}`, declared.shape, dtype);
    session.builder.origin = null;
    session.inputs.push({
      name: input.name,
      shape: declared.shape,
      dtype,
      vocab: declared.vocab,
      node,
    });
    const vocab = declared.vocab === null ? {} : { vocab: declared.vocab };
    inner.inputs.set(input.name, { kind: "tensor", node, lead: 0, ...vocab });
  }
  if (!session.failed || abstract) runStep(inner, decl);
  session.calls.pop();
  return inner;
}

function openSize(
  inner: Frame,
  outside: Frame,
  decl: StepDecl,
  name: string,
  settings: readonly Setting[],
  abstract: boolean,
): void {
  const size = inner.sizes.get(name)!;
  const setting = settings.findLast((s) => s.path.length === 1 && s.path[0] === name);
  if (setting !== undefined) {
    const value = asSize(outside, evaluate(outside, setting.value), name, setting.value.span);
    if (value !== null) inner.session.define(size, value);
    return;
  }
  if (abstract) inner.session.makeRigid(size);
  else inner.report("fwp2306", decl.name.span, { owner: decl.name.text, name });
}

function unknownSetting(
  frame: Frame,
  decl: StepDecl,
  owner: string,
  setting: Setting,
  candidates: readonly string[],
): void {
  frame.report("fwp2307", decl.name.span, {
    owner,
    name: setting.path.join("."),
    candidates: candidates.join(", "),
  });
}

/** Nodes that the given ones depend on, themselves included. */
export function reachable(session: Session, from: readonly NodeId[]): Set<NodeId> {
  const seen = new Set<NodeId>();
  const stack = [...from];
  while (stack.length > 0) {
    const id = stack.pop()!;
    if (seen.has(id)) continue;
    seen.add(id);
    stack.push(...operands(session.builder.node(id)));
  }
  return seen;
}

export interface NamedNode {
  readonly name: string;
  readonly node: NodeId;
}

/** The program that a session has collected. Weights that nothing depends on are left out, and so are dead nodes. */
export function finishProgram(
  session: Session,
  name: string,
  kind: "layer" | "model",
  outputs: readonly NamedNode[],
): StepProgram {
  const roots = [...outputs.map((o) => o.node), ...session.states.map((s) => s.current)];
  const used = reachable(session, roots);
  const startsFrom = new Set(
    session.states.map((s) => (s.init.kind === "parameter" ? s.init.name : "")),
  );
  const parameters = session.parameters.filter((p) => used.has(p.node) || startsFrom.has(p.name));
  const position = session.usedPosition;
  const given = [...session.inputs, ...parameters, ...session.states].map((x) => x.node);
  const builder = new GraphBuilder(name, (d) => session.resolve(d));
  const to = rebuild(session.builder.finish(), builder, undefined, [...roots, ...given]);
  for (const { name: label, node } of outputs) builder.output(label, to(node));
  for (const state of session.states) builder.output(`next:${state.name}`, to(state.current));
  return {
    name,
    kind,
    body: builder.finish(),
    inputs: session.inputs.map((i) => ({
      ...i,
      node: to(i.node),
      shape: session.resolveShape(i.shape),
    })),
    parameters: parameters.map((p) => ({
      ...p,
      node: to(p.node),
      shape: session.resolveShape(p.shape),
    })),
    states: session.states.map((s) => ({
      name: s.name,
      shape: session.resolveShape(s.shape),
      growing: s.growing,
      init: s.init,
      node: to(s.node),
      next: to(s.current),
      origin: s.origin,
      ...(s.schedule === undefined ? {} : { schedule: s.schedule }),
    })),
    outputs: outputs.map((o) => ({ name: o.name, node: to(o.node) })),
    position: position !== null && used.has(position) ? to(position) : null,
  };
}

/** Sizes that are still to be inferred when everything has been said: reported, once each. */
export function reportHoles(session: Session, frame: Frame): void {
  const open = (d: Dim) => session.hasHole(d);
  for (const state of session.states) {
    if (state.shape.some(open) && state.origin !== null) {
      const { start, end, label, file } = state.origin;
      session.report("fwp3006", file, { start, end }, { what: label ?? state.name });
    }
  }
  if (session.failed) return;
  const unsized = session.builder.nodes.find(({ shape }) => shape.some(open));
  if (unsized === undefined) return;
  const { start, end } = unsized.origin ?? frame.module.ast.span;
  const what = unsized.origin?.label ?? frame.owner;
  session.report("fwp3006", unsized.origin?.file ?? frame.module.file, { start, end }, { what });
}

/** Inputs that neither an output nor a state depends on. Nothing can be said while a map or layer is open. */
export function reportUnread(session: Session, frame: Frame): void {
  const outputs = outputNodes(frame);
  if (outputs.length < frame.outputs.size) return;
  const next = session.states.map((s) => s.current);
  const used = reachable(session, [...outputs.map((o) => o.node), ...next]);
  for (const { name, node } of session.inputs) {
    const { origin } = session.builder.node(node);
    if (used.has(node) || origin === null) continue;
    session.report("fwp4013", origin.file, { start: origin.start, end: origin.end }, { name });
  }
}

/** Sizes that come to no whole number, or to less than one: where the first signal of each declaration has one. */
export function reportSizes(session: Session, file: string): void {
  for (const { shape, origin } of session.builder.nodes) {
    for (const d of shape) {
      const n = session.numeric(session.resolve(d));
      if (n === null || (Number.isInteger(n) && n >= 1)) continue;
      const what = show(session.resolve(d));
      const { start, end } = origin ?? { start: 0, end: 0 };
      const facts = { what, expected: "a whole number, 1 or more", found: String(n) };
      session.report("fwp2205", origin?.file ?? file, { start, end }, facts);
      return;
    }
  }
}

/** Outputs with an axis for the steps so far: they have no shape that holds for all steps. */
function reportGrowing(frame: Frame): void {
  for (const [name, value] of frame.outputs) {
    if (value.kind !== "tensor" || growingAxis(frame, value) < 0) continue;
    const { start, end } = frame.builder.node(value.node).origin ?? frame.module.ast.span;
    frame.report("fwp4018", { start, end }, { name, axis: frame.growthName ?? "the rows" });
  }
}

/** The step program of a layer or model under the given settings, or only diagnostics. */
export function instantiate(
  project: Project,
  name: string,
  settings: readonly Setting[],
): Instantiated | { readonly diagnostics: readonly Diagnostic[] } {
  const { main } = project;
  const decl = main.own.get(name);
  if (decl === undefined || (decl.kind !== "layer" && decl.kind !== "model")) {
    throw new InternalError(`${name} is not a layer or model of the file`);
  }
  const session = new Session(name);
  const callee: CallableValue = {
    kind: "callable",
    decl,
    module: main,
    bound: new Map(),
    through: null,
  };
  const frame = openStep(session, callee, settings, false, main);
  if (!session.failed) reportHoles(session, frame);
  if (!session.failed) reportSizes(session, main.file);
  if (!session.failed) reportGrowing(frame);
  if (session.failed) return { diagnostics: session.diagnostics };
  const outputs = outputNodes(frame);
  const step = finishProgram(session, name, decl.kind, outputs);
  const warnings = session.diagnostics.filter((d) => d.severity === "warning");
  return {
    step,
    values: (atom) => session.meaning(atom),
    diagnostics: session.diagnostics,
    frame,
    warnings,
  };
}

export function outputNodes(frame: Frame): NamedNode[] {
  return [...frame.outputs].flatMap(([name, value]) =>
    value.kind === "tensor" ? [{ name, node: value.node }] : [],
  );
}
