/** The delta rule, a Recurrent Delta Net's core and a self-referential matrix: loops over time and nothing else. */
import type { Instance } from "../../runtime/device/program.ts";
import { firstStates } from "../../runtime/instances.ts";
import type { Target } from "../../cli/targets.ts";
import { layer, type Ready } from "../specs.ts";
import { Draw, unitRows, writeArray } from "./data.ts";
import type { Way } from "./results.ts";
import { entryWay, script, type Opened, type OurWay, type Work } from "./work.ts";

interface Rule {
  readonly file: string;
  readonly layer: string;
  readonly settings: readonly string[];
  readonly batch: number;
  readonly time: number;
  /** What comes in as keys of length one, and what between 0 and 1; all else is normal. */
  readonly unit: readonly string[];
  readonly uniform: readonly string[];
  readonly what: string;
}

const outputsOf = (made: Ready) =>
  made.compiled.manifest.entries.find((e) => e.name === "gradient")!.outputs;

/** Sequences and parameters in files, and in memory for both entries. */
function share(made: Ready, rule: Rule, instances: readonly Instance[], folder: string): void {
  const draw = new Draw(1);
  const { manifest } = made.compiled;
  for (const { name, shape } of manifest.inputs) {
    const length = rule.batch * rule.time * shape.reduce((a, b) => a * b, 1);
    const data = draw.array(length, rule.uniform.includes(name) ? "uniform" : "normal");
    if (rule.unit.includes(name)) unitRows(data, shape.at(-1)!);
    for (const instance of instances) instance.input("input", name).set(data);
    writeArray(folder, name, data);
  }
  for (const { name } of manifest.parameters) {
    writeArray(folder, name, Float32Array.from(made.instances.parameters.get(name)!));
  }
  const first = firstStates(manifest, made.instances.parameters, rule.batch);
  for (const instance of instances) {
    for (const [name, data] of first) instance.input("state", name).set(data);
  }
}

function open(rule: Rule, target: Target, folder: string): Opened {
  const { batch, time } = rule;
  const made = layer({ file: rule.file }, rule.layer, rule.settings, ["forward", "gradient"], {
    target,
  });
  const make = (entry: "forward" | "gradient") =>
    made.instances.make(entry, { batch, time, past: 0 });
  const [forward, gradient] = [make("forward"), make("gradient")];
  share(made, rule, [forward, gradient], folder);
  // The peers' loss is the sum of y²: what comes back at y is 2 y.
  forward.run();
  gradient.input("cotangent", "y").set(forward.output("output", "y").map((y) => 2 * y));
  gradient.run();
  const ways = new Map<Way, OurWay>([
    ["forward", entryWay(`${rule.what}, forward`, made, "forward", forward)],
    ["both", entryWay(`${rule.what}, forward and backward`, made, "gradient", gradient)],
  ]);
  const expected = () => {
    const results = new Map<string, ArrayLike<number>>([
      ["y", gradient.output("output", "y")],
      ["y_forward", forward.output("output", "y")],
    ]);
    for (const { role, name } of outputsOf(made)) {
      if (role === "gradient") results.set(`d_${name}`, gradient.output("gradient", name));
    }
    // A learned first state is the same in the whole batch; the entry gives its gradient sequence by sequence.
    for (const { name, init } of made.compiled.manifest.states) {
      if (init.kind !== "parameter") continue;
      const each = gradient.output("gradient", `state.${name}`);
      const direct = results.get(`d_${init.name}`)!;
      results.set(
        `d_${init.name}`,
        Float64Array.from(direct, (x, i) => {
          let sum = x;
          for (let b = 0; b < batch; b++) sum += each[b * direct.length + i]!;
          return sum;
        }),
      );
    }
    return results;
  };
  return { ways, expected, notes: [] };
}

const WORKS_FILE = "../bench/peers/works.fwp";
const delta = script("delta.py");
const sequential = script("sequential.py");

export const deltaWork: Work = {
  name: "delta",
  title: "the delta rule alone",
  peers: [
    { kind: "c", name: "C by hand", family: "hand", file: "delta_hand.c", ways: ["forward"] },
    { kind: "given", name: "C by hand ($FWP_HAND)", family: "hand-given", ways: ["forward"] },
    delta("PyTorch, chunks of 32", "torch", "torch-32"),
    delta("PyTorch, chunks of 64", "torch", "torch-64"),
    delta("JAX, scan", "jax", "jax"),
    delta("NumPy, step by step", "numpy", "numpy", ["forward"]),
    delta("torch.compile, chunks of 64", "torch.compile", "compile-64"),
  ],
  open: (target, folder) =>
    open(
      {
        file: WORKS_FILE,
        layer: "Delta",
        settings: ["heads=4", "size=64"],
        batch: 8,
        time: 512,
        unit: ["k"],
        uniform: ["rate"],
        what: "delta rule, batch 8, 4 heads of 64, 512 steps",
      },
      target,
      folder,
    ),
};

const NONLINEAR = { batch: 8, time: 256, unit: [], uniform: [] } as const;

const sequentialPeers = (rule: string) => [
  sequential("PyTorch, step by step", "torch", `${rule}-torch`, ["both"]),
  sequential("JAX, scan", "jax", `${rule}-jax`, ["both"]),
  sequential("NumPy, step by step", "numpy", `${rule}-numpy`, ["forward"]),
];

export const recurrentWork: Work = {
  name: "recurrent",
  title: "a Recurrent Delta Net's core",
  peers: sequentialPeers("recurrent"),
  open: (target, folder) =>
    open(
      {
        ...NONLINEAR,
        file: WORKS_FILE,
        layer: "Recurrent",
        settings: ["heads=4", "size=32"],
        what: "Recurrent Delta Net, batch 8, 4 heads of 32, 256 steps",
      },
      target,
      folder,
    ),
};

export const referentialWork: Work = {
  name: "referential",
  title: "a self-referential weight matrix",
  peers: sequentialPeers("referential"),
  open: (target, folder) =>
    open(
      {
        ...NONLINEAR,
        file: "self_referential.fwp",
        layer: "SRWM",
        settings: ["heads=4", "n=32"],
        what: "self-referential matrix, batch 8, 4 heads of 32, 256 steps",
      },
      target,
      folder,
    ),
};
