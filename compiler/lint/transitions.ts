/** Lints of what a step does to a state that it is affine in, read off the normal form. */
import { BATCH, constant, TIME } from "../dims.ts";
import { analyse, type NormalForm } from "../derive/index.ts";
import type { Carry, Graph, NodeId, Recurrence, StepProgram } from "../graph/ir.ts";
import { operands } from "../graph/shapes.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { lintDiagnostic } from "./catalogue.ts";
import { divisorOf } from "./normalisers.ts";
import {
  boundWithSquare,
  lengthOf,
  polynomial,
  polynomialRange,
  rangeOf,
  sharedAtoms,
  vectorOf,
  type Monomial,
  type Vector,
} from "./products.ts";
import { largest, Ranges, type Range } from "./ranges.ts";

type State = StepProgram["states"][number];

/** What a rounding error may add to a bound that is met exactly. */
const SLACK = 1e-6;

/** The normal form of the step in one state alone, all other states being held; null if it has none. */
export function formOf(step: StepProgram, state: State): NormalForm | null {
  const carry: Carry = { name: state.name, init: state.node, input: state.node, next: state.next };
  const recurrence: Recurrence = {
    body: step.body,
    reverse: false,
    batch: BATCH,
    time: TIME,
    carries: [carry],
    bindings: [],
    outputs: [],
    replay: null,
  };
  return analyse(recurrence)[0]?.form ?? null;
}

export const labelOf = (state: State): string =>
  state.origin?.label ?? state.name.split(".").at(-1) ?? state.name;

/** The state's declaration, if a reader can point at it. */
export function placeOf({ origin }: State): Diagnostic["place"] | null {
  if (origin === null) return null;
  return { file: origin.file, range: { start: origin.start, end: origin.end } };
}

const number = (x: number): string =>
  x === Infinity
    ? "∞"
    : x === -Infinity
      ? "−∞"
      : String(Number(x.toPrecision(3))).replace("-", "−");
export const rangeText = (r: Range): string =>
  r.low === r.high ? number(r.low) : `anything from ${number(r.low)} to ${number(r.high)}`;

export function lintTransition(
  state: State,
  form: NormalForm,
  given: ReadonlyMap<NodeId, Range>,
): Diagnostic[] {
  const place = placeOf(state);
  if (place === null) return [];
  const ranges = new Ranges(form.graph, given);
  const found = lintErasures(state, form, ranges, place);
  // Of a matrix the entries say little: a rotation has negative ones and keeps all lengths.
  if (form.decay.kind !== "none" && form.decay.kind !== "matrix") {
    const range = rangeOf(ranges, form.decay.factor);
    if (range.low < -SLACK || range.high > 1 + SLACK) {
      const facts = { state: labelOf(state), range: rangeText(range) };
      found.push(lintDiagnostic("fwp4504", place, facts));
    }
  }
  return found;
}

/** Whether two keys are one up to factors that make neither longer: a decay of the memory before it is read. */
function sameKey(ranges: Ranges, a: readonly NodeId[], b: readonly NodeId[]): boolean {
  const left = [...a];
  for (const id of b) {
    const i = left.indexOf(id);
    if (i < 0) return false;
    left.splice(i, 1);
  }
  return left.every((id) => largest(ranges.at(id)) <= 1 + SLACK);
}

/** The name that the spec has for a key: that of the nearest value with a name, other than the state's own. */
function keyName(graph: Graph, atoms: readonly NodeId[], state: string): string {
  const pending = [...atoms];
  for (let i = 0; i < pending.length; i++) {
    const node = graph.nodes[pending[i]!]!;
    const label = node.origin?.label ?? state;
    if (label !== state) return label;
    pending.push(...operands(node));
  }
  return "its key";
}

/** Whether the rate is divided by the squared length of the key, so that what is taken away stays between 0 and 2. */
function isBounded(
  ranges: Ranges,
  written: Vector,
  asked: Vector,
  n: number,
  rest: readonly Monomial[],
  shared: readonly NodeId[],
): boolean {
  if (written.atoms.join() !== asked.atoms.join() || written.factor !== asked.factor) return false;
  return shared.some((id) => {
    const bound = boundWithSquare(ranges, id, written, n);
    if (bound === null || ranges.at(id).low < 0) return false;
    const others = shared.filter((x) => x !== id);
    const range = polynomialRange(ranges, rest.map((m) => ({ ...m, atoms: [...m.atoms, ...others] }))); // prettier-ignore
    return range.high <= 0 && -range.low * bound <= 2 + SLACK;
  });
}

function lintErasures(
  state: State,
  form: NormalForm,
  ranges: Ranges,
  place: Diagnostic["place"],
): Diagnostic[] {
  const { graph, layout } = form;
  const n = constant(layout.n) ?? Infinity;
  const at = (x: NodeId): Range => ranges.at(x);
  for (const write of form.writes) {
    for (const { read, factor } of write.from) {
      const written = vectorOf(graph, write.key);
      const asked = vectorOf(graph, form.reads[read]!.key);
      const scalars = (id: NodeId): boolean => divisorOf(graph, id, at) === null;
      if (!sameKey(ranges, asked.atoms.filter(scalars), written.atoms.filter(scalars))) continue;
      const poly = polynomial(graph, factor) ?? [{ factor: 1, atoms: [factor] }];
      const { shared, rest } = sharedAtoms(poly);
      if (isBounded(ranges, written, asked, n, rest, shared)) continue;
      // Normalisers that the algebra has moved from the keys to the factor are used up by the keys.
      const squared = lengthOf(ranges, written, n, shared) * lengthOf(ranges, asked, n, shared);
      const range = polynomialRange(ranges, rest.map((m) => ({ ...m, atoms: [...m.atoms, ...shared] }))); // prettier-ignore
      const names = { state: labelOf(state), key: keyName(graph, written.atoms, labelOf(state)) };
      if (range.low === 0 && range.high === 0) continue;
      if (!Number.isFinite(squared)) return [lintDiagnostic("fwp4501", place, names)];
      // What is taken away is −λ of the form's I + λ k kᵀ.
      const taken = { low: -range.high * squared, high: -range.low * squared, open: false };
      if (taken.high <= 2 + SLACK && taken.low >= -SLACK) continue;
      const bound = rangeText({ ...taken, low: Math.min(0, taken.low) });
      return [lintDiagnostic("fwp4502", place, { ...names, bound })];
    }
  }
  return [];
}

/** Whether a state is only ever added to: no decay, no erasure, no bound. */
export function onlyGrows(form: NormalForm, range: Range): boolean {
  if (Number.isFinite(range.low) && Number.isFinite(range.high)) return false;
  return (
    form.decay.kind === "none" &&
    form.writes.some((w) => w.constant !== null) &&
    form.writes.every((w) => w.from.length === 0)
  );
}
