/** A model package and a training step in headless Chromium, against the numbers of Node. Skipped where there is none. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processContext } from "../../cli/context.ts";
import { main } from "../../cli/main.ts";
import { compileStep } from "../../compiler/pipeline.ts";
import { WASM } from "../../compiler/plan/machine.ts";
import { wasmOf } from "../../compiler/targets/wasm/module.ts";
import { loadPackage } from "../../runtime/device/package.ts";
import { loadWasm, type WasmThreads } from "../../runtime/device/wasm/index.ts";
import { DiskModel } from "../../runtime/files/model.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { defaultTrainSettings } from "../../runtime/format/training.ts";
import { fillInputs, Instances, parameterMemory } from "../../runtime/instances.ts";
import { initialize } from "../../runtime/parameters/initialise.ts";
import { relativeRms } from "../support/compare.ts";
import { drawNormal } from "../support/draw.ts";
import { install, root, type Installed } from "../support/installed.ts";
import { regression } from "../train/models.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"; // prettier-ignore
const there = existsSync(CHROMIUM);
if (!there) console.warn(`no browser at ${CHROMIUM} ($CHROMIUM): tests of browsers are skipped`);

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
/** What a page needs for threads. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const PAGE = `<!doctype html><title>fwp</title>
<script type="importmap">{ "imports": { "fwp/runtime/browser": "/node_modules/fwp/dist/runtime/browser.js" } }</script>
<script type="module" src="/page.js"></script>`;

const PACKAGED = { tokens: [3, 1, 4, 1, 5, 2, 6, 5, 3, 5, 0], batch: 1, time: 11 };
const TRAINING = {
  batch: 2,
  time: 5,
  steps: 4,
  rate: 0.01,
  fields: {
    x: [...drawNormal([2, 5, 3], "x").data],
    target: [...drawNormal([2, 5, 3], "target").data],
  },
};

interface Trained {
  readonly losses: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
}
interface Found {
  readonly missing: string | null;
  readonly packaged: {
    readonly target: string;
    readonly logits: number[];
    readonly states: Readonly<Record<string, number[]>>;
    readonly stepped: number[];
    readonly after: number[];
    readonly random: number[];
  };
  readonly training: Trained;
  readonly isolated: boolean;
  /** On the page's own thread. */
  readonly threads: WasmThreads;
  /** In a worker of it. */
  readonly worker: {
    readonly threads: WasmThreads;
    readonly runs: number;
    readonly alone: Trained["parameters"];
    readonly together: Trained["parameters"];
  };
}

