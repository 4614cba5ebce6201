/** The experiments of specs/retrieval.fwp, whose losses count at the last step only: as the plain program, on real batches. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeTask, environment } from "../../cli/environment.ts";
import { instantiateExperiment, experimentTask } from "../../compiler/check/experiments.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { parseExpression } from "../../compiler/check/settings.ts";
import { runProgram, type SequenceProgram, type Tensor } from "../../compiler/graph/index.ts";
import { entryProgram, fixSizes, type EntryName, type Form } from "../../compiler/pipeline.ts";
import { makeTask } from "../../runtime/tasks/registry.ts";
import { expectMapsClose } from "../support/compare.ts";
import { diskHost, specs } from "../support/specs.ts";
import { firstInputs } from "./inputs.ts";

const file = join(specs, "retrieval.fwp");
const project = loadProject(file, readFileSync(file, "utf8"), diskHost);

async function open(name: string, settings: Readonly<Record<string, string>>) {
  const decl = project.main.own.get(name);
  if (decl?.kind !== "experiment") throw new Error(`there is no experiment ${name}`);
  const env = environment(specs);
  const given = Object.entries(settings).map(([path, value]) => ({
    path: path.split("."),
    value: parseExpression(value, "test").value!,
  }));
  const asked = experimentTask(project, decl, given, env);
  const task = await makeTask(asked.task!.settings, { directory: specs, seed: 1 });
  const made = instantiateExperiment(project, decl, given, env, describeTask(task));
  if (!("step" in made)) throw new Error(made.diagnostics.map((d) => d.message).join("\n"));
  const step = fixSizes(made.step, made.values);
  const program = (entry: EntryName, form: Form): SequenceProgram =>
    entryProgram(step, entry, { entries: [], form, train: made.train });
  return { task, program };
}

const loops = ({ graph }: SequenceProgram) => graph.nodes.filter((n) => n.op === "recurrence");

describe.each([
  ["capacity", { "task.pairs": "5", phi: "elu1" }, 0],
  ["capacity", { "task.pairs": "7", "task.length": "1" }, 0],
  ["recall", { "task.pairs": "6" }, 0],
  ["updates", { "task.pairs": "5" }, 2],
  ["updates", { "task.pairs": "4", rule: "additive" }, 0],
] as const)("%s %o", (name, settings, count) => {
  test.each(["sequential", "derived"] as const)("%s", async (form) => {
    const { task, program } = await open(name, settings);
    for (const entry of ["train", "evaluate"] as const) {
      const [plain, found] = [program(entry, "plain"), program(entry, form)];
      const split = entry === "train" ? "train" : "validation";
      const { batch, time, fields } = task.batch(split, 0, 3);
      const sizes = { batch, time, past: 0 };
      const inputs = firstInputs(plain, sizes);
      for (const { name, shape } of task.fields) {
        const data = Float64Array.from(fields.get(name)!);
        inputs.set(`input:${name}`, { shape: [batch, time, ...shape], data } satisfies Tensor);
      }
      expectMapsClose(runProgram(found, inputs, sizes), runProgram(plain, inputs, sizes), 1e-9);
      if (entry === "train") expect(loops(found)).toHaveLength(count);
    }
  });
});
