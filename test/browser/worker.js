// What a worker of the page does with threads: the training step of page.js, until all threads have taken part. Plain JavaScript.
import { Instances, fillInputs, initialize, loadWasm, parameterMemory, wasmThreads } from "./node_modules/fwp/dist/runtime/browser.js"; // prettier-ignore
import { team } from "./node_modules/fwp/dist/runtime/device/wasm/index.js";

const THREE = { FWP_THREADS: "3" };
const told = wasmThreads(THREE);
/** How often all threads have run something. */
const runs = () => (told.threads > 1 ? team().runs : 0);
const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function training(env, { batch, time, fields, rate }) {
  const manifest = await (await fetch("/train.json")).json();
  const bytes = new Uint8Array(await (await fetch("/train.wasm")).arrayBuffer());
  const trainer = loadWasm(bytes, manifest, env);
  const first = parameterMemory(manifest, initialize(manifest, 1), trainer.allocate);
  const instance = new Instances(trainer, first).make("train", { batch, time, past: 0 });
  const entry = manifest.entries[0];
  fillInputs(instance, entry, new Map(Object.entries(fields)));
  instance.input("scalar", "learning_rate")[0] = rate;
  for (let step = 1; step <= 40; step++) {
    if (entry.inputs.some((i) => i.role === "scalar" && i.name === "step")) {
      instance.input("scalar", "step")[0] = step;
    }
    instance.run();
    // Workers of a worker start while it is idle.
    if (env === THREE && told.threads > 1 && runs() === 0) await later(50);
  }
  return Object.fromEntries([...first].map(([name, data]) => [name, [...data]]));
}

onmessage = async ({ data }) => {
  const alone = await training({ FWP_THREADS: "1" }, data);
  const together = await training(THREE, data);
  postMessage({ threads: told, runs: runs(), alone, together });
};
