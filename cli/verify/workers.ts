/** Units spread over processes. A program that ends its process (compiled code can) is a finding like any other. */
import { fork, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { DiagnosticError, InternalError } from "../../diagnostics/diagnostic.ts";
import type { Finding } from "./verify.ts";
import type { Task, Unit, UnitResult } from "./units.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

export const DEFAULT_JOBS = availableParallelism();

/** Called with the place of a unit in the list. */
export interface Watch {
  readonly doing: (place: number, text: string) => void;
  readonly done: (place: number, result: UnitResult) => void;
}

/** The script of a worker: there is one where fwp is compiled, as users have it. */
function script(): string | null {
  const path = fileURLToPath(new URL("./worker.js", import.meta.url));
  return existsSync(path) ? path : null;
}

export const hasWorkers = (): boolean => script() !== null;

/** What stands in the report for a unit whose process ended. */
function ended(what: string, how: string): UnitResult {
  const finding: Finding = {
    form: what,
    device: "-",
    precision: "f32",
    forward: null,
    gradient: null,
    compared: 0,
    left: 0,
    incomparable: [],
    fault: how,
    outcome: "FAIL",
  };
  return { rounds: [{ sizes: [], lengths: [], findings: [finding], redrawn: 0 }], missing: [] };
}

/** Runs all units. @throws DiagnosticError of the first unit that is refused. */
export function runInWorkers(
  units: readonly Unit[],
  { task, device, jobs }: { readonly task: Task; readonly device: string; readonly jobs: number },
  watch: Watch,
): Promise<void> {
  const path = script();
  if (path === null) throw new InternalError("no script for workers");
  return new Promise((resolve, reject) => {
    const running = new Set<ChildProcess>();
    let next = 0;
    let left = units.length;
    const stop = (error?: Error): void => {
      for (const child of running) {
        child.removeAllListeners();
        child.kill();
      }
      running.clear();
      if (error === undefined) resolve();
      else reject(error);
    };
    const start = (): void => {
      const child = fork(path, [], { serialization: "advanced" });
      running.add(child);
      let [place, doing] = [0, "starting"];
      const give = (): void => {
        if (next === units.length) {
          running.delete(child);
          child.removeAllListeners();
          child.disconnect();
          return;
        }
        place = next++;
        child.send({ kind: "unit", unit: units[place]! } satisfies ToWorker);
      };
      const finish = (result: UnitResult): void => {
        watch.done(place, result);
        if (--left === 0) stop();
      };
      child.on("message", (message: FromWorker) => {
        switch (message.kind) {
          case "doing":
            doing = message.text;
            watch.doing(place, doing);
            break;
          case "done":
            finish(message.result);
            if (left > 0) give();
            break;
          case "refused":
            stop(new DiagnosticError(message.diagnostics));
            break;
          case "broken":
            stop(new InternalError(message.error));
            break;
        }
      });
      child.on("error", stop);
      child.on("exit", (code, signal) => {
        running.delete(child);
        const how = signal === null ? `exit code ${code}` : signal;
        finish(ended(doing, `the process ended by ${how}`));
        if (left > 0 && next < units.length) start();
      });
      child.send({ kind: "task", task, device } satisfies ToWorker);
      give();
    };
    for (let i = 0; i < Math.min(jobs, units.length); i++) start();
  });
}
