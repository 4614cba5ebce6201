/** Explanations as people read them. */
import { sayForm } from "../../compiler/choose/index.ts";
import { plural, table } from "../output.ts";
import { CONTEXT } from "./cost.ts";
import { experimentText } from "./experiment-text.ts";
import { wrap } from "./wrap.ts";
import { derivedText, equationsText } from "./equations-text.ts";
import type { Explained } from "./explained.ts";
import type { Explanation, RecurrenceFact } from "./facts.ts";

const SCALES = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** `1234567` as `1.23 M`. */
function short(value: number, unit = ""): string {
  for (const [scale, letter] of SCALES) {
    if (value >= scale) return `${Number((value / scale).toPrecision(3))} ${letter}${unit}`;
  }
  return `${value}${unit === "" ? "" : ` ${unit}`}`;
}

const bracket = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

function signals(title: string, list: Explanation["inputs"]): string {
  const rows = list.map((s) => [
    s.name,
    s.axes,
    s.axes.startsWith("token") ? "" : bracket(s.shape),
  ]);
  return `  ${title}\n${table(rows, { indent: "    " })}`;
}

function states({ states: all, stateNumbers }: Explanation): string {
  if (all.length === 0) return "  no states\n";
  const rows = all.map((s) => [
    s.name,
    s.growing ? `${s.axes} per step` : s.axes,
    bracket(s.shape),
    s.growing ? `${s.numbers} more with every step` : `${s.numbers}`,
    s.growing ? "" : `starts as ${typeof s.init === "string" ? "the parameter " : ""}${s.init}`,
  ]);
  const growing = all.some((s) => s.growing) ? ", and what grows" : "";
  return `  states: ${stateNumbers} numbers per sequence${growing}\n${table(rows, { indent: "    " })}`;
}

function stages({ stages: all }: Explanation): string {
  const lines = all.map((stage, i) => {
    const names = stage.signals.join(", ");
    const cost = `${short(stage.operations)} operations per token`;
    if (stage.kind === "once") {
      const kept = stage.states.length === 0 ? "" : ` (with ${stage.states.join(", ")})`;
      const what = names === "" ? "what has no name of its own" : names;
      return wrap(`${i + 1}. for all steps at once: ${what}${kept}; ${cost}`, "    ");
    }
    const held = `states ${stage.states.join(", ")}`;
    const made = names === "" ? "" : `; computed in it: ${names}`;
    return wrap(`${i + 1}. loop over time: ${held}${made}; ${cost}`, "    ");
  });
  const loops = all.filter((s) => s.kind === "loop").length;
  const summary = loops === 0 ? "no loop over time" : plural(loops, "loop") + " over time";
  return `  order of computation: ${summary}\n${lines.join("")}`;
}

/** How a loop is run: for training, prefill and streaming. */
const formLines = ({ training, prefill, streaming }: RecurrenceFact["forms"]): string => {
  const none =
    "training: no loop, because the loss counts at the last step only, and until then the state only adds up";
  return [training, prefill, streaming]
    .map((choice) => {
      if (choice === null) return wrap(none, "      ");
      const { use, reason, sizes, ...form } = choice;
      const at = use === "streaming" ? "" : ` (batch ${sizes.batch}, ${sizes.time} steps)`;
      return wrap(`${use}${at}: ${sayForm(form)}, because ${reason}`, "      ");
    })
    .join("");
};

function recurrences({ recurrences: all }: Explanation, derive: boolean): string {
  if (all.length === 0) return "";
  const lines = all.map((fact) => {
    const { states: names, class: name, side, reason, obstacle, forms } = fact;
    const acts = side === "value" ? ", on the value side" : "";
    const other = forms.prefill.alternative === "scan" ? "by a scan" : "in chunks";
    const chunks = obstacle === null ? `time can be run ${other}` : `no chunks: ${obstacle}`;
    const head = wrap(`${names.join(", ")}: ${name}${acts}; ${reason}; ${chunks}`, "    ");
    const equations = equationsText(fact) + (derive ? derivedText(fact) : "");
    return head + equations + formLines(forms);
  });
  return `  recurrences\n${lines.join("")}`;
}

export interface TextOptions {
  /** Also the equations of the derived forms. */
  readonly derive?: boolean;
}

export function explanationText(e: Explained, options: TextOptions = {}): string {
  if (e.kind === "experiment") return experimentText(e) + explanationText(e.model, options);
  if ("missing" in e) return `${e.kind} ${e.name}\n  not explained: ${e.missing}\n`;
  const assumed = Object.entries(e.assumed).map(([name, value]) => `${name} = ${value}`);
  const fixed = e.parameters.filter((p) => !p.trained).length;
  const parameters = table(
    e.parameters.map((p) => [
      p.name,
      p.axes,
      bracket(p.shape),
      String(p.numbers),
      p.trained ? "" : "fixed",
    ]),
    { indent: "    ", right: [3] },
  );
  const growing = e.states.some((s) => s.growing) ? ` (at ${CONTEXT} steps)` : "";
  return [
    `${e.kind} ${e.signature}\n`,
    e.doc === null ? "" : wrap(e.doc.trim().replaceAll("\n", " "), "  "),
    assumed.length === 0
      ? ""
      : `  numbers below are for ${assumed.join(", ")} (change with --set)\n`,
    signals("inputs", e.inputs),
    signals("outputs", e.outputs),
    `  parameters: ${e.parameterNumbers} numbers in ${plural(e.parameters.length, "tensor")}`,
    fixed === 0 ? "\n" : `, ${fixed} of them fixed\n`,
    parameters,
    states(e),
    stages(e),
    recurrences(e, options.derive ?? false),
    ...e.dropped.map((d) => wrap(`dropped: ${d}`, "  ")),
    `  cost per token${growing}: ${short(e.operations)} operations, `,
    `${short(e.traffic.read, "B")} of state read, ${short(e.traffic.written, "B")} written\n`,
  ].join("");
}
