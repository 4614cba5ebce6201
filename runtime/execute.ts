/**
 * One entry of a program on tensors by name, as files hold them. Read: each input `NAME`, optionally `state.NAME` to
 * start from, for a gradient the cotangents `d.OUTPUT` and optionally `d.state.NAME`. Given: each output, the last
 * `state.NAME`, and for a gradient `d.INPUT`, `d.PARAMETER`, `d.state.NAME`.
 */
import { type Diagnostic, DiagnosticError } from "../diagnostics/diagnostic.ts";
import { diagnostic, problem, whole } from "./catalogue.ts";
import { evaluateSize } from "./device/arena.ts";
import type { Tensor } from "./files/safetensors.ts";
import type { BufferSpec, EntrySpec, ProgramManifest, Sizes } from "./format/program.ts";
import { entryOf, firstStates, type Instances } from "./instances.ts";
import { suggestion } from "./suggest.ts";
import { checkInput } from "./values.ts";

const show = (shape: readonly (number | string)[]): string => `[${shape.join(", ")}]`;

/** The name that files use for a buffer; null for what does not come from or go to a file. */
function fileName({ role, name }: BufferSpec): string | null {
  switch (role) {
    case "input":
    case "output":
      return name;
    case "state":
      return `state.${name}`;
    case "cotangent":
    case "gradient":
      return `d.${name}`;
    case "metric":
    case "parameter":
    case "optimizer":
    case "scalar":
      return null;
  }
}

/** Batch and time as the inputs have them, and the rows that growing states hold. */
function sizesOf(manifest: ProgramManifest, tensors: ReadonlyMap<string, Tensor>): Sizes {
  let found: { batch: number; time: number } | null = null;
  for (const { name } of manifest.inputs) {
    const shape = tensors.get(name)?.shape;
    if (shape === undefined || shape.length < 2) continue;
    found ??= { batch: shape[0]!, time: shape[1]! };
  }
  let past = 0;
  for (const { name, growing } of manifest.states) {
    if (growing) past = Math.max(past, tensors.get(`state.${name}`)?.shape[1] ?? 0);
  }
  return { ...(found ?? { batch: 1, time: 1 }), past };
}

/** Checks that there is a tensor of the right shape for everything the entry must be given, and nothing else. */
function checkTensors(
  manifest: ProgramManifest,
  entry: EntrySpec,
  tensors: ReadonlyMap<string, Tensor>,
  sizes: Sizes,
  path: string,
): void {
  const problems: Diagnostic[] = [];
  const place = whole(path);
  // An input that no output depends on is not read, but it may be given.
  const known = new Set(manifest.inputs.map((signal) => signal.name));
  for (const spec of entry.inputs) {
    const name = fileName(spec);
    if (name === null) continue;
    known.add(name);
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      const optional = spec.role === "state" || spec.name.startsWith("state.");
      if (!optional) problems.push(diagnostic("fwp6030", place, { name, path }));
      continue;
    }
    const expected = spec.shape.map((size) => evaluateSize(size, sizes));
    if (show(expected) !== show(tensor.shape)) {
      const facts = { name, expected: show(expected), found: show(tensor.shape) };
      problems.push(diagnostic("fwp6032", place, facts));
    } else if (spec.type === "i32" && !(tensor.data instanceof Int32Array)) {
      const facts = { name, expected: "integers", found: "floating-point numbers" };
      problems.push(diagnostic("fwp6035", place, facts));
    }
  }
  for (const name of tensors.keys()) {
    if (known.has(name)) continue;
    problems.push(diagnostic("fwp6031", place, { name, ...suggestion(name, known) }));
  }
  if (problems.length > 0) throw new DiagnosticError(problems);
}

/**
 * Runs an entry (`forward`, `gradient`) once. States that are not given start as the model's own, cotangents of last
 * states that are not given are zero. `path` names the source of the tensors in diagnostics.
 * @throws DiagnosticError with every problem: fwp6030 missing, fwp6031 unknown, fwp6032 of another shape, fwp6035 of
 * another element type; fwp6034 a token outside the vocabulary, fwp6300 no such entry.
 */
export function execute(
  instances: Instances,
  name: string,
  tensors: ReadonlyMap<string, Tensor>,
  path: string,
): Map<string, Tensor> {
  const { manifest } = instances.program;
  const entry = entryOf(manifest, name);
  const sizes = sizesOf(manifest, tensors);
  if (sizes.batch === 0 || sizes.time === 0) {
    const facts = { name: "input", expected: "at least one sequence and step", found: "none" };
    throw problem("fwp6032", path, facts);
  }
  checkTensors(manifest, entry, tensors, sizes, path);
  const instance = instances.make(name, sizes);
  const first = firstStates(manifest, instances.parameters, sizes.batch);
  const signals = new Map(manifest.inputs.map((signal) => [signal.name, signal]));
  for (const spec of entry.inputs) {
    const key = fileName(spec);
    if (key === null) continue;
    const signal = spec.role === "input" ? signals.get(spec.name) : undefined;
    const data = tensors.get(key)?.data;
    const memory = instance.input(spec.role, spec.name);
    if (data === undefined) {
      const own = spec.role === "state" ? first.get(spec.name) : undefined;
      if (own === undefined) memory.fill(0);
      else memory.set(own);
    } else {
      if (signal !== undefined) checkInput(signal, { [spec.name]: data }, sizes.batch * sizes.time);
      memory.set(data);
    }
  }
  instance.run();
  const results = new Map<string, Tensor>();
  for (const spec of entry.outputs) {
    const key = fileName(spec);
    if (key === null) continue;
    const shape = spec.shape.map((size) => evaluateSize(size, sizes));
    results.set(key, { shape, data: instance.output(spec.role, spec.name).slice() });
  }
  return results;
}
