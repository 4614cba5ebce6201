/** The thread that works beside `fwp build` (companion.ts): does one thing after the other as they are asked for. */
import { parentPort } from "node:worker_threads";
import { Workbench, type Ahead, type Result, type Work } from "./work.ts";

/** The memory of a result, which is handed over and not copied. */
function memoryOf(result: Result): ArrayBuffer[] {
  const arrays = result instanceof Map ? [...result.values()] : Object.values(result);
  return arrays.flatMap((a) => (ArrayBuffer.isView(a) ? [a.buffer as ArrayBuffer] : []));
}

const bench = new Workbench();

parentPort?.on("message", (work: Work | Ahead | null) => {
  if (work === null) {
    // After all others that are told.
    setImmediate(() => {
      parentPort?.postMessage(null, []);
      parentPort?.close();
    });
    return;
  }
  if (work.kind === "ahead") return bench.prepare(work);
  const result = bench.do(work);
  parentPort?.postMessage(result, memoryOf(result));
});
