/** A process that verifies units for another one: see workers.ts. */
import { DiagnosticError, type Diagnostic } from "../../diagnostics/diagnostic.ts";
import { candidatesOn } from "./candidates.ts";
import { UnitRunner, type Task, type Unit, type UnitResult } from "./units.ts";

/** First what to do it with, then one unit after the other. */
export type ToWorker =
  | { readonly kind: "task"; readonly task: Task; readonly device: string }
  | { readonly kind: "unit"; readonly unit: Unit };

export type FromWorker =
  /** It has started and waits for its task. */
  | { readonly kind: "ready" }
  | { readonly kind: "doing"; readonly text: string }
  | { readonly kind: "done"; readonly result: UnitResult }
  | { readonly kind: "refused"; readonly diagnostics: readonly Diagnostic[] }
  /** A fault of fwp itself. */
  | { readonly kind: "broken"; readonly error: string };

const send = (message: FromWorker): void => void process.send!(message);

let runner: UnitRunner | null = null;

function work(unit: Unit): FromWorker {
  try {
    const result = runner!.run(unit, (text) => send({ kind: "doing", text }));
    return { kind: "done", result };
  } catch (error) {
    if (error instanceof DiagnosticError) {
      return { kind: "refused", diagnostics: error.diagnostics };
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: "broken", error: text };
  }
}

process.on("message", (message: ToWorker) => {
  if (message.kind === "task") runner = new UnitRunner(message.task, candidatesOn(message.device));
  else send(work(message.unit));
});

send({ kind: "ready" });
