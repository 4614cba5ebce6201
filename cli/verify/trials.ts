/** Random sequences, and what the oracle makes of them. */
import { evaluateDim } from "../../compiler/dims.ts";
import { unroll, withGradients } from "../../compiler/graph/index.ts";
import { runProgram, sizeLookup } from "../../compiler/graph/interpret.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { InputPort, SequenceProgram } from "../../compiler/graph/program.ts";
import { elements, type Tensor } from "../../compiler/graph/tensor.ts";
import { describe } from "../../compiler/pipeline.ts";
import type { Data } from "../../runtime/device/program.ts";
import { fillNormal, fillUniform, streamOf } from "../../runtime/format/random.ts";
import type { ParameterSpec, Sizes } from "../../runtime/format/program.ts";
import { initializeParameter } from "../../runtime/parameters/initialise.ts";
import type { Given } from "./candidates.ts";
import { Expectation, type Values } from "./measure.ts";
import { randomRounding } from "./rounding.ts";

/** Sequences side by side, as long as they are short; later steps would only cost more. */
const BATCH = 2;
const LONG = 100;
/** Rows that growing states hold at the start, with every other length. */
const PAST = 3;
/** Standard deviation of inputs, first states and cotangents. */
const DEVIATION = 0.7;
/** That of what parameters are away from their first values, so that no gain is one and no bias zero. */
const TRAINED = 0.1;

/** Between the seeds of draws. */
const APART = 1_000_003;
/** Numbers are drawn this often until rounding alone leaves nothing undetermined. */
const DRAWS = 6;
/** So often is the oracle rounded where once does not explain an error. */
const ROUNDINGS = 8;

/** One length: the job and what the oracle makes of it. */
export interface Trial {
  readonly given: Given;
  readonly expectation: Expectation;
  /** How many draws of numbers were given up. */
  readonly redrawn: number;
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

/** A parameter as it may be after some training: as it starts, and a little off. */
function parameter(spec: ParameterSpec, seed: number): Tensor {
  const off = new Float64Array(spec.shape.reduce((a, b) => a * b, 1));
  fillNormal(off, seed, streamOf(`off ${spec.name}`));
  const first = initializeParameter(spec, seed);
  return { shape: [...spec.shape], data: off.map((x, i) => Math.fround(first[i]! + TRAINED * x)) };
}

/** A value for every port; floats are float32 numbers, so that every precision is given the same. */
function draw(program: SequenceProgram, sizes: Sizes, seed: number): Map<string, Tensor> {
  const lookup = sizeLookup(sizes);
  const specs = new Map(describe(program.step, "").parameters.map((p) => [p.name, p]));
  const one = (port: InputPort): Tensor => {
    const spec = port.role === "parameter" ? specs.get(port.name) : undefined;
    if (spec !== undefined) return parameter(spec, seed);
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

/** Floats moved by up to half a unit in the last place of a float32. */
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

/** A draw is the same for all steps that have the same ports, whatever else they have. */
function trial(program: SequenceProgram, sizes: Sizes, seed: number, redrawn: number): Trial {
  const inputs = draw(program, sizes, seed);
  const want = named(runProgram(program, inputs, sizes));
  // The same meaning in float32, from inputs that are as good: how well are the results determined?
  const round = (i: number): Values =>
    named(runProgram(program, moved(program, inputs, seed + i), sizes, randomRounding(seed + i)));
  const later = Array.from({ length: ROUNDINGS - 1 }, (_, i) => () => round(i + 1));
  const expectation = new Expectation(want, [round(0)], later);
  return { given: givenOf(program, inputs, sizes), expectation, redrawn };
}

/** A trial for each length, with numbers that determine the results wherever a few draws find some. */
export function trials(step: StepProgram, lengths: readonly number[], seed: number): Trial[] {
  const program = withGradients(unroll(step));
  const growing = step.states.some((s) => s.growing);
  return lengths.map((time, i) => {
    const batch = time < LONG ? BATCH : 1;
    const sizes: Sizes = { batch, time, past: growing && i % 2 === 1 ? PAST : 0 };
    for (let redrawn = 0; ; redrawn++) {
      // Later rounds have the seeds next to this one.
      const found = trial(program, sizes, seed + redrawn * APART, redrawn);
      if (found.expectation.undetermined === 0 || redrawn === DRAWS - 1) return found;
    }
  });
}
