/** Threads of WebAssembly in processes of their own: what comes out, that they end, and what happens where there may be none. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compileStep } from "../../compiler/pipeline.ts";
import { WASM } from "../../compiler/plan/machine.ts";
import { wasmOf } from "../../compiler/targets/wasm/module.ts";
import type { Bytes } from "../../runtime/device/wasm/engine.ts";
import { withSharedMemory } from "../../runtime/device/wasm/shared.ts";
import { defaultTrainSettings } from "../../runtime/format/training.ts";
import { install, type Installed } from "../support/installed.ts";
import { regression } from "../train/models.ts";

/** Six steps of training; the bits of the weights afterwards, and how many of the steps all threads did. */
const SCRIPT = `import { readFileSync } from "node:fs";
import { loadWasm, team, wasmThreads } from "./node_modules/fwp/dist/runtime/device/wasm/index.js";
const manifest = JSON.parse(readFileSync("train.json", "utf8"));
const program = loadWasm(new Uint8Array(readFileSync("train.wasm")), manifest);
const instance = program.instantiate("train", { batch: 4, time: 9, past: 0 }, { poison: true });
const { inputs, outputs } = manifest.entries[0];
for (const { role, name } of inputs) {
  const data = instance.input(role, name);
  const small = role === "optimizer" ? 0 : 1;
  for (let i = 0; i < data.length; i++) data[i] = small * Math.sin(12.9898 * (i + 1)) / 3;
}
instance.input("scalar", "learning_rate")[0] = 0.01;
const { threads, why } = wasmThreads();
for (let step = 1; step <= 6; step++) {
  if (inputs.some((b) => b.role === "scalar" && b.name === "step")) instance.input("scalar", "step")[0] = step;
  instance.run();
  if (threads > 1) team().wait(threads, 5000);
}
const bits = outputs.map((b) => Buffer.from(new Uint8Array(instance.output(b.role, b.name).buffer, instance.output(b.role, b.name).byteOffset, instance.output(b.role, b.name).byteLength)).toString("base64"));
const numbers = outputs.flatMap((b) => [...instance.output(b.role, b.name)]);
console.log(JSON.stringify({ bits, threads, why, finite: numbers.every(Number.isFinite), runs: threads > 1 ? team().runs : 0 }));
`;

interface Told {
  readonly bits: readonly string[];
  readonly threads: number;
  readonly why: string | null;
  readonly finite: boolean;
  readonly runs: number;
}

let home: Installed;
let binary: Bytes;

beforeAll(() => {
  home = install();
  const train = defaultTrainSettings;
  const step = regression({ weighted: false });
  const { manifest, entries } = compileStep(step, () => undefined, { entries: ["train"], train, machine: WASM }); // prettier-ignore
  binary = wasmOf(entries, { precision: "f32", worthSpreading: 1 });
  writeFileSync(join(home.folder, "train.json"), JSON.stringify(manifest));
  writeFileSync(join(home.folder, "train.wasm"), binary);
  writeFileSync(join(home.folder, "run.mjs"), SCRIPT);
  for (const [name, text] of Object.entries(PRELOADED)) {
    writeFileSync(join(home.folder, `${name}.cjs`), text);
  }
}, 120_000);
afterAll(() => home.dispose());

/** What keeps threads from being made, each in its way. */
const PRELOADED = {
  refuse: `require("node:worker_threads").Worker = class { constructor() { throw new Error("not here"); } };`,
  unshared: `delete globalThis.SharedArrayBuffer;`,
  waitless: `Atomics.wait = () => { throw new TypeError("Atomics.wait cannot be called in this context"); };`,
} as const;

function run(threads: number, without?: keyof typeof PRELOADED): Told {
  const preload = without === undefined ? [] : ["--require", join(home.folder, `${without}.cjs`)];
  const ended = spawnSync(process.execPath, [...preload, "run.mjs"], {
    cwd: home.folder,
    encoding: "utf8",
    env: { ...process.env, FWP_THREADS: String(threads) },
    // A process whose threads kept it alive would not end.
    timeout: 30_000,
  });
  expect([ended.status, ended.stderr]).toEqual([0, ""]);
  return JSON.parse(ended.stdout) as Told;
}

test("a process trains to the same bits with any number of threads, and ends", () => {
  const alone = run(1);
  expect([alone.threads, alone.runs, alone.finite]).toEqual([1, 0, true]);
  for (const threads of [2, 3]) {
    const told = run(threads);
    expect(told.bits).toEqual(alone.bits);
    expect(told.threads).toBe(threads);
    expect(told.runs).toBeGreaterThan(0);
  }
});

test.each([
  ["refuse", null],
  ["unshared", "this engine shares no memory between threads"],
  ["waitless", "this thread may not wait for others"],
] as const)("where threads cannot be, one does all: %s", (without, why) => {
  const told = run(3, without);
  expect([told.runs, told.why]).toEqual([0, why]);
  expect(told.bits).toEqual(run(1).bits);
});

function doctor(preload = ""): string {
  const before = preload === "" ? [] : ["--require", join(home.folder, preload)];
  const env = { ...process.env, FWP_THREADS: "3" };
  return spawnSync(process.execPath, [...before, home.cli, "doctor"], { encoding: "utf8", env })
    .stdout;
}

test("fwp doctor says so", () => {
  expect(doctor()).toMatch(/yes +wasm .*, 3 threads\n/);
  expect(doctor("refuse.cjs")).toMatch(/yes +wasm .*, one thread of 3: not here\n/);
  expect(doctor("waitless.cjs")).toMatch(/yes +wasm .*, one thread of 3: this thread may not wait/);
});

test("a module takes memory of one thread as it is, and shared memory after its limits are replaced", () => {
  const shared = withSharedMemory(binary)!;
  expect(shared).toHaveLength(binary.length);
  expect(shared.filter((byte, i) => byte !== binary[i]).length).toBeLessThanOrEqual(4);
  // What was made otherwise is left alone.
  expect(withSharedMemory(shared)).toBeNull();
  expect(withSharedMemory(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))).toBeNull();
});
