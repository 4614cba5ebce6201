/** Holds every candidate against the oracle of the unrolled step on random sequences. */
import { evaluateDim } from "../../compiler/dims.ts";
import { unroll, withGradients } from "../../compiler/graph/index.ts";
import { runProgram, sizeLookup } from "../../compiler/graph/interpret.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { InputPort, SequenceProgram } from "../../compiler/graph/program.ts";
import { elements, type Tensor } from "../../compiler/graph/tensor.ts";
import type { Data } from "../../runtime/device/program.ts";
import { fillNormal, fillUniform, streamOf } from "../../runtime/format/random.ts";
import type { Sizes } from "../../runtime/format/program.ts";
import { plural } from "../output.ts";
import type { Candidate, Candidates, Given } from "./candidates.ts";
import { comparable, Expectation, type Deviation, type Kind, type Values } from "./measure.ts";

/** Lengths of the sequences. */
const TIMES = [1, 2, 7, 19] as const;
const BATCH = 2;
/** Rows that growing states hold at the start, with every other length. */
const PAST = 3;
/** Standard deviation of everything that is drawn. */
const DEVIATION = 0.7;

export type Outcome = "ok" | "FAIL" | "not comparable";

export interface Worst extends Deviation {
  readonly time: number;
}

/** What became of one candidate over all lengths. */
export interface Finding {
  readonly form: string;
  readonly device: string;
  readonly precision: "f32" | "f64";
  /** Closest to, or furthest beyond, what is allowed; null where nothing was compared. */
  readonly forward: Worst | null;
  readonly gradient: Worst | null;
  /** Lengths whose results overflow in the oracle as well. */
  readonly incomparable: readonly number[];
  /** The candidate broke off. */
  readonly fault: string | null;
  readonly outcome: Outcome;
}

const keyOf = (port: { readonly role: string; readonly name: string }): string =>
  `${port.role}:${port.name}`;

/** The same under the names that `fwp run` uses: `y`, `state.W`, `d.x`. */
function named(values: ReadonlyMap<string, Tensor>): Values {
  return new Map(
    [...values].map(([key, tensor]) => {
      const at = key.indexOf(":");
      const [role, name] = [key.slice(0, at), key.slice(at + 1)];
      const shown =
        role === "state"
          ? `state.${name}`
          : role === "gradient" || role === "cotangent"
            ? `d.${name}`
            : name;
      return [shown, tensor];
    }),
  );
}

/** A value for every port; floats are float32 numbers, so that every precision is given the same. */
function draw(program: SequenceProgram, sizes: Sizes, seed: number): Map<string, Tensor> {
  const lookup = sizeLookup(sizes);
  const one = (port: InputPort): Tensor => {
    const shape = port.shape.map((d) => evaluateDim(d, lookup));
    const data = new Float64Array(elements(shape));
    if (port.dtype === "int") {
      const vocab = program.step.inputs.find((i) => i.name === port.name)?.vocab;
      const n = vocab ? evaluateDim(vocab, lookup) : 2;
      fillUniform(data, seed, streamOf(keyOf(port)));
      return { shape, data: data.map((x) => Math.floor(x * n)) };
    }
    fillNormal(data, seed, streamOf(keyOf(port)));
    return { shape, data: data.map((x) => Math.fround(x * DEVIATION)) };
  };
  return new Map(program.inputs.map((port) => [keyOf(port), one(port)]));
}

/** Floats moved by up to half a unit in the last place of a float32: how well do they determine the results? */
function moved(
  program: SequenceProgram,
  inputs: ReadonlyMap<string, Tensor>,
  seed: number,
): Map<string, Tensor> {
  return new Map(
    program.inputs.map((port) => {
      const key = keyOf(port);
      const tensor = inputs.get(key)!;
      if (port.dtype === "int") return [key, tensor];
      const by = new Float64Array(tensor.data.length);
      fillUniform(by, seed, streamOf(`moved ${key}`));
      const data = tensor.data.map((x, i) => x * (1 + (2 * by[i]! - 1) * 2 ** -24));
      return [key, { shape: tensor.shape, data }];
    }),
  );
}

function givenOf(
  program: SequenceProgram,
  inputs: ReadonlyMap<string, Tensor>,
  sizes: Sizes,
): Given {
  const parameters = new Map<string, Data>();
  const others = new Map<string, Tensor>();
  for (const port of program.inputs) {
    const tensor = inputs.get(keyOf(port))!;
    if (port.role === "parameter") parameters.set(port.name, tensor.data);
    else others.set(keyOf(port), tensor);
  }
  return { parameters, tensors: named(others), sizes };
}

/** One length: the job and what the oracle makes of it. */
interface Trial {
  readonly given: Given;
  readonly expectation: Expectation;
}

function trials(step: StepProgram, seed: number): Trial[] {
  const program = withGradients(unroll(step));
  const growing = step.states.some((s) => s.growing);
  return TIMES.map((time, i) => {
    const sizes: Sizes = { batch: BATCH, time, past: growing && i % 2 === 1 ? PAST : 0 };
    const inputs = draw(program, sizes, seed);
    const want = named(runProgram(program, inputs, sizes));
    const near = named(runProgram(program, moved(program, inputs, seed), sizes));
    return { given: givenOf(program, inputs, sizes), expectation: new Expectation(want, near) };
  });
}

const further = (a: Worst | null, b: Deviation, time: number): Worst =>
  a !== null && a.ratio >= b.ratio ? a : { ...b, time };

function tryCandidate(candidate: Candidate, all: readonly Trial[]): Finding {
  const { form, device, precision } = candidate;
  const worst: Record<Kind, Worst | null> = { forward: null, gradient: null };
  const incomparable: number[] = [];
  let fault: string | null = null;
  let compared = 0;
  for (const { given, expectation } of all) {
    const { time } = given.sizes;
    if (!candidate.fits(time)) continue;
    if (!comparable(expectation.values, precision)) {
      incomparable.push(time);
      continue;
    }
    compared++;
    try {
      const results = candidate.run(given);
      for (const [i, found] of results.entries()) {
        const kinds: Kind[] = i === results.length - 1 ? ["forward", "gradient"] : ["forward"];
        for (const [kind, deviation] of expectation.compare(found, kinds, precision)) {
          worst[kind] = further(worst[kind], deviation, time);
        }
      }
    } catch (error) {
      // Whatever a program does wrong is a result here; the other programs are still to be looked at.
      fault = `${plural(time, "step")}: ${error instanceof Error ? error.message : String(error)}`;
      break;
    }
  }
  const failed = fault !== null || [worst.forward, worst.gradient].some((w) => w !== null && w.ratio > 1); // prettier-ignore
  const outcome: Outcome = failed ? "FAIL" : compared === 0 ? "not comparable" : "ok";
  return { form, device, precision, ...worst, incomparable, fault, outcome };
}

/**
 * Every candidate for a step whose sizes are numbers, over sequences of several lengths with random inputs, states and
 * cotangents. `before` is called ahead of each.
 */
export function verifyStep(
  step: StepProgram,
  candidates: Candidates,
  seed: number,
  before: (candidate: Candidate) => void = () => {},
): Finding[] {
  const all = trials(step, seed);
  return candidates(step).map((candidate) => {
    before(candidate);
    return tryCandidate(candidate, all);
  });
}
