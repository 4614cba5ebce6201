/** Holds every candidate against the oracle of the unrolled step on random sequences. */
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { plural } from "../output.ts";
import type { Candidate, Candidates, Given } from "./candidates.ts";
import { twinsOf } from "./gates.ts";
import type { Deviation, Kind, Values } from "./measure.ts";
import { trials, type Trial } from "./trials.ts";

export type Outcome = "ok" | "FAIL" | "not comparable";

export interface Worst extends Deviation {
  readonly time: number;
}

/** Values of one length that were not compared; null for all of them. */
export interface Incomparable {
  readonly time: number;
  readonly values: readonly string[] | null;
}

/** What became of one candidate over all lengths. */
export interface Finding {
  readonly form: string;
  readonly device: string;
  readonly precision: "f32" | "f64";
  /** Closest to, or furthest beyond, what is allowed; null where nothing was compared. */
  readonly forward: Worst | null;
  readonly gradient: Worst | null;
  /** How many values were compared, over all lengths, and how many were not. */
  readonly compared: number;
  readonly left: number;
  /** Lengths whose results overflow in the oracle as well, and values that rounding leaves undetermined. */
  readonly incomparable: readonly Incomparable[];
  /** The candidate broke off. */
  readonly fault: string | null;
  readonly outcome: Outcome;
}

/** What was found at one choice of sizes. */
export interface Findings {
  readonly findings: readonly Finding[];
  /** Sequences whose numbers were drawn again because rounding alone left results undetermined. */
  readonly redrawn: number;
}

/** Gates are held still on sequences that are shorter than this. */
const GATED = 100;

const further = (a: Worst | null, b: Deviation, time: number): Worst =>
  a !== null && a.ratio >= b.ratio ? a : { ...b, time };

/** `run` gives results like `Candidate.run`, under the names of the oracle's. */
function tryCandidate(
  candidate: Candidate,
  form: string,
  all: readonly Trial[],
  run: (given: Given) => readonly Values[],
): Finding {
  const { device, precision } = candidate;
  const worst: Record<Kind, Worst | null> = { forward: null, gradient: null };
  const incomparable: Incomparable[] = [];
  let fault: string | null = null;
  let [compared, left] = [0, 0];
  for (const { given, expectation } of all) {
    const { time } = given.sizes;
    if (!expectation.fits(precision)) {
      incomparable.push({ time, values: null });
      left += expectation.values.size;
      continue;
    }
    try {
      const results = run(given);
      const open = new Set<string>();
      for (const [i, found] of results.entries()) {
        const kinds: Kind[] = i === results.length - 1 ? ["forward", "gradient"] : ["forward"];
        const comparison = expectation.compare(found, kinds, precision);
        compared += comparison.compared;
        left += comparison.undetermined.length;
        for (const name of comparison.undetermined) open.add(name);
        for (const [kind, deviation] of comparison.worst) {
          worst[kind] = further(worst[kind], deviation, time);
        }
      }
      if (open.size > 0) incomparable.push({ time, values: [...open] });
    } catch (error) {
      // Whatever a program does wrong is a result here; the other programs are still to be looked at.
      fault = `${plural(time, "step")}: ${error instanceof Error ? error.message : String(error)}`;
      break;
    }
  }
  const failed = fault !== null || [worst.forward, worst.gradient].some((w) => w !== null && w.ratio > 1); // prettier-ignore
  const outcome: Outcome = failed ? "FAIL" : compared === 0 ? "not comparable" : "ok";
  return { form, device, precision, ...worst, compared, left, incomparable, fault, outcome };
}

export interface VerifyOptions {
  readonly lengths: readonly number[];
  readonly seed: number;
  /** Also the derived forms with their gates held still. */
  readonly gates: boolean;
  /** Called ahead of each comparison with what is about to be done. */
  readonly before?: (what: string) => void;
}

/**
 * Every candidate for a step whose sizes are numbers, over sequences of several lengths with random inputs, states and
 * cotangents; then every derived form with its gates held still, and the form that is derived without them.
 */
export function verifyStep(
  step: StepProgram,
  candidates: Candidates,
  { lengths, seed, gates, before = () => {} }: VerifyOptions,
): Findings {
  before("oracle");
  const all = trials(step, lengths, seed);
  const redrawn = all.filter((t) => t.redrawn > 0).length;
  const findings: Finding[] = [];
  const run = (
    candidate: Candidate,
    form: string,
    over: readonly Trial[],
    how: Candidate["run"],
  ) => {
    before(`${form}, ${candidate.device} ${candidate.precision}`);
    findings.push(tryCandidate(candidate, form, over, how));
  };
  const own = candidates(step);
  for (const candidate of own) {
    const fitting = all.filter(({ given }) => candidate.fits(given.sizes.time));
    if (fitting.length > 0) run(candidate, candidate.form, fitting, candidate.run);
  }
  const short = lengths.filter((time) => time < GATED);
  const gated = (of: StepProgram): Candidate[] => candidates(of).filter((c) => c.gated);
  if (!gates || short.length === 0 || !own.some((c) => c.gated)) return { findings, redrawn };
  for (const { name, special, general, widen, narrow } of twinsOf(step)) {
    before(`oracle, ${name}`);
    const some = trials(special, short.slice(-1), seed);
    for (const candidate of gated(special)) {
      run(candidate, `${candidate.form}, ${name}: folded`, some, candidate.run);
    }
    for (const candidate of gated(general)) {
      run(candidate, `${candidate.form}, ${name}: given`, some, (given) =>
        candidate.run(widen(given)).map(narrow),
      );
    }
  }
  return { findings, redrawn };
}
