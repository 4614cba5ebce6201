/** Runs programs on the target and on the oracle and compares. */
import { afterAll, expect } from "vitest";
import { runProgram, type RunSizes } from "../../compiler/graph/interpret.ts";
import type { InputPort, OutputPort, SequenceProgram } from "../../compiler/graph/program.ts";
import { evaluateDim } from "../../compiler/dims.ts";
import { sizeLookup } from "../../compiler/graph/interpret.ts";
import type { GraphBuilder } from "../../compiler/graph/builder.ts";
import type { NodeId, StepProgram } from "../../compiler/graph/ir.ts";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import { compileEntry, type CompiledEntry } from "../../compiler/plan/entry.ts";
import { verifyKernel } from "../../compiler/loop/verify.ts";
import { javascriptOf } from "../../compiler/targets/typescript/index.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import type { Instance } from "../../runtime/device/program.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { WASM } from "../../compiler/plan/machine.ts";
import { loadWasmEntries, VARIANTS } from "../support/wasm.ts";
import { hasCompiler, loadMany, machineHere } from "../support/native.ts";

/** Numbers in [-1, 1) that only depend on `seed`. */
export function noise(length: number, seed: number): Float64Array {
  let state = (seed * 2654435761) >>> 0 || 1;
  return Float64Array.from({ length }, () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return Math.fround(state / 2 ** 31 - 1);
  });
}

const EMPTY_STEP: StepProgram = {
  name: "test",
  kind: "layer",
  body: { name: "test", nodes: [], outputs: [] },
  inputs: [],
  parameters: [],
  states: [],
  outputs: [],
  position: null,
};

type Named = Readonly<Record<string, NodeId>>;

/** A program whose ports are all `input`s and `output`s, whatever their shapes; `inPlace` are parameters. */
export function programOf(b: GraphBuilder, outputs: Named, inPlace: Named = {}): SequenceProgram {
  const graph = b.finish();
  const inputs = graph.nodes.flatMap((n): InputPort[] =>
    n.op !== "input"
      ? []
      : [
          {
            role: n.name in inPlace ? "parameter" : "input",
            name: n.name,
            shape: n.shape,
            dtype: n.dtype,
            node: n.id,
          },
        ],
  );
  const port = (role: OutputPort["role"], [name, node]: [string, NodeId]): OutputPort => ({
    role,
    name,
    shape: graph.nodes[node]!.shape,
    dtype: graph.nodes[node]!.dtype,
    node,
  });
  return {
    name: "test",
    step: EMPTY_STEP,
    graph,
    inputs,
    outputs: [
      ...Object.entries(outputs).map((e) => port("output", e)),
      ...Object.entries(inPlace).map((e) => port("parameter", e)),
    ],
  };
}

export function instanceOf(
  program: SequenceProgram,
  sizes: RunSizes,
  precision: "f32" | "f64",
): { instance: Instance; javascript: string } {
  const entry = compileEntry(program, "forward", { precision });
  for (const kernel of entry.kernels) verifyKernel(kernel);
  const javascript = javascriptOf("harness", [entry]);
  const manifest: ProgramManifest = {
    format: "fwp-program",
    version: 1,
    name: "test",
    target: "typescript",
    inputs: [],
    outputs: [],
    parameters: [],
    states: [],
    entries: [entry.spec],
  };
  const loaded = loadJavaScript(javascript, manifest);
  return { instance: loaded.instantiate("forward", sizes, { poison: true }), javascript };
}

/** Root mean square of the difference relative to that of the expectation. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    if (found[i] === expected[i]) continue;
    difference += (found[i]! - expected[i]!) ** 2;
  }
  for (let i = 0; i < expected.length; i++) size += expected[i]! ** 2;
  return difference === 0 ? 0 : Math.sqrt(difference / Math.max(size, 1e-30));
}

export interface CompareOptions {
  /** Ints below this; default 3. */
  readonly tokens?: number;
  readonly seed?: number;
}

