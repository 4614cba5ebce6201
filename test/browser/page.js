// What the page of browser.test.ts runs: a package whole and by steps, and steps of training. Plain JavaScript.
import { Session, Instances, fillInputs, initialize, loadWasm, parameterMemory, wasmFeatures, wasmMissing, wasmThreads } from "fwp/runtime/browser"; // prettier-ignore
import { CharLM, program } from "./CharLM/browser.js";

const json = async (path) => (await fetch(path)).json();
const plain = (map) => Object.fromEntries([...map].map(([name, { data }]) => [name, [...data]]));

async function packaged({ tokens, batch, time }) {
  const model = CharLM.create();
  const { outputs, states } = model.run({ tokens }, { batch, time });
  const state = model.start(1);
  const stepped = [];
  for (let t = 0; t < time; t++) stepped.push(...model.step({ tokens: [tokens[t]] }, state).logits);
  const again = model.resume(state.serialize());
  return {
    target: program.manifest.target,
    logits: [...outputs.logits],
    states: plain(states),
    stepped,
    after: [...model.step({ tokens: [1] }, again).logits],
    random: [...CharLM.create({ seed: 3 }).run({ tokens }, { batch, time }).outputs.logits],
  };
}

/** The same as in Node: see `trained`. */
async function training({ batch, time, steps, fields, rate }) {
  const manifest = await json("/train.json");
  const bytes = new Uint8Array(await (await fetch("/train.wasm")).arrayBuffer());
  const trainer = loadWasm(bytes, manifest);
  const first = parameterMemory(manifest, initialize(manifest, 1), trainer.allocate);
  const instance = new Instances(trainer, first).make("train", { batch, time, past: 0 });
  const entry = manifest.entries[0];
  fillInputs(instance, entry, new Map(Object.entries(fields)));
  instance.input("scalar", "learning_rate")[0] = rate;
  const losses = [];
  for (let step = 1; step <= steps; step++) {
    if (entry.inputs.some((i) => i.role === "scalar" && i.name === "step")) {
      instance.input("scalar", "step")[0] = step;
    }
    instance.run();
    losses.push(instance.output("metric", "loss")[0]);
  }
  return {
    losses,
    parameters: Object.fromEntries([...first].map(([name, data]) => [name, [...data]])),
  };
}

/** With threads, in a worker: this page's own thread may not wait for others. */
function inWorker(given) {
  const worker = new Worker("/worker.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.addEventListener("message", ({ data }) => resolve(data));
    worker.addEventListener("error", (event) => reject(new Error(event.message)));
    worker.postMessage(given, []);
  });
}

const given = await json("/given.json");
globalThis.found = {
  missing: wasmMissing(),
  features: wasmFeatures(),
  packaged: await packaged(given.packaged),
  training: await training(given.training),
  session: typeof Session,
  isolated: crossOriginIsolated,
  threads: wasmThreads({ FWP_THREADS: "3" }),
  worker: await inWorker(given.training),
};
