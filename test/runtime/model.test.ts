import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Instances } from "../../runtime/instances.ts";
import { DiskModel as Model } from "../../runtime/files/model.ts";
import { drawToken, sample } from "../../runtime/sample.ts";
import { Session } from "../../runtime/session.ts";
import { textCodec } from "../../runtime/tasks/codec.ts";
import { safetensorsBytes, type Tensor } from "../../runtime/files/safetensors.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { cacheProgram } from "./cacheProgram.ts";
import { fakeProgram, manifest } from "./fakeProgram.ts";
import { codesFrom, temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
const wave = (length: number) => Float32Array.from({ length }, (_, t) => Math.sin(3 * t) + t / 9);

/** Steps `x` of `batch` sequences through a session; what came out, `[batch, time]`. */
function stepThrough(session: Session, x: Float32Array, from = 0, to = x.length / session.batch) {
  const time = x.length / session.batch;
  const result: number[][] = Array.from({ length: session.batch }, () => []);
  for (let t = from; t < to; t++) {
    const now = result.map((_, b) => x[b * time + t]!);
    const { y } = session.step({ x: now });
    for (const [b, list] of result.entries()) list.push(y![b]!);
  }
  return result.flat();
}

describe.each([
  ["a state of fixed size", fakeProgram],
  ["a state that grows", cacheProgram],
])("with %s", (_, program) => {
  const model = () => new Model(program(), { seed: 3 });

  test.each([1, 3])("step by step equals the whole sequence, batch %d", (batch) => {
    const x = wave(batch * 40);
    const whole = model().run({ x }, { batch, time: 40 });
    expect(stepThrough(model().session(batch), x)).toEqual([...whole.outputs["y"]!]);
  });

  test("a sequence in pieces equals the sequence", () => {
    const x = wave(2 * 9);
    const whole = model().run({ x }, { batch: 2, time: 9 });
    const part = (from: number, to: number) =>
      Float32Array.of(...x.subarray(from, to), ...x.subarray(9 + from, 9 + to));
    const first = model().run({ x: part(0, 4) }, { batch: 2, time: 4 });
    const second = model().run({ x: part(4, 9) }, { batch: 2, time: 5 }, first.states);
    const y = [...first.outputs["y"]!.subarray(0, 4), ...second.outputs["y"]!.subarray(0, 5)];
    expect(y).toEqual([...whole.outputs["y"]!.subarray(0, 9)]);
    expect(second.states).toEqual(whole.states);
  });

  test.each([1, 2])("goes on from a state that was written down, batch %d", (batch) => {
    const x = wave(batch * 20);
    const whole = stepThrough(model().session(batch), x);
    const one = model().session(batch);
    const head = stepThrough(one, x, 0, 7);
    const bytes = one.serialize();
    const two = model().session(batch);
    stepThrough(two, wave(batch * 3));
    two.deserialize(bytes);
    expect(two.position).toBe(7);
    const tail = stepThrough(two, x, 7);
    expect([...head.slice(0, 7), ...tail.slice(0, 13)]).toEqual(whole.slice(0, 20));
  });

  test("reset goes back to before the first step", () => {
    const session = model().session();
    const x = wave(5);
    const first = stepThrough(session, x);
    session.reset();
    expect(session.position).toBe(0);
    expect(stepThrough(session, x)).toEqual(first);
  });

  test("the state that was given out does not change with the next step", () => {
    const session = model().session();
    session.step({ x: [1] });
    const before = session.state;
    const copy = structuredClone(before);
    session.step({ x: [2] });
    expect(before).toEqual(copy);
    expect(session.state).not.toEqual(copy);
  });

  test("a state of another size is refused, and what is no state", async () => {
    const two = model().session(2);
    two.step({ x: [1, 2] });
    const one = model().session();
    expect(await codesFrom(() => one.deserialize(two.serialize()))).toEqual(["fwp6032"]);
    expect(await codesFrom(() => one.restore(new Map(), 0))).toEqual(["fwp6030"]);
    const alien = new Map([["z", { shape: [1], data: Float32Array.of(1) }]]);
    expect(await codesFrom(() => one.restore(alien, 0))).toEqual(["fwp6031"]);
    expect(await codesFrom(() => one.deserialize(safetensorsBytes(alien)))).toEqual(["fwp6021"]);
  });
});

test("a session of fixed states plans one instance for all its steps", () => {
  const program = fakeProgram();
  const session = new Session(program, new Map());
  stepThrough(session, wave(50));
  expect(program.planned).toBe(1);
});

test("instances of many sizes do not pile up", () => {
  const program = fakeProgram();
  const instances = new Instances(program, new Map());
  for (let time = 1; time <= 20; time++) instances.get("forward", { batch: 1, time, past: 0 });
  instances.get("forward", { batch: 1, time: 20, past: 0 });
  expect(program.planned).toBe(20);
  instances.get("forward", { batch: 1, time: 1, past: 0 });
  expect(program.planned).toBe(21);
});

describe("inputs", () => {
  const model = new Model(fakeProgram(), { seed: 1 });
  test.each([
    [{}, "fwp6302"],
    [{ x: [1, 2], z: [1] }, "fwp6303"],
    [{ x: [1, 2, 3] }, "fwp6032"],
  ])("%j is refused", async (inputs, code) => {
    const sequences = inputs as Record<string, number[]>;
    expect(await codesFrom(() => model.run(sequences, { batch: 1, time: 2 }))).toEqual([code]);
    expect(await codesFrom(() => model.session(2).step(sequences))).toEqual([code]);
  });
});

const one = (value: number): Tensor => ({ shape: [1], data: Float32Array.of(value) });

/** The fake program with a vocabulary: the logit of each character is largest for the one after x. */
function chars() {
  const base = fakeProgram();
  const signal = { name: "x", shape: [], type: "token", vocab: 3 } as const;
  const out = { name: "y", shape: [3], type: "float", vocab: null } as const;
  const entries = manifest.entries.map((e) => ({
    ...e,
    inputs: e.inputs.filter(({ role }) => role !== "state"),
  }));
  return {
    manifest: { ...manifest, entries, inputs: [signal], outputs: [out], states: [] },
    instantiate: (...args: Parameters<typeof base.instantiate>) => {
      const instance = base.instantiate(...args);
      const logits = new Float32Array(3);
      return {
        ...instance,
        output: () => logits,
        run() {
          const now = instance.input("input", "x")[0]!;
          for (let i = 0; i < 3; i++) logits[i] = i === (now + 1) % 3 ? 1 : 0;
        },
      };
    },
  };
}

describe("weights", () => {
  const path = join(folder, "w.safetensors");
  const write = (tensors: Record<string, Tensor>) =>
    writeFileSync(path, safetensorsBytes(new Map(Object.entries(tensors))));
  test("survive a file", () => {
    const model = new Model(fakeProgram(), { seed: 5 });
    model.saveWeights(path);
    const other = new Model(fakeProgram(), { seed: 6 });
    expect(other.parameters).not.toEqual(model.parameters);
    other.loadWeights(path);
    expect(other.parameters).toEqual(model.parameters);
    expect(new Model(fakeProgram(), { weights: path }).parameters).toEqual(model.parameters);
    expect(model.parameterCount).toBe(2);
  });

  test("a checkpoint's tensors do, moments and states beside them", () => {
    write({ w: one(2), b: one(1), "optimizer:momentum.w": one(9), "state:c": one(9) });
    const model = new Model(fakeProgram(), { weights: path });
    expect(model.run({ x: [1] }, { batch: 1, time: 1 }).outputs["y"]![0]).toBe(4);
  });

  test.each<[string, Record<string, Tensor>, string[]]>([
    ["missing and unknown", { w: one(1), bb: one(1) }, ["fwp6030", "fwp6031"]],
    [
      "of another shape",
      { w: one(1), b: { shape: [1, 1], data: Float32Array.of(1) } },
      ["fwp6032"],
    ],
    ["not finite", { w: one(NaN), b: one(-Infinity) }, ["fwp6033", "fwp6033"]],
    ["integers", { w: one(1), b: { shape: [1], data: Int32Array.of(1) } }, ["fwp6035"]],
  ])("that are %s are refused, and the model keeps its own", async (_, tensors, codes) => {
    write(tensors);
    const model = new Model(fakeProgram(), { seed: 1 });
    const before = structuredClone(model.parameters);
    expect(await codesFrom(() => model.loadWeights(path))).toEqual(codes);
    expect(model.parameters).toEqual(before);
  });
});

test("a program of another version is refused", async () => {
  const other = {
    ...fakeProgram(),
    manifest: { ...manifest, version: 2 } as unknown as ProgramManifest,
  };
  expect(await codesFrom(() => new Model(other, { seed: 1 }))).toEqual(["fwp6301"]);
});

describe("sampling", () => {
  const logits = Float32Array.of(0, Math.log(3), -Infinity, 0);

  test("follows the probabilities", () => {
    const drawn = [0, 0.59, 0.61, 0.79, 0.81, 0.9999].map((u) => drawToken(logits, u, 1, null));
    expect(drawn).toEqual([1, 1, 0, 0, 3, 3]);
  });

  test("temperature sharpens, zero takes the largest, top-k leaves out the rest", () => {
    expect(drawToken(logits, 0.81, 0.5, null)).toBe(1);
    expect(drawToken(logits, 0.9999, 0, null)).toBe(1);
    expect(drawToken(logits, 0.9999, 1, 2)).toBe(0);
  });

  const codec = textCodec(["a", "b", "c"]);
  const write = (prompt: string, options = {}) => {
    const program = chars();
    return [
      ...sample(new Session(program, new Map()), program.manifest, codec, prompt, options),
    ].join("");
  };

  test("feeds back what it drew", () => {
    expect(write("ab", { length: 5, temperature: 0 })).toBe("cabca");
  });

  test("the seed decides", () => {
    const [a, b, c] = [1, 1, 2].map((seed) => write("a", { length: 40, temperature: 2, seed }));
    expect(a).toHaveLength(40);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  test("needs a model of tokens, the right alphabet and known characters", async () => {
    const model = new Model(fakeProgram(), { seed: 1 });
    const run = () => [...sample(model.session(), model.program.manifest, codec)];
    expect(await codesFrom(run)).toEqual(["fwp6304"]);
    expect(await codesFrom(() => write("abx"))).toEqual(["fwp6106"]);
    expect(await codesFrom(() => write("a", { temprature: 1 }))).toEqual(["fwp6101"]);
  });

  test("a token outside the vocabulary is refused", async () => {
    const session = new Session(chars(), new Map());
    for (const token of [3, -1, 0.5, NaN]) {
      expect(await codesFrom(() => session.step({ x: [token] }))).toEqual(["fwp6034"]);
    }
  });
});
