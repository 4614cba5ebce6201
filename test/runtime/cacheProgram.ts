/** A program with a state that grows, by hand: y_t = Σ of all x so far, kept one by one, and their number so far. */
import type { BufferKey, Data, Instance, Program } from "../../runtime/device/program.ts";
import type { BufferSpec, ProgramManifest, Sizes } from "../../runtime/format/program.ts";

const x: BufferSpec = { role: "input", name: "x", type: "f32", shape: ["batch", "time", 1] };
const y: BufferSpec = { role: "output", name: "y", type: "f32", shape: ["batch", "time", 1] };
const before: BufferSpec[] = [
  { role: "state", name: "seen", type: "f32", shape: ["batch", "past", 1] },
  { role: "state", name: "count", type: "f32", shape: ["batch"] },
];
const after: BufferSpec[] = [
  {
    role: "state",
    name: "seen",
    type: "f32",
    shape: ["batch", { op: "add", args: ["past", "time"] }, 1],
  },
  before[1]!,
];

const manifest: ProgramManifest = {
  format: "fwp-program",
  version: 1,
  name: "Cache",
  target: "test",
  inputs: [{ name: "x", shape: [1], type: "float", vocab: null }],
  outputs: [{ name: "y", shape: [1], type: "float", vocab: null }],
  parameters: [],
  states: [
    { name: "seen", shape: [0, 1], growing: true, init: { kind: "constant", value: 0 } },
    { name: "count", shape: [], growing: false, init: { kind: "constant", value: 0 } },
  ],
  entries: ["forward", "step"].map((name) => ({
    name,
    inputs: [x, ...before],
    outputs: [y, ...after],
    scratch: [],
    kernels: [],
  })),
};

export function cacheProgram(): Program {
  return {
    manifest,
    instantiate(
      _entry: string,
      sizes: Sizes,
      { bind = new Map<BufferKey, Data>() } = {},
    ): Instance {
      const { batch, time, past } = sizes;
      const own = (key: BufferKey, length: number) => {
        const data = bind.get(key) ?? new Float32Array(length);
        if (data.length !== length) throw new Error(`${key}: ${data.length}, not ${length}`);
        return data;
      };
      const inputs = new Map<string, Data>([
        ["input:x", own("input:x", batch * time)],
        ["state:seen", own("state:seen", batch * past)],
        ["state:count", own("state:count", batch)],
      ]);
      const total = past + time;
      const outputs = new Map<string, Data>([
        ["output:y", new Float32Array(batch * time)],
        ["state:seen", new Float32Array(batch * total)],
        ["state:count", new Float32Array(batch)],
      ]);
      return {
        sizes,
        scratchBytes: 0,
        input: (role, name) => inputs.get(`${role}:${name}`)!,
        output: (role, name) => outputs.get(`${role}:${name}`)!,
        run() {
          const seen = outputs.get("state:seen")!;
          for (let b = 0; b < batch; b++) {
            seen.set(inputs.get("state:seen")!.subarray(b * past, (b + 1) * past), b * total);
            for (let t = 0; t < time; t++) {
              seen[b * total + past + t] = inputs.get("input:x")![b * time + t]!;
              const rows = Array.from(seen.subarray(b * total, b * total + past + t + 1));
              outputs.get("output:y")![b * time + t] = rows.reduce((sum, v) => sum + v, 0);
            }
            outputs.get("state:count")![b] = inputs.get("state:count")![b]! + time;
          }
        },
      };
    },
  };
}
