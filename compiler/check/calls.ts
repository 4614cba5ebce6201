/** Calls: what is called, how its arguments are bound, and the expansion of maps, instructions and local functions. */
import type { Argument, CallExpr, Expr, Parameter, Span } from "../../grammar/ast.ts";
import { showShape, type Dim, type Shape } from "../dims.ts";
import { callBuiltin } from "./builtins/index.ts";
import { atomKey, shapeOf } from "./dimensions.ts";
import { asTensor, evaluate, spread, wrongKind } from "./evaluate.ts";
import { Frame } from "./frame.ts";
import { runMapBody } from "./maps.ts";
import { runInstruction } from "./instructions.ts";
import { callLayer } from "./layers.ts";
import { asSize, valueOf } from "./numbers.ts";
import {
  describe,
  ERROR,
  UNKNOWN,
  type CallableValue,
  type TensorValue,
  type Value,
} from "./values.ts";

/** An argument, evaluated when the callee knows what shape it expects. */
export interface LazyArgument {
  readonly name: string | null;
  readonly span: Span;
  readonly nameSpan: Span;
  /** The name, when the argument is nothing but a name: `prev(y)` means the signal, not its value now. */
  readonly reference: string | null;
  /** Value with the shape that the callee expects, if it says one. */
  readonly value: (expected?: Shape | null) => Value;
}

export function lazyArguments(frame: Frame, args: readonly Argument[]): LazyArgument[] {
  return args.flatMap((arg): LazyArgument[] => {
    const common = {
      name: arg.name?.text ?? null,
      span: arg.value.span,
      nameSpan: arg.name?.span ?? arg.value.span,
      reference: arg.value.kind === "reference" ? arg.value.name : null,
    };
    if (arg.value.kind === "for") {
      return spread(frame, arg.value, null).map((value) => ({ ...common, value: () => value }));
    }
    return [{ ...common, value: once(frame, arg.value) }];
  });
}

/** Evaluates at most once per expected shape: expanding twice would make weights twice. */
function once(frame: Frame, expr: Expr): (expected?: Shape | null) => Value {
  let known: Value | null = null;
  return (expected = null) => {
    if (known === null || known.kind === "unknown") known = evaluate(frame, expr, expected);
    return known;
  };
}

export function evaluateCall(frame: Frame, expr: CallExpr, expected: Shape | null): Value {
  const callee = evaluate(frame, expr.callee);
  const args = lazyArguments(frame, expr.args);
  switch (callee.kind) {
    case "error":
      for (const arg of args) arg.value();
      return ERROR;
    case "builtin":
      return callBuiltin(frame, callee.name, { args, span: expr.span, expected });
    case "local":
      return callLocal(frame, callee, args, expr, expected);
    case "callable":
      return callCallable(frame, callee, args, expr.span, expected);
    case "opaque":
      return callOpaque(callee, args, expected);
    default:
      frame.report("fwp2305", expr.callee.span, { found: describe(callee) });
      return ERROR;
  }
}

/** A map, instruction or layer parameter without a value: the declaration is checked on its own. */
function callOpaque(
  callee: Value & { kind: "opaque" },
  args: readonly LazyArgument[],
  expected: Shape | null,
): Value {
  const values = args.map((a) => a.value(expected));
  if (values.some((v) => v.kind === "error")) return ERROR;
  // An instruction gives back its first argument's shape; of a map nothing is known but what is expected.
  const [first] = values;
  return callee.what === "instruction" && first?.kind === "tensor" ? first : UNKNOWN;
}

function callLocal(
  frame: Frame,
  callee: Value & { kind: "local" },
  args: readonly LazyArgument[],
  expr: CallExpr,
  expected: Shape | null,
): Value {
  const { fn } = callee;
  const name = fn.name.text;
  const { session } = frame;
  if (session.calls.includes(`local ${name}`)) {
    frame.report("fwp2206", expr.span, { name });
    return ERROR;
  }
  const inner = callee.scope.child();
  const names = fn.parameters.map((p) => p.text);
  const given = bindNames(frame, name, names, args, expr.span, false);
  if (given === null) return ERROR;
  for (const parameter of names) {
    const arg = given.get(parameter);
    if (arg === undefined) {
      frame.report("fwp2302", expr.span, { callee: name, name: parameter });
      return ERROR;
    }
    inner.set(parameter, arg.value());
  }
  session.calls.push(`local ${name}`);
  try {
    return evaluate(inner, fn.value, expected);
  } finally {
    session.calls.pop();
  }
}

