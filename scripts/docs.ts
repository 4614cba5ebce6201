/**
 * The generated parts of docs/: tables of everything that has a table in the code, and what the compiler prints for a
 * small spec. `npm run docs` writes them; a test compares.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as prettier from "prettier";
import { builtins } from "../compiler/check/builtins/index.ts";
import type { Entry, Facts } from "../diagnostics/catalogue.ts";
import { InternalError } from "../diagnostics/diagnostic.ts";
import { optimizerSchemas, scheduleSchemas } from "../runtime/optimizers.ts";
import type { OptionSpec, Schema } from "../runtime/options.ts";
import { evalSchema, trainSchema } from "../runtime/settings.ts";
import { makeTask, tasks } from "../runtime/tasks/registry.ts";
import type { Task } from "../runtime/tasks/task.ts";
import { processContext } from "../cli/context.ts";
import { main } from "../cli/main.ts";
import { printedExample } from "./example.ts";
import { CLASSES } from "../test/specs/classes.ts";
import { pictureOf } from "../cli/explain/svg/picture.ts";
import { CLASS_HEAD, classRows, explainedSpecs, type ExplainedSpec } from "./explained.ts";
import { RULES } from "./house.ts";
import type { Outcomes } from "./retrieval/cells.ts";
import { retrievalTable } from "./retrieval/page.ts";

export const root = fileURLToPath(new URL("..", import.meta.url));

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

// -------------------------------------------------------------------------------------------------- builtins

const capital = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`;

function builtinTables(): string {
  const groups = new Map<string, string[][]>();
  for (const [name, { group, signature, doc }] of builtins()) {
    const rows = groups.get(group) ?? [];
    rows.push([`\`${name}\``, `\`${signature}\``, doc]);
    groups.set(group, rows);
  }
  return [...groups]
    .map(([group, rows]) => `### ${capital(group)}\n\n${table(["name", "written", "is"], rows)}`)
    .join("\n\n");
}

// --------------------------------------------------------------------------------------------------- options

function rangeOf(spec: OptionSpec): string {
  switch (spec.kind) {
    case "boolean":
      return "`true` or `false`";
    case "text":
      return spec.oneOf?.map((v) => JSON.stringify(v)).join(", ") ?? "a text";
    case "integer":
    case "number": {
      const what = spec.kind === "integer" ? "a whole number" : "a number";
      const exclusive = spec.kind === "number" && spec.exclusive === true;
      const low = spec.min === undefined ? "" : ` ${exclusive ? "above" : "from"} ${spec.min}`;
      const high = spec.max === undefined ? "" : ` ${exclusive ? "below" : "to"} ${spec.max}`;
      return `${what}${low}${high}${spec.default === null ? ", or `none`" : ""}`;
    }
    default:
      throw new InternalError("an option of an unknown kind");
  }
}

const defaultOf = ({ default: value }: OptionSpec): string =>
  `\`${value === null ? "none" : JSON.stringify(value)}\``;

const optionRows = (schema: Schema): string[][] =>
  Object.entries(schema).map(([name, spec]) => [
    `\`${name}\``,
    rangeOf(spec),
    defaultOf(spec),
    spec.about,
  ]);

const OPTION_HEAD = ["option", "takes", "default", "is"];

function settingsTables(): string {
  const train = [
    ["`optimizer`", "[an optimiser](#optimisers)", "`adamw`", "how weights follow the gradient"],
    ["`schedule`", "[a schedule](#schedules)", "`constant`", "the course of the rate"],
    ...optionRows(trainSchema),
  ];
  const evaluation = [
    ...optionRows(evalSchema),
    ["`metrics`", "a list of names and calls", "`[loss]`", "what is reported"],
    ["`stop`", "a condition, or `none`", "`none`", "ends the training early"],
  ];
  return [
    table(["`train`", "takes", "default", "is"], train),
    table(["`eval`", "takes", "default", "is"], evaluation),
  ].join("\n\n");
}

function schemaTables(schemas: Readonly<Record<string, Schema>>): string {
  return Object.entries(schemas)
    .map(([name, schema]) => {
      const rows = optionRows(schema);
      return `### \`${name}\`\n\n${rows.length === 0 ? "No options." : table(OPTION_HEAD, rows)}`;
    })
    .join("\n\n");
}

// ----------------------------------------------------------------------------------------------------- tasks

function describeFields(task: Task): string {
  const rows = task.fields.map(({ name, shape, type, vocab }) => [
    `\`${name}\``,
    type === "token" ? `\`token[${vocab}]\`` : `\`[${shape.join(", ")}]\``,
  ]);
  const provided = Object.entries(task.provides).map(
    ([name, value]) => `\`task.${name}\` (${value})`,
  );
  const numbers = provided.length === 0 ? "" : `\n\nNumbers: ${provided.join(", ")}.`;
  return `Per step, with the default options:\n\n${table(["field", "shape"], rows)}${numbers}`;
}

async function taskTables(): Promise<string> {
  const parts = Object.entries(tasks).map(async ([name, { about, schema }]) => {
    const task = await makeTask({ kind: "named", name, options: {} }, { directory: ".", seed: 1 });
    const sentence = `${capital(about)}.`;
    return `### \`${name}\`\n\n${sentence}\n\n${table(OPTION_HEAD, optionRows(schema))}\n\n${describeFields(task)}`;
  });
  return (await Promise.all(parts)).join("\n\n");
}

// ----------------------------------------------------------------------------------------------- diagnostics

interface Listed {
  readonly code: string;
  readonly entry: Entry<Facts>;
  /** The file that declares it. */
  readonly from: string;
}

