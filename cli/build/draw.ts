/** The thread that draws first weights (weights.ts). */
import { parentPort, workerData } from "node:worker_threads";
import { initialize } from "../../runtime/parameters/initialise.ts";
import type { Asked } from "./weights.ts";

const { parameters, seed } = workerData as Asked;
const weights = initialize({ parameters }, seed);
const buffers = [...weights.values()].map((w) => w.buffer as ArrayBuffer);
parentPort?.postMessage(weights, buffers);
