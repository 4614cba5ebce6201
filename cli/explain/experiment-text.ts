/** Experiments as people read them. */
import type { OptionValue, TrainSettings } from "../../runtime/format/training.ts";
import { plural, table } from "../output.ts";
import type { ExplainedExperiment } from "./experiment.ts";
import { wrap } from "./wrap.ts";

const value = (v: OptionValue): string =>
  typeof v === "string" ? `"${v}"` : v === null ? "none" : Array.isArray(v) ? `[${v.map(value).join(", ")}]` : String(v); // prettier-ignore

const call = (name: string, options: Readonly<Record<string, OptionValue>>): string => {
  const list = Object.entries(options).map(([key, v]) => `${key}: ${value(v)}`);
  return list.length === 0 ? name : `${name}(${list.join(", ")})`;
};

function training({ optimizer, schedule, batch, steps, clip, carry }: TrainSettings): string {
  const { kind, ...options } = optimizer;
  const { kind: course, ...numbers } = schedule;
  const clipped = clip === null ? "" : `, gradients clipped to norm ${clip}`;
  const carried = carry ? ", states carried from batch to batch" : "";
  const rate = course === "constant" ? "constant rate" : `rate by ${call(course, numbers)}`;
  return `${plural(steps, "step")} of ${plural(batch, "sequence")}; ${call(kind, options)}, ${rate}${clipped}${carried}`;
}

/** All of it but the model. */
export function experimentText(e: ExplainedExperiment): string {
  const { task, evaluation, model } = e;
  const name = task.kind === "named" ? task.name : `"${task.path}"`;
  const { every, metrics } = evaluation;
  const rows = [
    ["task", call(name, task.options)],
    ["a step has", e.fields.map((f) => `${f.name} ${f.axes}`).join(", ")],
    ["loss", e.loss.replaceAll(/\s+/gu, " ")],
    ["training", training(e.train)],
    ["evaluation", `${metrics.join(", ")}${every === 0 ? " at the end" : ` every ${every} steps`}`],
    ["model", `${model.name}, ${model.parameterNumbers} numbers in parameters, as follows`],
  ];
  return [
    `experiment ${e.name}\n`,
    e.doc === null ? "" : wrap(e.doc.trim().replaceAll("\n", " "), "  "),
    table(rows, { indent: "  " }),
    "\n",
  ].join("");
}
