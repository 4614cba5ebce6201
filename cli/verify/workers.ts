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

/** Milliseconds that a process may take until it answers: where threads are not permitted, one can wait for them for ever. */
const START_LIMIT = 30_000;

interface Started {
  readonly child: ChildProcess;
  stop(): void;
}

/**
 * Starts a process; `gone` is called once, with whether it ever answered. What one that never did printed (Node's own complaints
 * where it gets no threads) is kept from the user: its units are done elsewhere.
 */
function startWorker(
  path: string,
  onMessage: (message: FromWorker) => void,
  gone: (answered: boolean, how: string) => void,
): Started {
  const child = fork(path, [], { serialization: "advanced", stdio: ["ignore", "inherit", "pipe", "ipc"] }); // prettier-ignore
  let [answered, over] = [false, false];
  const late = setTimeout(() => child.kill("SIGKILL"), START_LIMIT);
  const end = (how: string): void => {
    clearTimeout(late);
    if (over) return;
    over = true;
    gone(answered, how);
  };
  child.stderr?.on("data", (text: Buffer) => void (answered && process.stderr.write(text)));
  child.on("message", (message: FromWorker) => {
    if (over) return;
    answered = true;
    clearTimeout(late);
    onMessage(message);
  });
  // Not started at all; and what is sent to one that has ended.
  child.on("error", (error) => {
    if (child.pid === undefined) end(error.message);
  });
  child.on("exit", (code, signal) => end(signal === null ? `exit code ${code}` : signal));
  return {
    child,
    stop() {
      over = true;
      clearTimeout(late);
      child.kill();
    },
  };
}

/**
 * Runs units. @returns the places of those that are left because no process could be started.
 * @throws DiagnosticError of the first unit that is refused.
 */
export function runInWorkers(
  units: readonly Unit[],
  { task, device, jobs }: { readonly task: Task; readonly device: string; readonly jobs: number },
  watch: Watch,
): Promise<readonly number[]> {
  const path = script();
  if (path === null) throw new InternalError("no script for workers");
  return new Promise((resolve, reject) => {
    const running = new Set<Started>();
    let next = 0;
    let left = units.length;
    const stop = (error?: Error): void => {
      for (const worker of running) worker.stop();
      running.clear();
      if (error !== undefined) reject(error);
      else resolve(Array.from({ length: left }, (_, i) => units.length - left + i));
    };
    const start = (): void => {
      let [place, doing] = [0, "starting"];
      const give = (): void => {
        if (next === units.length) {
          running.delete(worker);
          worker.stop();
          return;
        }
        place = next++;
        worker.child.send({ kind: "unit", unit: units[place]! } satisfies ToWorker);
      };
      const finish = (result: UnitResult): void => {
        watch.done(place, result);
        if (--left === 0) stop();
      };
      const worker = startWorker(
        path,
        (message) => {
          switch (message.kind) {
            case "ready":
              worker.child.send({ kind: "task", task, device } satisfies ToWorker);
              give();
              break;
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
        },
        (answered, how) => {
          running.delete(worker);
          if (answered) {
            finish(ended(doing, `the process ended by ${how}`));
            if (left > 0 && next < units.length) start();
          } else if (running.size === 0) stop();
        },
      );
      running.add(worker);
    };
    for (let i = 0; i < Math.min(jobs, units.length); i++) start();
  });
}
