/** What the checker is told of tasks and training: the runtime's own tables. */
import type { Environment, TaskDescription } from "../compiler/check/experiments.ts";
import { DiagnosticError } from "../diagnostics/diagnostic.ts";
import { optimizerSettings, scheduleSettings } from "../runtime/optimizers.ts";
import { readOptions } from "../runtime/options.ts";
import { tasks } from "../runtime/tasks/registry.ts";
import type { Task } from "../runtime/tasks/task.ts";

/** What the checker needs of a task that is loaded. */
export const describeTask = (task: Task): TaskDescription => ({
  fields: task.fields,
  provides: task.provides,
});

/**
 * Tasks whose batches are drawn are made to ask them for their fields; of one that would have to load a corpus only the
 * options are checked, and its sizes stay open.
 */
export function environment(directory: string): Environment {
  return {
    taskNames: Object.keys(tasks),
    task(settings, place) {
      if (settings.kind === "module" || !Object.hasOwn(tasks, settings.name)) return null;
      const found = tasks[settings.name]!;
      readOptions(found.schema, settings.options, `task ${settings.name}`, place);
      if (settings.name === "text") return null;
      const made = found.make(settings.options, { directory, seed: 1 }, place);
      if (!(made instanceof Promise)) return describeTask(made);
      // Its problems are reported where the task is really loaded.
      made.catch((error: unknown) => {
        if (!(error instanceof DiagnosticError)) throw error;
      });
      return null;
    },
    optimizer: optimizerSettings,
    schedule: scheduleSettings,
  };
}