/** A training step as a module, and what four of them come to here. */
function trained(folder: string): Trained {
  const train = defaultTrainSettings;
  const compiled = compileStep(regression({ weighted: false }), () => undefined, { entries: ["train"], train, machine: WASM }); // prettier-ignore
  const { manifest, entries } = compiled;
  const binary = wasmOf(entries, { precision: "f32", worthSpreading: 1 });
  writeFileSync(join(folder, "train.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "train.wasm"), binary);
  const program = loadWasm(binary, manifest, { FWP_THREADS: "1" });
  const first = parameterMemory(manifest, initialize(manifest, 1), program.allocate);
  const { batch, time, steps, rate, fields } = TRAINING;
  const instance = new Instances(program, first).make("train", { batch, time, past: 0 });
  fillInputs(instance, entries[0]!.spec, new Map(Object.entries(fields)));
  instance.input("scalar", "learning_rate")[0] = rate;
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    if (entries[0]!.spec.inputs.some((i) => i.role === "scalar" && i.name === "step")) {
      instance.input("scalar", "step")[0] = step;
    }
    instance.run();
    losses.push(instance.output("metric", "loss")[0]!);
  }
  const parameters = Object.fromEntries([...first].map(([name, data]) => [name, [...data]]));
  return { losses, parameters };
}

function serve(folder: string, headers: Readonly<Record<string, string>>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = join(folder, path === "/" ? "index.html" : path);
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": type, ...headers }).end(readFileSync(file));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** What the page has found when it is done. */
async function visit(
  browser: Browser,
  folder: string,
  headers: Readonly<Record<string, string>>,
): Promise<Found> {
  const server = await serve(folder, headers);
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const ended = page.waitForFunction("globalThis.found !== undefined", null, { timeout: 60_000 });
    await ended.catch((error: unknown) => {
      throw new Error(`${String(error)}\n${errors.join("\n")}`);
    });
    return await page.evaluate("globalThis.found");
  } finally {
    server.close();
  }
}

describe.runIf(there)("in a browser", () => {
  let fwp: Installed;
  let found: Found;
  /** The same of a page that is not isolated. */
  let open: Found;
  let here: Trained;
  beforeAll(async () => {
    fwp = install();
    const args = ["build", join(root, "specs", "char_lm.fwp"), "--of", "CharLM", "-o", join(fwp.folder, "CharLM")]; // prettier-ignore
    for (const s of ["vocab=7", "width=12", "depth=2", "mixer=DeltaNet(heads: 2, key: 3, value: 5)"]) args.push("--set", s); // prettier-ignore
    expect(await main(args, { ...processContext(), out: () => {} })).toBe(0);
    here = trained(fwp.folder);
    writeFileSync(join(fwp.folder, "index.html"), PAGE);
    for (const file of ["page.js", "worker.js"]) {
      writeFileSync(join(fwp.folder, file), readFileSync(join(root, "test/browser", file)));
    }
    const given = { packaged: PACKAGED, training: TRAINING };
    writeFileSync(join(fwp.folder, "given.json"), JSON.stringify(given));
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(" ") });
    try {
      found = await visit(browser, fwp.folder, ISOLATED);
      open = await visit(browser, fwp.folder, {});
    } finally {
      await browser.close();
    }
  }, 300_000);
  afterAll(() => fwp.dispose());

  test("a package fetches its WebAssembly and gives the numbers of Node, whole and by steps", () => {
    const folder = join(fwp.folder, "CharLM");
    const pathOf = (file: string): string => join(folder, file);
    const manifest = JSON.parse(readFileSync(pathOf("program.json"), "utf8")) as ProgramManifest;
    const program = loadPackage({}, manifest, pathOf, { FWP_DEVICE: "wasm" });
    const model = new DiskModel(program, { weights: pathOf("weights.safetensors") });
    const { batch, time, tokens } = PACKAGED;
    const { outputs, states } = model.run({ tokens }, { batch, time });
    expect([found.missing, found.packaged.target]).toEqual([null, "wasm"]);
    expect(relativeRms(found.packaged.logits, outputs["logits"]!)).toBeLessThan(1e-5);
    expect(relativeRms(found.packaged.stepped, outputs["logits"]!)).toBeLessThan(1e-5);
    expect(states.size).toBeGreaterThan(0);
    for (const [name, { data }] of states) {
      expect(relativeRms(found.packaged.states[name]!, data), name).toBeLessThan(1e-5);
    }
    const session = model.session();
    let after: ArrayLike<number> = [];
    for (const token of [...tokens, 1]) after = session.step({ tokens: [token] })["logits"]!;
    expect(relativeRms(found.packaged.after, after)).toBeLessThan(1e-5);
    const random = new DiskModel(program, { seed: 3 }).run({ tokens }, { batch, time });
    expect(relativeRms(found.packaged.random, random.outputs["logits"]!)).toBeLessThan(1e-5);
  });

  test("training steps change the weights as they do in Node", () => {
    const { losses, parameters } = found.training;
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(relativeRms(losses, here.losses)).toBeLessThan(1e-6);
    for (const [name, data] of Object.entries(here.parameters)) {
      expect(relativeRms(parameters[name]!, data), name).toBeLessThan(1e-6);
    }
  });

  test("a worker of an isolated page has threads, which give the same bits; the page itself has none", () => {
    expect(found.isolated).toBe(true);
    expect(found.threads).toEqual({ threads: 1, why: "this thread may not wait for others" });
    const { threads, runs, alone, together } = found.worker;
    expect(threads).toEqual({ threads: 3, why: null });
    expect(runs).toBeGreaterThan(0);
    expect(together).toEqual(alone);
  });

  test("a page that is not isolated gives the same with one thread", () => {
    const why = "this engine shares no memory between threads";
    expect([open.isolated, open.threads]).toEqual([false, { threads: 1, why }]);
    expect([open.worker.threads, open.worker.runs]).toEqual([{ threads: 1, why }, 0]);
    expect(open.worker.together).toEqual(found.worker.together);
    expect(open.packaged).toEqual(found.packaged);
  });
});