/** Every catalogue of the house: each `catalogue.ts`, whatever it exports under a name that ends with `Catalogue`. */
export async function catalogues(): Promise<Listed[]> {
  const files = ["grammar", "compiler", "runtime", "cli"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => /(?:^|[/\\])catalogue\.ts$/u.test(file))
      .map((file) => `${folder}/${file.replaceAll("\\", "/")}`),
  );
  const listed = await Promise.all(
    files.map(async (from) => {
      const module = (await import(pathToFileURL(join(root, from)).href)) as Record<
        string,
        unknown
      >;
      return Object.entries(module)
        .filter(([name, value]) => name.endsWith("Catalogue") && typeof value === "object")
        .flatMap(([, catalogue]) =>
          Object.entries(catalogue as Record<string, Entry<Facts>>).map(([code, entry]) => ({
            code,
            entry,
            from,
          })),
        );
    }),
  );
  return listed.flat().sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** Facts whose values are their own names. */
const namedFacts: Facts = new Proxy<Record<string, string>>(
  {},
  { get: (_, name) => (typeof name === "string" ? `‹${name}›` : undefined) },
);

const ROOMS: Readonly<Record<string, string>> = {
  grammar: "Reading a file",
  "compiler/check": "Checking a spec",
  "compiler/lint": "What makes a model fail",
  "compiler/choose": "The form of a loop",
  runtime: "Files, tasks, training, programs",
  cli: "The command line",
};

function diagnosticsPage(listed: readonly Listed[]): string {
  const sections = new Map<string, Listed[]>();
  for (const item of listed) {
    const room = Object.keys(ROOMS).find((name) => item.from.startsWith(`${name}/`));
    if (room === undefined) throw new InternalError(`${item.from} has no section in the docs`);
    sections.set(room, [...(sections.get(room) ?? []), item]);
  }
  const one = ({ code, entry }: Listed): string => {
    // A number that is computed from a fact has no name.
    const message = entry.message(namedFacts).replaceAll("NaN", "…");
    const hint = entry.hint?.(namedFacts) ?? null;
    return [
      `### ${code}: ${entry.title}`,
      `<a id="${code}"></a>`,
      `\`\`\`text\n${entry.severity}[${code}]: ${message}${hint === null ? "" : `\n hint: ${hint}`}\n\`\`\``,
      entry.explanation,
    ].join("\n\n");
  };
  const parts = [...sections].map(
    ([room, items]) => `## ${ROOMS[room]}\n\n${items.map(one).join("\n\n")}`,
  );
  return [
    "# Diagnostics",
    "Generated from the catalogues in the code (`npm run docs`).",
    "Everything that can be wrong with what you give to fwp has a code that does not change, a message in your own names, the place with a caret, and a hint where there is a likely fix. `--json` prints the same for tools. Below, ‹name› stands for what the message names; hints that depend on the case are left out.",
    ...parts,
  ].join("\n\n");
}

// -------------------------------------------------------------------------------------------------- the house

const listed = (names: readonly string[], text: (name: string) => string): string =>
  names.map(text).join(", ") || "—";

function rulesTable(): string {
  const rows = Object.entries(RULES).map(([room, rule]) => [
    `\`${room}\``,
    listed(rule.rooms, (name) => `\`${name}\``),
    listed(rule.packages ?? [], (name) => (name === "node:" ? "Node's own" : `\`${name}\``)),
  ]);
  return table(["room", "may import", "packages"], rows);
}