/** Matches arguments with parameter names; null after a report. `drops`: unknown names are dropped with a warning. */
export function bindNames(
  frame: Frame,
  callee: string,
  names: readonly string[],
  args: readonly LazyArgument[],
  span: Span,
  drops: string | false,
): Map<string, LazyArgument> | null {
  const bound = new Map<string, LazyArgument>();
  let next = 0;
  let ok = true;
  for (const arg of args) {
    if (arg.name === null) {
      while (next < names.length && bound.has(names[next]!)) next++;
      const name = names[next];
      if (name === undefined) {
        const found = args.filter((a) => a.name === null).length;
        frame.report("fwp2303", span, { callee, takes: names.length, found });
        return null;
      }
      bound.set(name, arg);
      continue;
    }
    if (!names.includes(arg.name)) {
      if (drops !== false)
        frame.report("fwp2309", arg.nameSpan, { callee, name: arg.name, parameter: drops });
      else {
        frame.report("fwp2301", arg.nameSpan, {
          callee,
          name: arg.name,
          candidates: names.join(", "),
        });
        ok = false;
      }
      continue;
    }
    if (bound.has(arg.name)) {
      frame.report("fwp2304", arg.nameSpan, { callee, name: arg.name });
      ok = false;
    }
    bound.set(arg.name, arg);
  }
  return ok ? bound : null;
}

const isSignal = (p: Parameter): boolean => p.type?.kind === "shape";

/** Calls a map, instruction or layer; without signals it binds parameters and gives the rest back. */
export function callCallable(
  frame: Frame,
  callee: CallableValue,
  args: readonly LazyArgument[],
  span: Span,
  expected: Shape | null,
): Value {
  const { decl } = callee;
  const name = decl.name.text;
  if (decl.kind === "layer" || decl.kind === "model")
    return callLayer(frame, callee, args, span, expected);
  const signals = decl.parameters.filter(isSignal).map((p) => p.name.text);
  const settings = decl.parameters.filter((p) => !isSignal(p)).map((p) => p.name.text);
  // `dpfp(nu: 2)` or `dpfp(2)` where nothing given is a signal: a map with its settings bound.
  const first = args[0];
  const named = args.filter((a) => a.name !== null);
  const anySignal =
    named.some((a) => signals.includes(a.name!)) ||
    (first?.name === null && isSignalLike(first.value()));
  if (!anySignal && decl.kind === "map" && signals.length > 0)
    return bindSettings(frame, callee, settings, args, span);
  const drops = callee.through ?? false;
  const names = decl.parameters.map((p) => p.name.text);
  const given = bindNames(frame, name, names, args, span, drops);
  if (given === null) return ERROR;
  if (frame.session.calls.includes(name) || frame.session.calls.length > 200) {
    frame.report("fwp2206", span, { name });
    return ERROR;
  }
  const inner = new Frame(frame.session, callee.module, decl.kind, name);
  const bound = bindParameters(frame, inner, callee, given, span, expected);
  if (bound === null) return UNKNOWN;
  if (bound === "error") return ERROR;
  frame.session.calls.push(name);
  try {
    const result = decl.kind === "map" ? runMapBody(inner, decl) : runInstruction(inner, decl);
    return seenFrom(frame, inner, result);
  } finally {
    frame.session.calls.pop();
  }
}

function isSignalLike(value: Value): boolean {
  return value.kind === "tensor" || value.kind === "unknown" || value.kind === "error";
}

