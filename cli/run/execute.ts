/** Runs a program over whole sequences or token by token, with or without gradients. */
import { evaluateSize } from "../../runtime/device/arena.ts";
import type { Data, Instance, Program } from "../../runtime/device/program.ts";
import type { Tensor } from "../../runtime/files/safetensors.ts";
import type { BufferSpec, EntrySpec, Sizes } from "../../runtime/format/program.ts";
import { InternalError } from "../../diagnostics/diagnostic.ts";

export interface Job {
  readonly program: Program;
  readonly parameters: ReadonlyMap<string, Data>;
  /** Inputs `NAME`, first states `state.NAME`, cotangents `d.OUTPUT` and `d.state.NAME`: already checked. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly sizes: Sizes;
  readonly grad: boolean;
}

type Tensors = Map<string, Tensor>;

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const nameOf = ({ role, name }: BufferSpec): string =>
  role === "state"
    ? `state.${name}`
    : role === "cotangent" || role === "gradient"
      ? `d.${name}`
      : name;

function entryOf(program: Program, grad: boolean): EntrySpec {
  const name = grad ? "gradient" : "forward";
  const entry = program.manifest.entries.find((e) => e.name === name);
  if (entry === undefined) throw new InternalError(`the program has no entry ${name}`);
  return entry;
}

const empty = (spec: BufferSpec, length: number): Data =>
  spec.type === "i32"
    ? new Int32Array(length)
    : spec.type === "f64"
      ? new Float64Array(length)
      : new Float32Array(length);

/** States before the first step: as given, or as the model starts. */
function firstStates(job: Job): Tensors {
  const { program, parameters, tensors, sizes } = job;
  const states: Tensors = new Map();
  for (const { name, shape, growing, init } of program.manifest.states) {
    const key = `state.${name}`;
    const given = tensors.get(key);
    if (given !== undefined) {
      states.set(key, given);
      continue;
    }
    const full = growing ? [sizes.past, ...shape.slice(1)] : shape;
    const one = count(full);
    const data = new Float64Array(sizes.batch * one);
    if (init.kind === "constant") data.fill(init.value);
    else {
      const learned = parameters.get(init.name)!;
      for (let b = 0; b < sizes.batch; b++) data.set(learned, b * one);
    }
    states.set(key, { shape: [sizes.batch, ...full], data });
  }
  return states;
}

/** One call of an entry. What `given` lacks is zero: cotangents that the caller left out. */
function call(
  entry: EntrySpec,
  instance: Instance,
  given: (spec: BufferSpec) => Data | undefined,
): Tensors {
  for (const spec of entry.inputs) {
    const memory = instance.input(spec.role, spec.name);
    const data = given(spec);
    if (data === undefined) memory.fill(0);
    else memory.set(data);
  }
  instance.run();
  const results: Tensors = new Map();
  for (const spec of entry.outputs) {
    const shape = spec.shape.map((size) => evaluateSize(size, instance.sizes));
    const copy = empty(spec, count(shape));
    copy.set(instance.output(spec.role, spec.name));
    results.set(nameOf(spec), { shape, data: copy });
  }
  return results;
}

/**
 * A state that starts from a parameter hands its gradient on to it, unless its first value was given: then the outputs do
 * not depend on the parameter through it.
 */
function learnedStates(job: Job, results: Tensors): void {
  for (const { name, init } of job.program.manifest.states) {
    if (init.kind !== "parameter" || job.tensors.has(`state.${name}`)) continue;
    const [from, to] = [results.get(`d.state.${name}`)?.data, results.get(`d.${init.name}`)?.data];
    if (from === undefined || to === undefined) continue;
    for (let i = 0; i < from.length; i++) to[i % to.length]! += from[i]!;
  }
}

/** All steps in one call. */
export function runWhole(job: Job): Tensors {
  const entry = entryOf(job.program, job.grad);
  const instance = job.program.instantiate(entry.name, job.sizes);
  const first = firstStates(job);
  const results = call(entry, instance, (spec) =>
    spec.role === "parameter"
      ? job.parameters.get(spec.name)
      : (first.get(nameOf(spec)) ?? job.tensors.get(nameOf(spec)))?.data,
  );
  if (job.grad) learnedStates(job, results);
  return results;
}

/** Step `t` of `[batch, time, …]`. */
function slice({ shape, data }: Tensor, t: number): Data {
  const [batch = 1, time = 1, ...rest] = shape;
  const one = count(rest);
  const out = data.slice(0, batch * one);
  for (let b = 0; b < batch; b++) {
    const at = (b * time + t) * one;
    out.set(data.subarray(at, at + one), b * one);
  }
  return out;
}

/** Collects `[batch, 1, …]` of each step as `[batch, time, …]`. */
function put(all: Tensors, name: string, step: Tensor, t: number, sizes: Sizes): void {
  const [, , ...rest] = step.shape;
  const one = count(rest);
  const { batch, time } = sizes;
  let whole = all.get(name);
  if (whole === undefined) {
    const data = new (step.data.constructor as new (n: number) => Data)(batch * time * one);
    whole = { shape: [batch, time, ...rest], data };
    all.set(name, whole);
  }
  for (let b = 0; b < batch; b++) {
    whole.data.set(step.data.subarray(b * one, (b + 1) * one), (b * time + t) * one);
  }
}

/** Runs single steps, making an instance anew only when growing states are longer. */
class Stepper {
  readonly #job: Job;
  readonly #entry: EntrySpec;
  readonly #grows: boolean;
  #instance: Instance | null = null;

