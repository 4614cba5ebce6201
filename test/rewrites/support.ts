/**
 * Two specs that are the same function, put differently: the left one's meaning is what every form of both has to compute,
 * outputs, last states and gradients of all that they share.
 */
import { resolve } from "node:path";
import { expect } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { chunk, stage } from "../../compiler/derive/index.ts";
import { runProgram, unroll, withGradients } from "../../compiler/graph/index.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import type { Tensor } from "../../compiler/graph/tensor.ts";
import { compileStep, fixSizes } from "../../compiler/pipeline.ts";
import { loadJavaScript } from "../../runtime/device/typescript.ts";
import type { BufferRole } from "../../runtime/format/program.ts";
import { asSetting, loadSpec } from "../specs/cases.ts";
import { diskHost, specs } from "../support/specs.ts";
import { drawInputs, portKey } from "../support/steps.ts";

/** By `input:x`, `parameter:k.weight`, `state:W`, `cotangent:y`; results by `output:y`, `state:W`, `gradient:x`, … */
export type Values = ReadonlyMap<string, Tensor>;
export type Settings = Readonly<Record<string, string | number>>;

function stepOf(project: ReturnType<typeof loadProject>, name: string, settings: Settings) {
  const all = Object.entries(settings).map(([k, v]) => asSetting([k, String(v)]));
  const found = instantiate(project, name, all);
  const problems = [...project.diagnostics, ...found.diagnostics].filter((d) => d.severity === "error"); // prettier-ignore
  if (problems.length > 0 || !("step" in found)) {
    throw new Error(`${name}: ${problems.map((d) => `${d.code} ${d.message}`).join("\n")}`);
  }
  return fixSizes(found.step, found.values);
}

/** A layer of specs/. */
export const spec = (file: string, name: string, settings: Settings): StepProgram =>
  stepOf(loadSpec(resolve(specs, file)), name, settings);

/** The layer `L` of a text that sees the library and what else it imports from specs/. */
export const layer = (text: string, settings: Settings, imports: readonly string[] = []): StepProgram =>
  stepOf(
    loadProject(
      resolve(specs, "rewrite.fwp"),
      [
        "import std.maps",
        "import std.instructions",
        ...imports.map((file) => `import "./${file}"`),
        text,
      ].join("\n"),
      diskHost,
    ),
    "L",
    settings,
  ); // prettier-ignore

export interface Sizes {
  readonly batch: number;
  readonly time: number;
  readonly past: number;
}
export const SIZES: Sizes = { batch: 2, time: 21, past: 0 };
/** Steps per chunk: does not divide the time. */
const CHUNK = 8;

/** A way to run a step, with all gradients. */
export interface Route {
  readonly name: string;
  readonly precision: "f32" | "f64";
  readonly run: (inputs: Values, sizes: Sizes) => Values;
}

export const oracle = (step: StepProgram) => {
  const program = withGradients(unroll(step));
  return (inputs: Values, sizes: Sizes): Values => runProgram(program, inputs, sizes);
};

/** On the target, scratch memory full of NaN. */
function compiled(step: StepProgram, precision: "f32" | "f64"): Route["run"] {
  const options = { entries: ["gradient"], form: "derived", chunk: CHUNK, precision } as const;
  const { javascript, manifest, programs } = compileStep(step, () => undefined, options);
  const program = programs.get("gradient")!;
  const loaded = loadJavaScript(javascript, manifest);
  return (inputs, sizes) => {
    const instance = loaded.instantiate("gradient", sizes, { poison: true });
    for (const p of program.inputs) {
      instance.input(p.role as BufferRole, p.name).set(inputs.get(portKey(p))!.data);
    }
    instance.run();
    return new Map(
      program.outputs.map((p) => {
        const data = Float64Array.from(instance.output(p.role as BufferRole, p.name));
        return [portKey(p), { shape: [], data }];
      }),
    );
  };
}

/** `chunks`: fails if no recurrence has a form by chunks. Where there is none, the target runs it step by step. */
export function routes(step: StepProgram, chunks: boolean): Route[] {
  const { program, kept } = chunk(stage(step), { length: CHUNK });
  if (chunks) expect(kept, `${step.name} by chunks`).toContain(null);
  const derived = withGradients(program);
  return [
    { name: "step by step", precision: "f64", run: oracle(step) },
    { name: "derived", precision: "f64", run: (x, sizes) => runProgram(derived, x, sizes) },
    { name: "compiled", precision: "f64", run: compiled(step, "f64") },
    { name: "compiled", precision: "f32", run: compiled(step, "f32") },
  ];
}

/** Random values for everything that a step is given. Float32 numbers, so that all precisions are given the same. */
export function draw(step: StepProgram, sizes: Sizes): Map<string, Tensor> {
  const drawn = drawInputs(withGradients(unroll(step)), sizes);
  return new Map([...drawn].map(([k, x]) => [k, { ...x, data: x.data.map(Math.fround) }]));
}

