/**
 * A program written by hand, so that the runtime can be tested without the compiler: y_t = w x_t + c_t + b with the
 * running state c_t = c_{t−1} / 2 + x_t, squared error, momentum. Its memory is laid out as a compiled program's would be.
 */
import type { BufferKey, Data, Instance, Program } from "../../runtime/device/program.ts";
import type {
  BufferSpec,
  EntrySpec,
  ProgramManifest,
  Sizes,
} from "../../runtime/format/program.ts";

const sequence = (name: string): BufferSpec => ({
  role: "input",
  name,
  type: "f32",
  shape: ["batch", "time", 1],
});
const parameters: BufferSpec[] = ["w", "b"].map((name) => ({
  role: "parameter",
  name,
  type: "f32",
  shape: [1],
}));
const moments: BufferSpec[] = ["momentum.w", "momentum.b"].map((name) => ({
  role: "optimizer",
  name,
  type: "f32",
  shape: [1],
}));
const state: BufferSpec = { role: "state", name: "c", type: "f32", shape: ["batch", 1] };
const number = (role: "metric" | "scalar", name: string): BufferSpec => ({
  role,
  name,
  type: "f32",
  shape: [],
});
const output: BufferSpec = { ...sequence("y"), role: "output" };

const entry = (name: string, inputs: BufferSpec[], outputs: BufferSpec[]): EntrySpec => ({
  name,
  inputs,
  outputs,
  scratch: [],
  kernels: [],
});

export const manifest: ProgramManifest = {
  format: "fwp-program",
  version: 1,
  name: "Regression",
  target: "test",
  inputs: [{ name: "x", shape: [1], type: "float", vocab: null }],
  outputs: [{ name: "y", shape: [1], type: "float", vocab: null }],
  parameters: [
    { name: "w", shape: [1], init: { kind: "uniform", low: -1, high: 1 }, trained: true },
    { name: "b", shape: [1], init: { kind: "constant", value: 0 }, trained: true },
  ],
  states: [{ name: "c", shape: [1], growing: false, init: { kind: "constant", value: 0 } }],
  entries: [
    entry("forward", [sequence("x"), ...parameters, state], [output, state]),
    entry("step", [sequence("x"), ...parameters, state], [output, state]),
    entry(
      "train",
      [
        sequence("x"),
        sequence("target"),
        ...parameters,
        ...moments,
        state,
        number("scalar", "learning_rate"),
        number("scalar", "step"),
      ],
      [
        ...parameters,
        ...moments,
        state,
        number("metric", "loss"),
        number("metric", "gradient_norm"),
      ],
    ),
    entry(
      "evaluate",
      [sequence("x"), sequence("target"), ...parameters, state],
      [number("metric", "loss"), number("metric", "weight"), state],
    ),
  ],
};

function run(
  name: string,
  sizes: Sizes,
  inputs: Map<string, Data>,
  outputs: Map<string, Data>,
): void {
  const { batch, time } = sizes;
  const read = (key: string) => inputs.get(key)!;
  const [x, w, b] = [read("input:x"), read("parameter:w"), read("parameter:b")];
  const target = inputs.get("input:target");
  const ends = Float32Array.from(read("state:c"));
  let [loss, dw, db] = [0, 0, 0];
  for (let i = 0; i < batch; i++) {
    for (let t = 0; t < time; t++) {
      const at = i * time + t;
      ends[i] = ends[i]! / 2 + x[at]!;
      const y = w[0]! * x[at]! + ends[i]! + b[0]!;
      const out = outputs.get("output:y");
      if (out !== undefined) out[at] = y;
      if (target === undefined) continue;
      const error = y - target[at]!;
      loss += error ** 2 / 2;
      dw += error * x[at]!;
      db += error;
    }
  }
  outputs.get("state:c")!.set(ends);
  const count = batch * time;
  if (name === "evaluate") {
    outputs.get("metric:loss")![0] = loss;
    outputs.get("metric:weight")![0] = count;
  }
  if (name === "train") {
    const rate = read("scalar:learning_rate")[0]!;
    for (const [parameter, gradient] of [
      ["w", dw / count],
      ["b", db / count],
    ] as const) {
      const moment = read(`optimizer:momentum.${parameter}`);
      moment[0] = 0.5 * moment[0]! + gradient;
      read(`parameter:${parameter}`)[0]! -= rate * moment[0];
    }
    outputs.get("metric:loss")![0] = loss / count;
    outputs.get("metric:gradient_norm")![0] = Math.hypot(dw, db) / count;
  }
}

const key = ({ role, name }: BufferSpec): BufferKey => `${role}:${name}`;
const shared = (s: BufferSpec) => s.role === "parameter" || s.role === "optimizer";

/** `planned` counts instances; `broken` makes the loss NaN from that run of `train` on. */
export function fakeProgram(options: { broken?: number } = {}): Program & { planned: number } {
  let trained = 0;
  const program = {
    manifest,
    planned: 0,
    instantiate(name: string, sizes: Sizes, { bind = new Map<BufferKey, Data>() } = {}): Instance {
      program.planned++;
      const spec = manifest.entries.find((e) => e.name === name)!;
      const length = ({ shape }: BufferSpec) =>
        shape.reduce<number>(
          (n, size) => n * (typeof size === "number" ? size : sizes[size as "batch"]),
          1,
        );
      const inputs = new Map<string, Data>(
        spec.inputs.map((s) => [key(s), bind.get(key(s)) ?? new Float32Array(length(s))]),
      );
      const outputs = new Map<string, Data>(
        spec.outputs.map((s) => [
          key(s),
          shared(s) ? inputs.get(key(s))! : new Float32Array(length(s)).fill(NaN),
        ]),
      );
      return {
        sizes,
        scratchBytes: 0,
        input: (role, name) => inputs.get(`${role}:${name}`)!,
        output: (role, name) => outputs.get(`${role}:${name}`)!,
        run() {
          run(name, sizes, inputs, outputs);
          if (name !== "train" || ++trained < (options.broken ?? Infinity)) return;
          outputs.get("metric:loss")![0] = NaN;
        },
      };
    },
  };
  return program;
}
