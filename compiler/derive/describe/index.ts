/** What the analysis has found, as a person would write it down. */
import type { NodeId, ProgramState, Recurrence, StepProgram } from "../../graph/index.ts";
import { constant, type Shape } from "../../dims.ts";
import type { StateSet } from "../analyse/index.ts";
import { Bare, type Row } from "./bare.ts";
import { dependents } from "./cuts.ts";
import { rowText, type TransitionText } from "./equation.ts";
import { write } from "./expression.ts";
import { inputName } from "../../graph/names.ts";
import { Notation, type NamedValue, type NotationOptions } from "./notation.ts";
import type { Sides } from "./transition.ts";
import { nameVersions, updateLines } from "./update.ts";

export type { TransitionText } from "./equation.ts";
export { derivedForm, type DerivedForm } from "./derived.ts";
export { topologyOf, type Arrow, type Box, type Place, type Role, type Topology } from "./topology.ts"; // prettier-ignore
export { stationsOf, type Station } from "./obstacle.ts";

/** A name that formulas use: what it stands for, and where the spec has it. */
export interface Meaning {
  readonly symbol: string;
  /** Null for a name of the spec's own. */
  readonly is: string | null;
  readonly place: NamedValue["place"];
}

export interface StateTransition extends TransitionText {
  readonly state: string;
}

export interface SetDescription {
  /** What the program does, one write after the other: `W <- decay * W`, `W <- W + …`. */
  readonly update: readonly { readonly state: string; readonly line: string }[];
  /** Of the states of a set that is affine; those that have no such form are missing. */
  readonly transitions: readonly StateTransition[];
  /** What the formulas of all states use. */
  readonly names: readonly Meaning[];
}

/** Rows and columns of a state along which no term sums: those of the normal form; where it has none the last two axes. */
function usualSides(set: StateSet, shape: Shape): Sides {
  // Several states have the form of their joint state, with an axis more.
  const { layout, rows = [] } = (set.carries.length === 1 ? set.form : null) ?? {};
  const isReal = (axis: number): boolean => constant(shape[axis]!) !== 1;
  const keys = (layout?.keys ?? []).filter(isReal);
  const own = (layout?.values ?? []).filter(isReal);
  const values = own.length === 0 && keys.length > 0 ? rows.filter(isReal) : own;
  if (keys.length === 0 && values.length === 0) {
    const all = shape.map((_, axis) => axis).filter(isReal);
    return all.length < 2 ? { left: all, right: [] } : { left: all.slice(-2, -1), right: all.slice(-1) }; // prettier-ignore
  }
  if (keys.length === 0) return { left: values, right: [] };
  if (values.length === 0) {
    // Rows that have keys of their own and decay each in its own way are no vectors apart: a number for each element.
    const [row, ...more] = set.class === "elementwise" ? (layout?.batch ?? []).filter(isReal) : [];
    const isTable = row !== undefined && more.length === 0 && row < Math.min(...keys);
    return isTable ? { left: [row], right: keys } : { left: keys, right: [] };
  }
  const behind = keys.length > 1 || Math.max(...keys) > Math.max(...values);
  return behind ? { left: values, right: keys } : { left: keys, right: values };
}

/** How many axes in front of a state are the same for all its keys and values; those of length one do not count. */
function leadOf(set: StateSet, shape: Shape): number {
  const form = set.carries.length === 1 ? set.form : null;
  const axes = form?.layout.batch ?? shape.slice(0, -2).map((_, axis) => axis);
  return axes.filter((a) => constant(shape[a]!) !== 1).length;
}

const meanings = (named: readonly NamedValue[]): Meaning[] =>
  named.map((v) => ({
    symbol: v.symbol,
    is: v.is === null ? null : write(v.is, "spec"),
    place: v.place,
  }));

/** The name that its own layer gives a state: `layers.0.mixer.W` as `W`. */
function ownName(name: string): string {
  const parts = name.split(".");
  const special = parts.at(-2) === "prev" || parts.at(-2) === "delay";
  return parts.slice(special ? -2 : -1).join(".");
}

/** Short names for the states of the set where these differ, full ones for all others. */
function stateNames(states: readonly ProgramState[]): (state: ProgramState) => string {
  const short = new Set(states.map((s) => ownName(s.name)));
  const distinct = short.size === states.length;
  return (s) => inputName(distinct && states.includes(s) ? ownName(s.name) : s.name);
}

/** The formulas of a set of states, before they are written down. */
export interface SetFormulas {
  readonly nameOf: (state: ProgramState) => string;
  readonly lines: readonly { readonly state: ProgramState; readonly line: string }[];
  /** Of the states that have one. */
  readonly rows: readonly Row[];
  readonly named: readonly NamedValue[];
}

/** `step` must have numbers for its sizes. */
export function formulasOf(step: StepProgram, recurrence: Recurrence, set: StateSet): SetFormulas {
  const { body } = step;
  const byName = new Map(step.states.map((s) => [s.name, s]));
  const states = set.carries.map((i) => byName.get(recurrence.carries[i]!.name)!);
  const nameOf = stateNames(states);
  const all = nameVersions(body, step.states, nameOf);
  const slow = dependents(body, step.states.map((s) => s.node)); // prettier-ignore
  const own = dependents(body, states.map((s) => s.node)); // prettier-ignore
  const labels = states.map((s) => s.origin?.label).filter((l) => l != null);
  const options: NotationOptions = {
    fixed: all.names,
    hidden: new Set(labels),
    isSlow: (id: NodeId) => !slow.has(id),
    explains: (id: NodeId) => own.has(id),
    lead: leadOf(set, states[0]!.shape),
  };
  const notation = new Notation(body, options);
  const lines = updateLines(states, all, notation);
  const affine = set.class === "nonlinear" ? [] : states;
  const bare = new Bare(step, states, notation, own, options);
  const rows = affine.map((s) => bare.row(s, usualSides(set, s.shape)));
  return { nameOf, lines, rows: rows.filter((r) => r !== null), named: notation.named };
}

/** The states of one set, in the order of the set. `step` must have numbers for its sizes. */
export function describeSet(
  step: StepProgram,
  recurrence: Recurrence,
  set: StateSet,
): SetDescription {
  const { nameOf, lines, rows, named } = formulasOf(step, recurrence, set);
  return {
    update: lines.map(({ state, line }) => ({ state: state.name, line })),
    transitions: rows.map((row) => ({ state: row.state.name, ...rowText(row, nameOf) })),
    names: meanings(named),
  };
}