const size = (data: ArrayLike<number>): number =>
  Math.sqrt(Array.from(data).reduce((sum, x) => sum + x * x, 0) / Math.max(1, data.length));

const BOUNDS = {
  f32: { forward: 1e-5, gradient: 1e-4 },
  f64: { forward: 1e-12, gradient: 1e-10 },
} as const;

const isGradient = (key: string): boolean => key.startsWith("gradient:");

/** Relative to the value, or to a hundredth of the largest gradient, of what is zero but for rounding. */
export function expectSame(got: Values, want: Values, { name, precision }: Route): void {
  const gradients = [...want].filter(([key]) => isGradient(key)).map(([, x]) => size(x.data));
  const floor = 0.01 * Math.max(0, ...gradients);
  for (const [key, { data }] of want) {
    const other = got.get(key)?.data;
    const what = `${key}, ${name} in ${precision}`;
    expect(other?.length, what).toBe(data.length);
    const scale = Math.max(size(data), isGradient(key) ? floor : 0, 1e-30);
    const bound = BOUNDS[precision][isGradient(key) ? "gradient" : "forward"];
    expect(size(data.map((x, i) => x - other![i]!)) / scale, what).toBeLessThanOrEqual(bound);
  }
}

export interface Rewrite {
  readonly left: StepProgram;
  readonly right: StepProgram;
  /** Which sides must have a form by chunks; both by default. */
  readonly chunks?: readonly [left: boolean, right: boolean];
  readonly sizes?: Sizes;
  /** What is special about the left one's inputs. */
  readonly prepare?: (inputs: Map<string, Tensor>) => void;
  /** The right one's inputs, where they are not the left one's by name. */
  readonly give?: (inputs: Values) => Record<string, Tensor>;
  /** Results of each side under common names. */
  readonly leftAs?: (results: Values) => Record<string, Tensor>;
  readonly rightAs?: (results: Values) => Record<string, Tensor>;
  /** Results of the left one that have no counterpart. */
  readonly unlike?: readonly string[];
}

const over = (values: Values, others: Record<string, Tensor> = {}): Values =>
  new Map([...values, ...Object.entries(others)]);

/** Fails unless all forms of both compute the same. */
export function expectRewrite(rewrite: Rewrite): void {
  const { left, right, chunks = [true, true], sizes = SIZES, unlike = [] } = rewrite;
  const inputs = draw(left, sizes);
  rewrite.prepare?.(inputs);
  const others = over(inputs, rewrite.give?.(inputs));
  const wanted = over(oracle(left)(inputs, sizes), undefined);
  const want = new Map([...over(wanted, rewrite.leftAs?.(wanted))].filter(([k]) => !unlike.includes(k))); // prettier-ignore
  expect(want.size).toBeGreaterThan(1);
  for (const { data } of want.values()) expect(data.every((x) => Math.abs(x) < 1e4)).toBe(true);
  // Something is compared: not all zeros.
  expect([...want].filter(([k, x]) => isGradient(k) && size(x.data) > 1e-6).length).toBeGreaterThan(0); // prettier-ignore
  for (const route of routes(left, chunks[0])) {
    const got = route.run(inputs, sizes);
    expectSame(over(got, rewrite.leftAs?.(got)), want, { ...route, name: `left, ${route.name}` });
  }
  for (const route of routes(right, chunks[1])) {
    const got = route.run(others, sizes);
    expectSame(over(got, rewrite.rightAs?.(got)), want, { ...route, name: `right, ${route.name}` });
  }
}

// ------------------------------------------------------------------------------------------- tensors

export const tensor = (
  shape: readonly number[],
  of: (...at: number[]) => number,
): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = new Float64Array(count);
  const at = shape.map(() => 0);
  for (let i = 0; i < count; i++) {
    data[i] = of(...at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++at[axis]! < shape[axis]!) break;
      at[axis] = 0;
    }
  }
  return { shape, data };
}; // prettier-ignore

/** One element. `shape` says how the data lie. */
export const element = ({ data }: Tensor, shape: readonly number[], ...at: number[]): number =>
  data[shape.reduce((index, n, axis) => index * n + at[axis]!, 0)]!;

/** The axes in another order: `permuted(W, [2, 4, 3], [0, 2, 1])`. */
export const permuted = (x: Tensor, shape: readonly number[], order: readonly number[]): Tensor =>
  tensor(
    order.map((axis) => shape[axis]!),
    (...at) => element(x, shape, ...shape.map((_, axis) => at[order.indexOf(axis)]!)),
  );

/** Added up along an axis. */
export const summed = (x: Tensor, shape: readonly number[], axis: number): Tensor => {
  const n = shape[axis]!;
  return tensor(
    shape.filter((_, i) => i !== axis),
    (...at) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += element(x, shape, ...at.slice(0, axis), i, ...at.slice(axis)); // prettier-ignore
      return sum;
    },
  );
};

export const filled = (x: Tensor, value: number): Tensor => ({
  ...x,
  data: x.data.map(() => value),
});