  constructor(job: Job, grad: boolean) {
    this.#job = job;
    this.#entry = entryOf(job.program, grad);
    this.#grows = job.program.manifest.states.some((s) => s.growing);
  }

  get outputs(): readonly BufferSpec[] {
    return this.#entry.outputs;
  }

  step(t: number, states: Tensors, cotangents: Tensors): Tensors {
    const { program, parameters, tensors, sizes } = this.#job;
    const past = this.#grows ? sizes.past + t : sizes.past;
    if (this.#instance?.sizes.past !== past) {
      this.#instance = program.instantiate(this.#entry.name, { batch: sizes.batch, time: 1, past });
    }
    return call(this.#entry, this.#instance, (spec) => {
      const name = nameOf(spec);
      if (spec.role === "parameter") return parameters.get(spec.name);
      if (spec.role === "state") return states.get(name)?.data;
      if (spec.role === "cotangent" && spec.name.startsWith("state.")) {
        return cotangents.get(name)?.data;
      }
      const whole = tensors.get(name);
      return whole && slice(whole, t);
    });
  }
}

/** The last states, and the gradients with respect to the first, under their names. */
function pick(results: Tensors, prefix: string): Tensors {
  return new Map([...results].filter(([name]) => name.startsWith(prefix)));
}

/**
 * Token by token, the state handed on from call to call; gradients backwards over the same calls (the chain rule over
 * steps: the cotangent of a step's last states is the gradient of the next step's first).
 */
export function runStepwise(job: Job): Tensors {
  const { sizes, tensors } = job;
  const forward = new Stepper(job, false);
  const results: Tensors = new Map();
  const before: Tensors[] = [];
  let states = firstStates(job);
  for (let t = 0; t < sizes.time; t++) {
    before.push(states);
    const found = forward.step(t, states, new Map());
    for (const { role, name } of forward.outputs) {
      if (role === "output") put(results, name, found.get(name)!, t, sizes);
    }
    states = pick(found, "state.");
  }
  for (const [name, state] of states) results.set(name, state);
  if (!job.grad) return results;
  const backward = new Stepper(job, true);
  let cotangents = pick(new Map(tensors), "d.state.");
  const inputs = new Set(job.program.manifest.inputs.map((i) => `d.${i.name}`));
  for (let t = sizes.time - 1; t >= 0; t--) {
    const found = backward.step(t, before[t]!, cotangents);
    for (const spec of backward.outputs) {
      if (spec.role !== "gradient" || spec.name.startsWith("state.")) continue;
      const name = nameOf(spec);
      const one = found.get(name)!;
      const sum = results.get(name)?.data;
      if (inputs.has(name)) put(results, name, one, t, sizes);
      else if (sum === undefined) results.set(name, one);
      else for (let i = 0; i < sum.length; i++) sum[i]! += one.data[i]!;
    }
    cotangents = pick(found, "d.state.");
  }
  for (const [name, gradient] of cotangents) results.set(name, gradient);
  learnedStates(job, results);
  return results;
}
