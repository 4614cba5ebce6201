/** Packages as their users have them: built by the command line, type-checked, run in a process of their own. */
import { execFileSync } from "node:child_process";
import { hasCompiler } from "../support/native.ts";
import fs, { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as prettier from "prettier";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runProgram } from "../../compiler/graph/interpret.ts";
import { tensor, type Tensor } from "../../compiler/graph/tensor.ts";
import { entryProgram, fixSizes } from "../../compiler/pipeline.ts";
import { Companion } from "../../cli/build/companion.ts";
import { processContext } from "../../cli/context.ts";
import { main } from "../../cli/main.ts";
import { openProject, instantiateStep } from "../../cli/project.ts";
import { parseSettings } from "../../cli/settings.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";
import { readSafetensors } from "../../runtime/files/tensors.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { relativeRms } from "../support/compare.ts";
import { drawInts, drawNormal } from "../support/draw.ts";
import { install, root, type Installed } from "../support/installed.ts";

interface Case {
  readonly file: string;
  readonly of: string;
  readonly settings: readonly string[];
}
const cases: readonly Case[] = [
  { file: "delta_net.fwp", of: "DeltaNet", settings: ["width=6", "heads=2", "key=3", "value=5"] },
  { file: "recurrent.fwp", of: "RDN", settings: ["width=5", "heads=2", "key=3", "value=4"] },
  { file: "self_referential.fwp", of: "SRWM", settings: ["n=3", "heads=2"] },
  { file: "char_lm.fwp", of: "CharLM", settings: ["vocab=7", "width=6", "depth=1", "mixer=DeltaNet(heads: 2, key: 3, value: 2)"] }, // prettier-ignore
  { file: "std/layers.fwp", of: "Attention", settings: ["width=4", "heads=2", "key=3", "value=2"] },
  { file: "flip_flop.fwp", of: "FlipFlop", settings: [] },
];

let fwp: Installed;
const specOf = ({ file }: Case) => join(root, "specs", file);
const folderOf = (c: Case) => join(fwp.folder, c.of);
const sets = (settings: readonly string[]) => settings.flatMap((s) => ["--set", s]);

/** In this process: the compiler is loaded once. What it says on standard error. */
async function fwpHere(...args: string[]): Promise<{ code: number; said: string }> {
  let said = "";
  const context = {
    ...processContext(),
    out: () => {},
    err: (text: string) => void (said += text),
  };
  return { code: await main(args, context), said };
}

async function build(c: Case, ...more: string[]): Promise<void> {
  const args = ["build", specOf(c), "--of", c.of, "-o", folderOf(c), ...sets(c.settings)];
  expect(await fwpHere(...args, ...more)).toEqual({ code: 0, said: "" });
}

beforeAll(async () => {
  fwp = install();
  for (const c of cases) await build(c);
}, 300_000);
afterAll(() => fwp.dispose());

const SIZES = { batch: 2, time: 5, past: 0 };

/** Runs in the package's folder: whole sequences, and step by step through a state that is stored at every step. */
const SCRIPT = `
import { readFileSync } from "node:fs";
import * as module from "./index.js";
const { inputs, axes, className, batch, time } = JSON.parse(readFileSync("inputs.json", "utf8"));
const model = module[className].create();
const whole = model.run(inputs, { batch, time });
const stepped = {};
let bytes = model.start(batch).serialize();
let state;
for (let t = 0; t < time; t++) {
  state = model.resume(bytes, batch);
  const now = {};
  for (const [name, data] of Object.entries(inputs)) {
    const size = axes[name];
    now[name] = [];
    for (let b = 0; b < batch; b++) now[name].push(...data.slice((b * time + t) * size, (b * time + t + 1) * size));
  }
  for (const [name, data] of Object.entries(model.step(now, state))) (stepped[name] ??= []).push([...data]);
  bytes = state.serialize();
}
const plain = (object) => Object.fromEntries(Object.entries(object).map(([name, data]) => [name, [...data]]));
const states = (map) => Object.fromEntries([...map].map(([name, { data }]) => [name, [...data]]));
console.log(JSON.stringify({ whole: plain(whole.outputs), last: states(whole.states), stepped, now: states(state.state) }));
`;

interface Found {
  readonly whole: Readonly<Record<string, number[]>>;
  readonly last: Readonly<Record<string, number[]>>;
  /** By step: `[batch, …]`. */
  readonly stepped: Readonly<Record<string, readonly number[][]>>;
  readonly now: Readonly<Record<string, number[]>>;
}

const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "program.json"), "utf8")) as ProgramManifest;