/** The same inputs through both, in both precisions: every output port agrees, also at a second run. */
export function compare(
  program: SequenceProgram,
  sizes: RunSizes,
  { tokens = 3, seed = 1 }: CompareOptions = {},
): void {
  const lookup = sizeLookup(sizes);
  const inputs = new Map<string, Tensor>();
  program.inputs.forEach((p, i) => {
    const shape = p.shape.map((d) => evaluateDim(d, lookup));
    const raw = noise(
      shape.reduce((n, d) => n * d, 1),
      seed * 1000 + i + 1,
    );
    const data = p.dtype === "int" ? raw.map((x) => Math.floor(((x + 1) / 2) * tokens)) : raw;
    inputs.set(`${p.role}:${p.name}`, { shape, data });
  });
  compareOn(program, inputs, sizes);
}

export const BOUNDS: readonly (readonly ["f32" | "f64", number])[] = [
  ["f64", 1e-12],
  ["f32", 1e-5],
];

/** The same for given inputs. Outputs that overflow on the oracle are left out. */
export function compareOn(
  program: SequenceProgram,
  inputs: ReadonlyMap<string, Tensor>,
  sizes: RunSizes,
  bounds = BOUNDS,
): void {
  const trial = { program, inputs, sizes, bounds, expected: runProgram(program, inputs, sizes) };
  for (const [precision, bound] of bounds) {
    const { instance, javascript } = instanceOf(program, sizes, precision);
    check(trial, instance, bound, `${precision}\n${javascript}`);
    checkWasm(trial, precision, bound);
  }
  if (hasCompiler) trials.push(trial);
}

interface Trial {
  readonly program: SequenceProgram;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly sizes: RunSizes;
  readonly bounds: typeof BOUNDS;
  readonly expected: ReadonlyMap<string, Tensor>;
}

function check(trial: Trial, instance: Instance, bound: number, what: string): void {
  const { program, inputs, expected } = trial;
  for (let round = 0; round < 2; round++) {
    for (const p of program.inputs) {
      instance.input(p.role, p.name).set(inputs.get(`${p.role}:${p.name}`)!.data);
    }
    instance.run();
    for (const p of program.outputs) {
      const wanted = expected.get(`${p.role}:${p.name}`)!.data;
      if (wanted.some((x) => !(Math.abs(x) < 1e6))) continue;
      const error = relativeError(instance.output(p.role, p.name), wanted);
      if (!(error <= bound)) expect.fail(`${p.role}:${p.name} in ${what}: error ${error}`);
    }
  }
}

function checkWasm(trial: Trial, precision: "f32" | "f64", bound: number): void {
  const entry = compileEntry(trial.program, "forward", { precision, machine: WASM });
  for (const kernel of entry.kernels) verifyKernel(kernel);
  for (const relaxed of VARIANTS) {
    const loaded = loadWasmEntries([entry], precision, relaxed);
    const instance = loaded.instantiate("forward", trial.sizes, { poison: true });
    check(trial, instance, bound, `WebAssembly in ${precision}${relaxed ? ", fused" : ""}`);
  }
}

/** What a file compares, for one call of the C compiler at its end. */
const trials: Trial[] = [];

/** All trials again as native code. */
function checkNative(): void {
  const machine = machineHere();
  for (const precision of ["f32", "f64"] as const) {
    const names = new Map<SequenceProgram, string>();
    const entries: CompiledEntry[] = [];
    const wanted = trials.filter((t) => t.bounds.some(([p]) => p === precision));
    for (const { program } of wanted) {
      if (names.has(program)) continue;
      const entry = compileEntry(program, `p${names.size}`, { precision, machine });
      for (const kernel of entry.kernels) verifyKernel(kernel);
      names.set(program, entry.spec.name);
      entries.push(entry);
    }
    if (entries.length === 0) continue;
    const loaded = loadMany(entries, precision);
    for (const trial of wanted) {
      const name = names.get(trial.program)!;
      const instance = loaded.instantiate(name, trial.sizes, { poison: true });
      const bound = trial.bounds.find(([p]) => p === precision)![1];
      check(trial, instance, bound, `${name} of native code in ${precision}`);
    }
  }
}
if (hasCompiler) afterAll(checkNative, 600_000);
