/** The thread beside a command (cli/build/thread.ts) from one file, with what V8 made of it. */
import { parentPort } from "node:worker_threads";
import { loadKept } from "./kept.ts";

const thread = loadKept("companion.cjs", "companion");
parentPort?.on("message", (work: unknown) => {
  if (work === null) thread.keep();
});