/** Binds what is not a signal: `dpfp(nu: 2)`. */
export function bindSettings(
  frame: Frame,
  callee: CallableValue,
  settings: readonly string[],
  args: readonly LazyArgument[],
  span: Span,
): Value {
  const given = bindNames(frame, callee.decl.name.text, settings, args, span, false);
  if (given === null) return ERROR;
  const bound = new Map(callee.bound);
  const inside = frame.in(callee.module);
  for (const [name, arg] of given) {
    const value = arg.value();
    const kind = declaredKind(
      inside,
      callee.decl.parameters.find((p) => p.name.text === name)!,
    );
    const expected = kind === null ? null : misfit(kind, value);
    if (expected !== null) wrongKind(frame, `${expected} for ${name}`, value, arg.span);
    const fraction =
      kind === "int" &&
      value.kind === "number" &&
      valueOf(frame, value) !== null &&
      asSize(frame, value, name, arg.span) === null;
    bound.set(name, expected === null && !fraction ? value : ERROR);
  }
  return { ...callee, bound };
}

/** A value as the caller sees it: the callee's sizes replaced by what they stand for. */
export function seenFrom(frame: Frame, inner: Frame, value: Value): Value {
  if (value.kind === "tuple")
    return { kind: "tuple", items: value.items.map((v) => seenFrom(frame, inner, v)) };
  if (value.kind !== "tensor") return value;
  const shape = inner.shapeOf(value).map((d) => frame.session.expand(d, inner.own));
  return { ...value, node: relabel(frame, value, shape), lead: Math.min(frame.lead, shape.length) };
}

/** The same numbers under other names of sizes. */
export function relabel(frame: Frame, value: TensorValue, shape: Shape): TensorValue["node"] {
  const { builder } = frame;
  const from = builder.shape(value.node);
  if (from.every((d, i) => d.key === shape[i]!.key)) return value.node;
  return builder.copy({
    op: "reshape",
    x: value.node,
    shape,
    dtype: builder.node(value.node).dtype,
  });
}

/**
 * Binds the parameters of a map or instruction: signals by matching their last axes with the declared shape (the axes
 * before them are the lead), settings by kind. Null when a signal's shape is not known yet.
 */
function bindParameters(
  frame: Frame,
  inner: Frame,
  callee: CallableValue,
  given: ReadonlyMap<string, LazyArgument>,
  span: Span,
  expected: Shape | null,
): "ok" | "error" | null {
  const { decl } = callee;
  if (decl.kind !== "map" && decl.kind !== "instruction") return "error";
  const name = decl.name.text;
  let outcome: "ok" | "error" | null = "ok";
  const settings = decl.parameters.filter((p) => !isSignal(p));
  for (const p of settings)
    bindSetting(frame, inner, callee, p, given.get(p.name.text)?.value() ?? null, span);
  const signals = decl.parameters.filter(isSignal);
  declareSizes(inner, signals);
  const wide = signals.filter((p) => !isRest(p));
  // A map from [n] to [n] hands the expected shape on to its argument.
  const passes =
    decl.kind === "map" &&
    signals.length === 1 &&
    decl.result !== null &&
    sameText(decl.result, signals[0]!.type);
  const values = new Map<string, TensorValue>();
  for (const p of signals) {
    const arg = given.get(p.name.text);
    if (arg === undefined) continue;
    const value = arg.value(passes ? expected : null);
    if (value.kind === "unknown") outcome = outcome === "error" ? "error" : null;
    else {
      const tensor = asTensor(frame, value, arg.span);
      if (tensor === null) outcome = "error";
      else values.set(p.name.text, tensor);
      if (tensor !== null && decl.kind === "instruction") {
        const [file, { start, end }] = [frame.module.file, arg.span];
        const name = given.get(p.name.text)?.reference ?? p.name.text;
        frame.builder.give(tensor.node, { name, file, start, end });
      }
    }
  }
  if (outcome !== "ok") return outcome;
  for (const p of wide) {
    const value = values.get(p.name.text);
    if (value === undefined) continue;
    const lead = matchSignal(frame, inner, p, value, name, given.get(p.name.text)!.span);
    if (lead === null) return "error";
    if (lead > inner.lead || inner.leadShape.length === 0) {
      inner.lead = Math.max(inner.lead, lead);
      inner.leadShape = frame.shapeOf(value).slice(0, lead);
    }
  }
  for (const p of signals) {
    const value = values.get(p.name.text);
    if (value !== undefined) {
      inner.set(p.name.text, adopt(frame, inner, p, value));
    } else if (p.default !== null) {
      const value = evaluate(inner, p.default);
      const tensor = asTensor(inner, value, p.default.span);
      if (tensor !== null) inner.set(p.name.text, { ...tensor, lead: 0 });
    } else {
      frame.report("fwp2302", span, { callee: name, name: p.name.text });
      outcome = "error";
    }
  }
  return outcome;
}

