/** README.md of a package: the spec, its shapes, and an example that runs as it stands. */
import type { SignalSpec } from "../../runtime/format/program.ts";
import { braced, bracketed, call, lay, type Layout } from "../targets/typescript/layout.ts";
import {
  classNameOf,
  contentOf,
  memberOf,
  keyOf,
  packageNameOf,
  parameterCount,
  quoted,
  type PackageSource,
  sequenceShape,
  shown,
  stateShape,
} from "./describe.ts";

const [BATCH, TIME] = [2, 3];

/** Of lines of code in a page. */
const WIDTH = 80;

/** A statement. */
function statement(...parts: readonly Layout[]): string {
  const lines: string[] = [];
  lay([...parts, ";"], 0, lines, WIDTH);
  return lines.join("\n");
}

/** Something to feed an input with: `rows` steps. */
function exampleData(signal: SignalSpec, rows: number): Layout {
  if (signal.vocab !== null) {
    const { vocab } = signal;
    return bracketed(Array.from({ length: rows }, (_, i) => `${(i + 1) % vocab}`));
  }
  const size = signal.shape.reduce((n, axis) => n * axis, 1);
  return `new Float32Array(${rows * size}).fill(0.5)`;
}

const inputsOf = (signals: readonly SignalSpec[], rows: number): Layout =>
  braced(signals.map((s) => [`${keyOf(s.name)}: `, exampleData(s, rows)]));

/** Writes text with a model of characters. */
function textExample(input: string, output: string, alphabet: readonly string[]): string {
  const usual = "the ";
  const prompt = [...usual].every((c) => alphabet.includes(c)) ? usual : (alphabet[0] ?? "");
  const step = memberOf(`model.step({ ${keyOf(input)}: [token] }, stream)`, output);
  return `
// Text, character by character: always the likeliest one.
const stream = model.start();
let written = ${quoted(prompt)};
let unread = [...text.encode(written)];
while (written.length < 40) {
  let logits = new Float32Array();
  for (const token of unread) logits = ${step};
  unread = [logits.indexOf(Math.max(...logits))];
  written += text.decode(unread);
}
console.log(written);
`;
}

const print = (object: string, signal: SignalSpec): string =>
  `console.log(${quoted(signal.name)}, ${memberOf(object, signal.name)}.length);`;

/** The example: TypeScript that is JavaScript as well. */
function exampleOf(source: PackageSource): string {
  const { manifest, alphabet } = source;
  const name = classNameOf(source.name);
  const { inputs, outputs } = manifest;
  const [input] = inputs;
  const writes =
    alphabet !== null && inputs.length === 1 && outputs.length === 1 && input!.vocab !== null;
  const imported = writes ? `${name}, text` : name;
  const one = inputsOf(inputs, 1);
  return `import { ${imported} } from "${packageNameOf(source.name)}";

const model = ${name}.create(); // or { seed: 1 }, or { weights: "other.safetensors" }

// ${BATCH} sequences of ${TIME} steps at once.
${statement("const { outputs, states } = ", call("model.run", [inputsOf(inputs, BATCH * TIME), `{ batch: ${BATCH}, time: ${TIME} }`]))}
${outputs.map((signal) => print("outputs", signal)).join("\n")}
console.log("states", states.size);

// One sequence, step by step. The state can be stored at any moment and taken up again.
const state = model.start();
${statement(call("model.step", [one, "state"]))}
const again = model.resume(state.serialize());
${statement("const answer = ", call("model.step", [one, "again"]))}
${outputs.map((signal) => print("answer", signal)).join("\n")}
console.log("steps", again.position);
${writes ? textExample(input!.name, outputs[0]!.name, alphabet) : ""}`;
}

/** Columns in line. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((cells) => cells[i]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), line(widths.map((n) => "-".repeat(n))), ...rows.map(line)].join("\n");
}

const code = (text: string): string => `\`${text}\``;

function shapes({ manifest }: PackageSource): string {
  const { inputs, outputs, states } = manifest;
  return table(
    ["", "name", "shape", "holds"],
    [
      ...inputs.map((s) => ["input", code(s.name), code(sequenceShape(s)), contentOf(s)]),
      ...outputs.map((s) => ["output", code(s.name), code(sequenceShape(s)), contentOf(s)]),
      ...states.map((s) => {
        const first = s.init.kind === "constant" ? `first ${s.init.value}` : `first ${code(s.init.name)}`; // prettier-ignore
        return ["state", code(s.name), code(stateShape(s)), s.growing ? "a row per step" : first];
      }),
    ],
  );
}

/** How loops over time are run, where there are some. */
function forms({ manifest }: PackageSource): string[] {
  const rows = (manifest.forms ?? []).map(({ entry, states, form, length }) => [
    code(entry),
    states.map(code).join(", "),
    code(length === null ? form : `${form}(${length})`),
  ]);
  return rows.length === 0 ? [] : ["## Time", table(["entry", "states", "form"], rows)];
}

/** A fence that no line of the text closes. */
function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}

/** `1,234,567`. Not by way of locales, which take longer to load than all else here takes. */
const grouped = (n: number): string => String(n).replace(/\B(?=(?:\d{3})+$)/gu, ",");

export function readmeOf(source: PackageSource): string {
  const { name, doc, manifest, spec, settings, weights, version } = source;
  const built = settings.length === 0 ? "" : ` with ${settings.map(code).join(", ")}`;
  const parameters = manifest.parameters.map((p) => [
    code(p.name),
    code(shown(p.shape)),
    p.trained ? "trained" : "fixed",
  ]);
  const sections = [
    `# ${name}`,
    doc?.trim() ?? "",
    `Compiled by fwp ${version}${built}. ${grouped(parameterCount(manifest))} parameters; the weights in \`weights.safetensors\` are ${weights}. It depends on \`fwp/runtime\` alone.`,
    "## Use",
    fenced("js", exampleOf(source)),
    "## Shapes",
    shapes(source),
    ...forms(source),
    "## Parameters",
    parameters.length === 0 ? "None." : table(["name", "shape", ""], parameters),
    "## Spec",
    ...spec.flatMap((file) => [`${code(file.name)}:`, fenced("fwp", file.text)]),
  ];
  return `${sections.filter((part) => part !== "").join("\n\n")}\n`;
}