// ------------------------------------------------------------------------------------------------ recurrences

const classTable = (specs: readonly ExplainedSpec[]): string =>
  table(CLASS_HEAD, classRows(specs, (file, layer, states) => CLASSES[file]?.[layer]?.states[states] ?? "—")); // prettier-ignore

/** Pictures in docs/: by path, the layer that each shows. */
const PICTURES: readonly (readonly [path: string, file: string, layer: string])[] = [
  ["docs/images/delta_net.svg", "delta_net.fwp", "DeltaNet"],
  ["docs/images/recurrent_delta_net.svg", "recurrent.fwp", "RDN"],
];

function pictures(specs: readonly ExplainedSpec[]): [string, string][] {
  return PICTURES.map(([path, file, name]) => {
    const found = specs.find((s) => s.file === file && s.layer.name === name);
    if (found === undefined) throw new InternalError(`${file} has no ${name}`);
    return [path, pictureOf(found.layer)];
  });
}

// ----------------------------------------------------------------------------------------------------- pages

/** A page with the text between `<!-- generated: NAME -->` and `<!-- end -->` replaced. */
function fill(page: string, parts: Readonly<Record<string, string>>): string {
  const missing = new Set(Object.keys(parts));
  const filled = page.replace(
    /<!-- generated: ([\w-]+) -->[\s\S]*?<!-- end -->/gu,
    (_, name: string) => {
      const body = parts[name];
      if (body === undefined) throw new InternalError(`nothing generates ${name}`);
      missing.delete(name);
      return `<!-- generated: ${name} -->\n\n${body}\n\n<!-- end -->`;
    },
  );
  if (missing.size > 0) throw new InternalError(`no place for ${[...missing].join(", ")}`);
  return filled;
}

const page = (name: string): string => readFileSync(join(root, "docs", name), "utf8");

/** What a command prints, from the root, after the line that calls it. */
async function printed(command: string): Promise<string> {
  let text = `$ ${command}\n`;
  const say = (piece: string): void => void (text += piece);
  const context = { ...processContext(), out: say, err: say, terminal: false };
  await main(command.split(/\s+/u).slice(1), context);
  return text.trimEnd();
}

/** A page with the output of every command under `<!-- run -->`. */
async function runCommands(text: string): Promise<string> {
  const block = /(?<=<!-- run -->\s*```console\n)\$ ([^\n]+)\n(?:[\s\S]*?\n)?(?=```)/gu;
  const commands = [...text.matchAll(block)].map((m) => m[1]!);
  const outputs = new Map<string, string>();
  for (const command of commands) outputs.set(command, await printed(command));
  return text.replace(block, (_, command: string) => `${outputs.get(command)!}\n`);
}

/** What `npm run retrieval` wrote down. */
const retrievalOutcomes = (): Outcomes =>
  JSON.parse(readFileSync(join(root, "docs", "retrieval.json"), "utf8")) as Outcomes;

/** Every page that has generated parts and every picture, by path from the root, as it should be. */
export async function generatedPages(): Promise<Map<string, string>> {
  const specs = await explainedSpecs(root);
  const pages = new Map([
    ["README.md", await runCommands(readFileSync(join(root, "README.md"), "utf8"))],
    [
      "docs/language.md",
      fill(page("language.md"), {
        settings: settingsTables(),
        builtins: builtinTables(),
        tasks: await taskTables(),
        optimizers: schemaTables(optimizerSchemas),
        schedules: schemaTables(scheduleSchemas),
      }),
    ],
    [
      "docs/recurrences.md",
      await runCommands(fill(page("recurrences.md"), { classes: classTable(specs) })),
    ],
    [
      "docs/retrieval.md",
      fill(page("retrieval.md"), { retrieval: retrievalTable(retrievalOutcomes()) }),
    ],
    ["docs/diagnostics.md", diagnosticsPage(await catalogues())],
    [
      "docs/architecture.md",
      fill(page("architecture.md"), { rules: rulesTable(), ...printedExample() }),
    ],
  ]);
  const config = { ...(await prettier.resolveConfig(join(root, "docs/x.md"))), parser: "markdown" };
  const formatted = new Map<string, string>();
  for (const [name, text] of pages) formatted.set(name, await prettier.format(text, config));
  for (const [name, text] of pictures(specs)) formatted.set(name, text);
  return formatted;
}