const isRest = (p: Parameter): boolean =>
  p.type?.kind === "shape" && p.type.dims.length === 1 && p.type.dims[0]!.kind === "rest";

function sameText(a: Parameter["type"], b: Parameter["type"]): boolean {
  return withoutSpans(a) === withoutSpans(b);
}

const withoutSpans = (x: unknown): string =>
  JSON.stringify(x, (key, value: unknown) => (key === "span" ? undefined : value));

/** Names in the shapes of signal parameters that are not settings become sizes of the callee. */
export function declareSizes(inner: Frame, parameters: readonly Parameter[]): void {
  for (const p of parameters) {
    if (p.type?.kind === "shape" && !isRest(p)) shapeOf(inner, p.type, { free: true });
  }
}

/** Matches the last axes of an argument with a parameter's shape; gives the number of axes before them. */
function matchSignal(
  frame: Frame,
  inner: Frame,
  p: Parameter,
  value: TensorValue,
  callee: string,
  span: Span,
): number | null {
  if (p.type?.kind !== "shape") return null;
  const pattern = shapeOf(inner, p.type, { free: true });
  if (pattern === null) return null;
  const found = frame.shapeOf(value);
  const lead = found.length - pattern.length;
  const { session } = frame;
  const fits =
    lead >= 0 &&
    pattern.every((d, i) =>
      session.match(d, found[lead + i]!, inner.own, (atom) => session.atomDefined(atom)),
    );
  if (fits) return lead;
  const seen = pattern.map((d) => session.expand(d, inner.own));
  const expected = `${showShape(pattern)}${showShape(seen) === showShape(pattern) ? "" : `, here ${showShape(seen)}`}`;
  frame.report("fwp3009", span, { callee, name: p.name.text, expected, found: showShape(found) });
  return null;
}

/** An argument as the callee sees it: its own axes under the callee's names. */
function adopt(frame: Frame, inner: Frame, p: Parameter, value: TensorValue): TensorValue {
  const shape = frame.shapeOf(value);
  if (p.type?.kind !== "shape") return value;
  if (isRest(p)) {
    // Whatever broadcasts: the axes that the callee's lead does not cover, under the callee's names where they agree.
    const lead = Math.min(inner.lead, shape.length, commonLead(frame, inner, shape));
    const own = shape.slice(lead).map((d) => nameOf(frame, inner, d));
    const named = [...shape.slice(0, lead), ...own];
    return { ...value, node: relabel(frame, value, named), lead };
  }
  const pattern = shapeOf(inner, p.type)!;
  const lead = shape.length - pattern.length;
  return { ...value, node: relabel(frame, value, [...shape.slice(0, lead), ...pattern]), lead };
}

/** How many first axes of a `[..]` argument are the lead of the other signals. */
function commonLead(frame: Frame, inner: Frame, shape: Shape): number {
  const leads = inner.leadShape;
  let n = 0;
  while (n < shape.length && n < leads.length && frame.session.unify(shape[n]!, leads[n]!)) n++;
  return n;
}

/** The callee's name for a caller's size, if exactly one of its sizes stands for it. */
function nameOf(frame: Frame, inner: Frame, d: Dim): Dim {
  const matches = [...inner.sizes.values()].filter((s) => {
    return frame.session.unifyExactly(frame.session.expand(s, inner.own), d);
  });
  return matches.length >= 1 ? matches[0]! : d;
}