/** Random inputs for a package. */
function draw(manifest: ProgramManifest): Map<string, Tensor> {
  return new Map(
    manifest.inputs.map(({ name, shape, vocab }) => {
      const axes = [SIZES.batch, SIZES.time, ...shape];
      return [name, vocab === null ? drawNormal(axes, name) : drawInts(axes, name, vocab)];
    }),
  );
}

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function runPackage(folder: string, inputs: ReadonlyMap<string, Tensor>, device: string): Found {
  const manifest = manifestOf(folder);
  const given = {
    inputs: Object.fromEntries([...inputs].map(([name, { data }]) => [name, [...data]])),
    axes: Object.fromEntries(manifest.inputs.map((i) => [i.name, product(i.shape)])),
    className: manifest.name,
    batch: SIZES.batch,
    time: SIZES.time,
  };
  writeFileSync(join(folder, "inputs.json"), JSON.stringify(given));
  writeFileSync(join(folder, "check.mjs"), SCRIPT);
  // Native code here without the C compiler's last optimisations: it only has to be right.
  const env = { ...process.env, FWP_DEVICE: device, FWP_CFLAGS: "-O1" };
  const text = execFileSync(process.execPath, ["check.mjs"], {
    cwd: folder,
    encoding: "utf8",
    env,
  });
  return JSON.parse(text) as Found;
}

/** The same by the oracle, from the spec and the package's weights. */
function oracle(c: Case, inputs: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const settings = parseSettings(c.settings);
  const { step, values } = instantiateStep(openProject(specOf(c)), c.of, settings);
  const program = entryProgram(fixSizes(step, values), "forward", { entries: ["forward"] });
  const weights = readSafetensors(join(folderOf(c), "weights.safetensors")).tensors;
  const given = new Map<string, Tensor>();
  for (const [name, value] of inputs) given.set(`input:${name}`, value);
  for (const [name, { shape, data }] of weights) {
    given.set(`parameter:${name}`, tensor(shape, Float64Array.from(data)));
  }
  for (const { name, shape, growing, init } of manifestOf(folderOf(c)).states) {
    const axes = [SIZES.batch, ...shape];
    const one = init.kind === "constant" ? null : weights.get(init.name)!.data;
    const data = Float64Array.from({ length: growing ? 0 : product(axes) }, (_, i) =>
      one === null ? (init.kind === "constant" ? init.value : 0) : one[i % one.length]!,
    );
    given.set(`state:${name}`, tensor(axes, data));
  }
  return runProgram(program, given, SIZES);
}

/** `[time][batch, …]` as `[batch, time, …]`. */
function inTime(steps: readonly (readonly number[])[]): number[] {
  const size = steps[0]!.length / SIZES.batch;
  return Array.from({ length: SIZES.batch }, (_, b) =>
    steps.flatMap((row) => row.slice(b * size, (b + 1) * size)),
  ).flat();
}

describe.each(cases)("the package of $of", (c) => {
  const devices = ["typescript", "wasm", ...(hasCompiler ? ["native"] : [])];
  test.each(devices)(
    "whole, by steps through a stored state, and the oracle agree on %s",
    (device) => {
      const inputs = draw(manifestOf(folderOf(c)));
      const { whole, last, stepped, now } = runPackage(folderOf(c), inputs, device);
      const meaning = oracle(c, inputs);
      expect(Object.keys(whole).length).toBeGreaterThan(0);
      for (const [name, data] of Object.entries(whole)) {
        const expected = meaning.get(`output:${name}`)!.data;
        expect(relativeRms(data, expected), name).toBeLessThan(1e-5);
        expect(relativeRms(inTime(stepped[name]!), expected), `${name}, stepped`).toBeLessThan(
          1e-5,
        );
      }
      for (const [name, data] of Object.entries(last)) {
        const expected = meaning.get(`state:${name}`)!.data;
        expect(relativeRms(data, expected), `state ${name}`).toBeLessThan(1e-5);
        expect(relativeRms(now[name]!, expected), `state ${name}, stepped`).toBeLessThan(1e-5);
      }
    },
  );

  test("the example of its README runs as it stands", () => {
    const readme = readFileSync(join(folderOf(c), "README.md"), "utf8");
    const [, example] = /```js\n([^]*?)\n```/.exec(readme)!;
    writeFileSync(join(folderOf(c), "example.mjs"), example!);
    const said = execFileSync(process.execPath, ["example.mjs"], {
      cwd: folderOf(c),
      encoding: "utf8",
    });
    expect(said).toContain("steps 2");
    expect(readme).toContain(readFileSync(specOf(c), "utf8").trimEnd());
  });
});

test("the modules of packages are laid out as prettier has it", async () => {
  for (const c of cases) {
    for (const module of ["index", "browser", "kernels"]) {
      for (const [ending, parser] of Object.entries({
        ts: "typescript",
        js: "babel",
        "d.ts": "typescript",
      })) {
        // prettier-ignore
        const text = readFileSync(join(folderOf(c), `${module}.${ending}`), "utf8");
        expect(await prettier.format(text, { parser, printWidth: 100 })).toBe(text);
      }
    }
  }
});

