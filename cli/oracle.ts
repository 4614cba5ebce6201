/** `--device oracle`: the graph interpreter behind the runtime's interface. Slow, in float64, and right by definition. */
import { runProgram } from "../compiler/graph/interpret.ts";
import type { InputPort, OutputPort, SequenceProgram } from "../compiler/graph/program.ts";
import { tensor, type Tensor } from "../compiler/graph/tensor.ts";
import { sizeExpr } from "../compiler/plan/entry.ts";
import { InternalError } from "../diagnostics/diagnostic.ts";
import { problem } from "../runtime/catalogue.ts";
import { evaluateSize } from "../runtime/device/arena.ts";
import type {
  BufferKey,
  Data,
  Instance,
  InstanceOptions,
  Program,
} from "../runtime/device/program.ts";
import type { BufferSpec, EntrySpec, ProgramManifest, Sizes } from "../runtime/format/program.ts";

const bufferSpec = (port: InputPort | OutputPort): BufferSpec => ({
  role: port.role,
  name: port.name,
  type: port.dtype === "int" ? "i32" : "f64",
  shape: port.shape.map(sizeExpr),
});

function entrySpec(name: string, program: SequenceProgram): EntrySpec {
  const [inputs, outputs] = [program.inputs.map(bufferSpec), program.outputs.map(bufferSpec)];
  return { name, inputs, outputs, scratch: [], kernels: [] };
}

const keyOf = (port: { readonly role: BufferSpec["role"]; readonly name: string }): BufferKey =>
  `${port.role}:${port.name}`;

const count = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

function instance(
  program: SequenceProgram,
  entry: EntrySpec,
  sizes: Sizes,
  options: InstanceOptions,
): Instance {
  const shapes = (specs: readonly BufferSpec[]) =>
    new Map(specs.map((b) => [keyOf(b), b.shape.map((size) => evaluateSize(size, sizes))]));
  const [inputShapes, outputShapes] = [shapes(entry.inputs), shapes(entry.outputs)];
  const inputs = new Map<BufferKey, Data>();
  const outputs = new Map<BufferKey, Data>();
  for (const spec of entry.inputs) {
    const key = keyOf(spec);
    const length = count(inputShapes.get(key)!);
    const bound = options.bind?.get(key);
    if (bound !== undefined && bound.length !== length) {
      const facts = { name: spec.name, expected: `${length} numbers`, found: `${bound.length}` };
      throw problem("fwp6032", program.name, facts);
    }
    const fresh = spec.type === "i32" ? new Int32Array(length) : new Float64Array(length);
    inputs.set(key, bound ?? fresh);
  }
  for (const spec of entry.outputs) {
    const key = keyOf(spec);
    // New parameters and moments are written over the old ones.
    const over = spec.role === "parameter" || spec.role === "optimizer" ? inputs.get(key) : null;
    outputs.set(key, over ?? new Float64Array(count(outputShapes.get(key)!)));
  }
  const find = (memory: ReadonlyMap<BufferKey, Data>, key: BufferKey): Data => {
    const found = memory.get(key);
    if (found === undefined) throw new InternalError(`${entry.name} has no ${key}`);
    return found;
  };
  return {
    sizes,
    scratchBytes: 0,
    input: (role, name) => find(inputs, `${role}:${name}`),
    output: (role, name) => find(outputs, `${role}:${name}`),
    run() {
      const given = new Map<string, Tensor>();
      for (const [key, data] of inputs) {
        given.set(key, tensor(inputShapes.get(key)!, Float64Array.from(data)));
      }
      const results = runProgram(program, given, sizes);
      for (const [key, data] of outputs) data.set(results.get(key)!.data);
    },
  };
}

/** `described` says everything but the entries. */
export function oracleProgram(
  programs: ReadonlyMap<string, SequenceProgram>,
  described: Omit<ProgramManifest, "entries">,
): Program {
  const entries = [...programs].map(([name, program]) => entrySpec(name, program));
  const manifest: ProgramManifest = { ...described, target: "oracle", entries };
  return {
    manifest,
    instantiate(name, sizes, options = {}) {
      const program = programs.get(name);
      const entry = entries.find((e) => e.name === name);
      if (program === undefined || entry === undefined) {
        const known = entries.map((e) => e.name).join(", ");
        throw problem("fwp6300", manifest.name, { name, known });
      }
      return instance(program, entry, sizes, options);
    },
  };
}
