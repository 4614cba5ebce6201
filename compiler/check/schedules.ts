/** `schedule { W: chunk(32) }`: how the loops over time of a layer's states are to be run. */
import type { Expr, ScheduleStatement, Setting } from "../../grammar/ast.ts";
import type { Schedule } from "../graph/ir.ts";
import { evaluate } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { asCount } from "./numbers.ts";
import { suggest } from "./suggest.ts";

/** What a layer schedules, by the state's name in it. */
export interface Scheduled {
  readonly setting: Setting;
  /** Null where the form could not be read; that has been reported. */
  readonly schedule: Schedule | null;
}

const FORMS: Readonly<Record<string, { readonly form: Schedule["form"]; readonly cut: boolean }>> =
  {
    sequential: { form: "sequential", cut: false },
    chunk: { form: "chunk", cut: true },
    scan: { form: "scan", cut: true },
  };

function formOf(value: Expr): { name: string; length: Expr | null } | null {
  if (value.kind === "reference") return { name: value.name, length: null };
  if (value.kind !== "call" || value.callee.kind !== "reference") return null;
  const [length] = value.args;
  if (value.args.length !== 1 || length!.name !== null) return null;
  return { name: value.callee.name, length: length!.value };
}

/** Steps per chunk; undefined where the expression says no such number, which is reported. */
function lengthOf(frame: Frame, expr: Expr): number | null | undefined {
  const what = "the length of a chunk";
  const before = frame.session.diagnostics.length;
  const count = asCount(frame, evaluate(frame, expr), what, expr.span);
  if (count === null) {
    // Checked on its own, a layer may lack the value of a parameter.
    return frame.session.diagnostics.length === before ? null : undefined;
  }
  if (Number.isInteger(count) && count >= 1) return count;
  const facts = { what, expected: "a whole number, 1 or more", found: String(count) };
  frame.report("fwp2205", expr.span, facts);
  return undefined;
}

function readSchedule(frame: Frame, { value, span }: Setting): Schedule | null {
  const written = formOf(value);
  const known = written === null ? undefined : FORMS[written.name];
  if (written === null || known === undefined || (written.length !== null && !known.cut)) {
    frame.report("fwp4015", value.span, {});
    return null;
  }
  const length = written.length === null ? null : lengthOf(frame, written.length);
  if (length === undefined) return null;
  return { form: known.form, length, origin: frame.session.at(null, frame.module.file, span) };
}

/** Notes what is scheduled; the states may be declared further down. */
export function runSchedule(frame: Frame, { settings }: ScheduleStatement): void {
  const { schedules } = frame.root;
  for (const setting of settings) {
    const { text, span } = setting.name;
    if (schedules.has(text)) {
      frame.report("fwp4016", span, { name: text });
      continue;
    }
    schedules.set(text, { setting, schedule: readSchedule(frame, setting) });
  }
}

/** Gives the states of a layer what is scheduled for them. */
export function finishSchedules(inner: Frame): void {
  for (const [name, { setting, schedule }] of inner.schedules) {
    const state = inner.states.get(name);
    if (state === undefined) {
      const candidates = suggest(name, inner.states.keys());
      const known = [...inner.states.keys()].filter((s) => !s.startsWith("prev."));
      const hint = candidates === "" ? known.join(", ") : candidates;
      inner.report("fwp4014", setting.name.span, { name, candidates: hint });
    } else if (schedule !== null) state.schedule = schedule;
  }
}