test("the TypeScript of packages is strict, and their declarations suffice for a user's own", () => {
  const user = `
import { CharLM, type Outputs, type StateName } from "char-lm";
const model: CharLM = CharLM.create({ seed: 1 });
const { outputs } = model.run({ tokens: [1, 2] }, { batch: 1, time: 2 });
const logits: Float32Array = outputs.logits;
const name: StateName = "layers.0.mixer.W";
const state = model.start();
const step: Outputs = model.step({ tokens: [3] }, state);
// @ts-expect-error: an input that the model does not have
model.step({ token: [3] }, state);
// @ts-expect-error: no state has this name
const wrong: StateName = "layers.7.mixer.W";
export { logits, name, step, wrong };
`;
  const folder = join(fwp.folder, "CharLM");
  writeFileSync(join(folder, "user.ts"), user);
  const files = cases.map((c) => join(folderOf(c), "index.ts"));
  const flags = "--ignoreConfig --noEmit --strict --noUnusedLocals --verbatimModuleSyntax --skipLibCheck --module nodenext --target es2022 --types node"; // prettier-ignore
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const args = [...flags.split(" "), ...files, join(folder, "user.ts")];
  const check = () => execFileSync(tsc, args, { cwd: fwp.folder, encoding: "utf8", stdio: "pipe" });
  expect(check()).toBe("");
});

test("a package replaces itself, and never anything else", async () => {
  const [c] = cases;
  const folder = folderOf(c!);
  const before = readFileSync(join(folder, "weights.safetensors"));
  await build(c!, "--seed", "2");
  expect(readFileSync(join(folder, "weights.safetensors"))).not.toEqual(before);
  // Of the old package, and of the way to the new one, nothing is left.
  expect(existsSync(join(folder, "check.mjs"))).toBe(false);
  expect(readdirSync(fwp.folder).filter((name) => name.startsWith("."))).toEqual([]);

  const mine = join(fwp.folder, "mine");
  mkdirSync(mine);
  writeFileSync(join(mine, "diary.txt"), "dear diary");
  const args = ["build", specOf(c!), "--of", c!.of, "-o", mine, ...sets(c!.settings)];
  const { code, said } = await fwpHere(...args);
  expect(code).toBe(1);
  expect(said).toContain("fwp8203");
  expect(readdirSync(mine)).toEqual(["diary.txt"]);
});

test.each([
  [1, "fwp8001", (c: Case) => [specOf(c), "--of", "Nothing"]],
  [1, "fwp2306", (c: Case) => [specOf(c), "--of", c.of]],
  [1, "fwp6202", (c: Case) => [specOf(c), "--checkpoint", "nowhere", ...sets(c.settings)]],
  [1, "fwp6001", () => ["nothing.fwp"]],
  [2, "--checkpoint", () => []],
])(
  "what cannot be built is refused with %i, %s, and leaves no folder",
  async (code, words, args) => {
    const none = join(fwp.folder, "none");
    const found = await fwpHere("build", ...args(cases[0]!), "-o", none);
    expect(found.code).toBe(code);
    expect(found.said).toContain(words);
    expect(existsSync(none)).toBe(false);
  },
);

test("a disk that fills leaves the old package, or none", async () => {
  const [c] = cases;
  const before = readdirSync(folderOf(c!)).sort();
  let written = 0;
  const io = {
    ...fs,
    writeSync: ((file: number, ...rest: [Uint8Array, number, number]) => {
      written += rest[2];
      if (written > 20_000) throw Object.assign(new Error("full"), { code: "ENOSPC" });
      return fs.writeSync(file, ...rest);
    }) as typeof fs.writeSync,
  };
  for (const folder of [folderOf(c!), join(fwp.folder, "fresh")]) {
    let said = "";
    written = 0;
    const context = { ...processContext(), io, err: (text: string) => void (said += text) };
    const args = ["build", specOf(c!), "--of", c!.of, "-o", folder, ...sets(c!.settings)];
    expect(await main(args, context)).toBe(1);
    expect(said).toContain("fwp6004");
  }
  expect(readdirSync(folderOf(c!)).sort()).toEqual(before);
  expect(existsSync(join(fwp.folder, "fresh"))).toBe(false);
  expect(readdirSync(fwp.folder).filter((name) => name.startsWith("."))).toEqual([]);
});

describe("the command line as it is installed", () => {
  test("has the scripts of its threads and processes beside it", async () => {
    const bin = join(fwp.cli, "..");
    expect(existsSync(join(bin, "worker.js"))).toBe(true);
    const init = { kind: "normal", mean: 0, deviation: 1 } as const;
    const parameters = [{ name: "w", shape: [40, 25], init, trained: true }];
    const companion = new Companion(pathToFileURL(join(bin, "thread.js")));
    const drawn = await companion.wait(companion.ask({ kind: "draw", parameters, seed: 3 }));
    expect(drawn).toEqual(initialize({ parameters }, 3));
    expect(companion.loaded[0]).toBe(1);
    companion.dismiss();
    await companion.done();
    // From then on there is nobody to ask.
    await vi.waitFor(async () => expect(await companion.ask({ kind: "draw", parameters, seed: 3 })).toBe(null)); // prettier-ignore
  });

  test("reads a few files, not hundreds", () => {
    expect(readdirSync(join(fwp.cli, "..")).length).toBeLessThan(80);
  });
});