/** Binds a parameter that is fixed when the spec is compiled: int, float, bool, map, instruction, layer, initialiser. */
export function bindSetting(
  frame: Frame,
  inner: Frame,
  callee: CallableValue,
  p: Parameter,
  given: Value | null,
  span: Span,
): void {
  const name = p.name.text;
  const value =
    given ?? callee.bound.get(name) ?? (p.default === null ? null : evaluate(inner, p.default));
  const kind = declaredKind(inner, p) ?? kindOf(value);
  if (value === null) {
    if (kind === "int") declareSize(inner, name);
    else if (kind === "float") inner.set(name, { kind: "number", value: null, dim: null });
    else if (kind === "bool") inner.set(name, { kind: "bool", value: null });
    else inner.set(name, { kind: "opaque", what: kind, name });
    if (!inner.abstract) frame.report("fwp2302", span, { callee: callee.decl.name.text, name });
    return;
  }
  if (value.kind === "error") {
    inner.set(name, ERROR);
    return;
  }
  const where = given === null ? (p.default?.span ?? span) : span;
  const owner = given === null ? inner : frame;
  const expected = value.kind === "unknown" ? null : misfit(kind, value);
  if (expected !== null) {
    wrongKind(owner, `${expected} for ${name}`, value, where);
    inner.set(name, ERROR);
    return;
  }
  switch (kind) {
    case "int": {
      const size = asSize(owner, value, name, where);
      const made = declareSize(inner, name);
      if (size !== null) frame.session.define(made, size);
      return;
    }
    case "float":
      // A number's value counts from here on; its sizes belong to the caller.
      inner.set(name, {
        kind: "number",
        value: value.kind === "number" ? valueOf(frame, value) : null,
        dim: null,
      });
      return;
    default:
      inner.set(name, value.kind === "callable" ? { ...value, through: name } : value);
  }
}

/** The kind that a parameter's type or default gives it; null if that depends on its value. */
function declaredKind(frame: Frame, { type, default: usual }: Parameter): string | null {
  if (type !== null) return type.kind === "kind-name" ? type.text : null;
  switch (usual?.kind) {
    case "number":
    case "bool":
      return kindOf(evaluate(frame, usual));
    case "reference":
    case "call": {
      const callee = usual.kind === "call" ? usual.callee : usual;
      const found = callee.kind === "reference" ? frame.lookup(callee.name) : undefined;
      return found?.kind === "callable" ? found.decl.kind : null;
    }
    default:
      return null;
  }
}

/** What a parameter of this kind expects if the value is something else; null if it fits. */
function misfit(kind: string, value: Value): string | null {
  switch (kind) {
    case "int":
      return value.kind === "number" ? null : "a whole number";
    case "float":
      return value.kind === "number" ? null : "a number";
    case "bool":
      return value.kind === "bool" ? null : "true or false";
    case "initializer":
      return value.kind === "init" ? null : "an initialiser";
    case "map":
    case "instruction":
    case "layer":
    case "model": {
      const fits =
        (value.kind === "callable" && value.decl.kind === kind) ||
        (kind === "map" && value.kind === "builtin") ||
        (value.kind === "opaque" && value.what === kind);
      return fits ? null : `${kind === "instruction" ? "an" : "a"} ${kind}`;
    }
    default:
      return null;
  }
}

function kindOf(value: Value | null): string {
  if (value === null) return "int";
  if (value.kind === "number") return value.dim !== null ? "int" : "float";
  if (value.kind === "callable") return value.decl.kind;
  return value.kind === "init" ? "initializer" : value.kind;
}

function declareSize(inner: Frame, name: string): Dim {
  const known = inner.sizes.get(name);
  if (known !== undefined) return known;
  const size = inner.session.freshSize(name);
  inner.sizes.set(name, size);
  inner.own.add(atomKey(size));
  return size;
}
