/** The thread that works beside `fwp build` (beside.ts): does one thing after the other as they are asked for. */
import { parentPort } from "node:worker_threads";
import { doWork, type Results, type Work } from "./work.ts";

/** The memory of a result, which is handed over and not copied. */
function memoryOf(result: Results[Work["kind"]]): ArrayBuffer[] {
  const arrays = "plain" in result ? [result.plain, result.relaxed] : [...result.values()];
  return arrays.map((a) => a.buffer as ArrayBuffer);
}

parentPort?.on("message", (work: Work) => {
  const result = doWork(work);
  parentPort?.postMessage(result, memoryOf(result));
});
