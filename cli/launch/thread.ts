/** The thread beside a command (cli/build/thread.ts) from one file, with what V8 made of it. */
import { parentPort, workerData } from "node:worker_threads";
import { loadKept } from "./kept.ts";
import { bothLoaded } from "./loaded.ts";

const thread = loadKept("companion.cjs", "companion");
bothLoaded(workerData as Int32Array);
parentPort?.on("message", (work: unknown) => {
  if (work === null) thread.keep();
});
