/** Values given from outside: `--set heads=2`, `--set phi='dpfp(nu: 2)'`, `--set mixer.heads=2`. */
import { parse } from "../../grammar/parser.ts";
import type { Expr } from "../../grammar/ast.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { OptionValue } from "../../runtime/format/training.ts";
import { evaluate, wrongKind } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { valueOf } from "./numbers.ts";
import type { CallableValue, Value } from "./values.ts";

/** A path and an expression, as written after `--set`. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: Expr;
}

/** Reads an expression that stands alone. */
export function parseExpression(
  text: string,
  file: string,
): { value: Expr | null; diagnostics: readonly Diagnostic[] } {
  const prefix = "map value() { ";
  const { ast, diagnostics } = parse(`${prefix}${text} }`, file);
  const [decl] = ast.declarations;
  const whole = diagnostics.map((d): Diagnostic => ({
    ...d,
    place: { file, range: null },
    related: [],
  }));
  const value =
    decl?.kind === "map" && decl.body.length === 0 && ast.declarations.length === 1
      ? decl.value
      : null;
  return { value, diagnostics: whole };
}

/** A number, text, switch, `none` or list of such: what tasks and training take. Null after a report. */
export function optionValue(frame: Frame, expr: Expr): { readonly value: OptionValue } | null {
  if (expr.kind === "reference" && expr.name === "none") return { value: null };
  if (expr.kind === "list" || expr.kind === "tuple") {
    const items = expr.items.map((item) => optionValue(frame, item));
    return items.every((i) => i !== null) ? { value: items.map((i) => i.value) } : null;
  }
  const value = evaluate(frame, expr);
  if (value.kind === "string") return { value: value.value };
  if (value.kind === "bool" && value.value !== null) return { value: value.value };
  const number = value.kind === "number" ? valueOf(frame, value) : null;
  if (number !== null) return { value: number };
  wrongKind(frame, "a number, a text, true, false or none", value, expr.span);
  return null;
}

/** `name=value`; null when there is no `=` or the name is no path of names. */
export function splitSetting(text: string): { path: readonly string[]; value: string } | null {
  const at = text.indexOf("=");
  if (at < 1) return null;
  const path = text.slice(0, at).trim().split(".");
  if (!path.every((p) => /^[\p{L}_][\p{L}\p{M}\p{N}_]*$/u.test(p))) return null;
  return { path, value: text.slice(at + 1).trim() };
}

/**
 * A callable with settings applied, in order; a longer path reaches into a parameter whose value (given or default) is
 * a callable itself. `unknown` is told of paths that nothing takes.
 */
export function applySettings(
  frame: Frame,
  callee: CallableValue,
  settings: readonly Setting[],
  unknown: (owner: string, setting: Setting, candidates: readonly string[]) => void,
  free: readonly string[] = [],
): { callee: CallableValue; sizes: ReadonlyMap<string, Value> } {
  const bound = new Map(callee.bound);
  const sizes = new Map<string, Value>();
  const parameters = callee.decl.parameters.map((p) => p.name.text);
  const owner = callee.decl.name.text;
  for (const setting of settings) {
    const [head, ...rest] = setting.path as [string, ...string[]];
    if (!parameters.includes(head)) {
      if (free.includes(head) && rest.length === 0) sizes.set(head, evaluate(frame, setting.value));
      else unknown(owner, setting, [...parameters, ...free]);
      continue;
    }
    if (rest.length === 0) {
      bound.set(head, evaluate(frame, setting.value));
      continue;
    }
    const inside = bound.get(head) ?? defaultOf(frame, callee, head);
    if (inside?.kind !== "callable") {
      unknown(owner, setting, parameters);
      continue;
    }
    const inner = applySettings(frame, inside, [{ ...setting, path: rest }], unknown);
    bound.set(head, inner.callee);
  }
  return { callee: { ...callee, bound }, sizes };
}

function defaultOf(frame: Frame, callee: CallableValue, name: string): Value | null {
  const p = callee.decl.parameters.find((q) => q.name.text === name);
  if (!p?.default) return null;
  // Defaults are written in the callee's file.
  return evaluate(frame.in(callee.module), p.default);
}
