/** docs/language.md leaves nothing out, and every example in the documentation is checked. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { environment } from "../../cli/environment.ts";
import { lintProject } from "../../cli/lint.ts";
import { builtins } from "../../compiler/check/builtins/index.ts";
import { checkProject } from "../../compiler/check/check.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { EVAL_SETTINGS, TRAIN_SETTINGS } from "../../compiler/check/training.ts";
import { renderDiagnostic } from "../../diagnostics/render.ts";
import { commands } from "../../cli/commands.ts";
import { parse } from "../../grammar/parser.ts";
import { format } from "../../grammar/print.ts";
import { optimizerSchemas, scheduleSchemas } from "../../runtime/optimizers.ts";
import { tasks } from "../../runtime/tasks/registry.ts";
import { catalogues, root } from "../../scripts/docs.ts";
import { diskHost } from "../support/specs.ts";

interface Example {
  readonly page: string;
  readonly line: number;
  readonly text: string;
  /** The code that the example shows; null: it is right. */
  readonly error: string | null;
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");

const pages = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const examples = pages.flatMap((page): Example[] => {
  const text = read(page);
  return [...text.matchAll(/^```fwp([^\n]*)\n([\s\S]*?)^```/gmu)].map((m) => ({
    page,
    line: text.slice(0, m.index).split("\n").length,
    text: m[2]!,
    error: /error=(fwp\d{4})/u.exec(m[1]!)?.[1] ?? null,
  }));
});

describe("examples", () => {
  test.each(examples)("$page, line $line $error", ({ page, text, error }) => {
    const project = loadProject(join(root, page), text, diskHost);
    const found = checkProject(project, environment(join(root, "docs")));
    // Of the lints, what no allowance silences: forms that do not exist.
    if (found.length === 0) {
      found.push(...lintProject(project, null).filter((d) => d.severity === "error"));
    }
    if (error === null) expect(found.map((d) => renderDiagnostic(d, () => text))).toEqual([]);
    else expect(found.map((d) => d.code)).toEqual([error]);
  });

  test("are formatted, except where another spelling is shown", () => {
    const plain = examples.filter(({ text }) => !text.includes("←"));
    expect(plain.length).toBeGreaterThan(examples.length - 3);
    for (const { text, page } of plain) expect(format(text, page).text).toBe(text);
  });
});

/** Every node of a tree, and the operators of expressions. */
function kindsIn(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) value.forEach((item) => kindsIn(item, found));
  else if (typeof value === "object" && value !== null) {
    const { kind, operator, role } = value as Record<string, unknown>;
    for (const word of [kind, operator, role]) if (typeof word === "string") found.add(word);
    Object.values(value).forEach((item) => kindsIn(item, found));
  }
}

describe("the language reference", () => {
  const page = read("docs/language.md");

  test("has an example of every construct of the syntax tree", () => {
    const ast = read("grammar/ast.ts").replace(/\/\*[\s\S]*?\*\//gu, "");
    const kinds = [...ast.matchAll(/readonly (?:kind|role): ([^;]+);/gu)].flatMap((m) => [
      ...m[1]!.matchAll(/"([^"]+)"/gu),
    ]);
    const operators = [...ast.matchAll(/type \w+Operator =([^;]+);/gu)].flatMap((m) => [
      ...m[1]!.matchAll(/"([^"]+)"/gu),
    ]);
    const all = [...kinds, ...operators].map((m) => m[1]!).filter((kind) => kind !== "error");
    expect(all.length).toBeGreaterThan(65);
    const shown = new Set<string>();
    for (const e of examples) {
      if (e.page === "docs/language.md") kindsIn(parse(e.text, e.page).ast, shown);
    }
    expect(all.filter((kind) => !shown.has(kind))).toEqual([]);
  });

  const listed = (names: Iterable<string>) =>
    [...names].filter((name) => !page.includes(`\`${name}\``));

  test("lists every builtin, task, optimiser, schedule and setting", () => {
    expect(listed(builtins().keys())).toEqual([]);
    expect(listed(Object.keys(tasks))).toEqual([]);
    expect(listed(Object.keys(optimizerSchemas))).toEqual([]);
    expect(listed(Object.keys(scheduleSchemas))).toEqual([]);
    expect(listed([...TRAIN_SETTINGS, ...EVAL_SETTINGS])).toEqual([]);
    for (const { schema } of Object.values(tasks)) expect(listed(Object.keys(schema))).toEqual([]);
  });
});

test("the README lists every command", () => {
  const page = read("README.md");
  expect(
    commands.filter(
      ({ name }) => !page.includes(`| \`fwp ${name} `) && !page.includes(`| \`fwp ${name}\``),
    ),
  ).toEqual([]);
});

test("every diagnostic is explained", async () => {
  const page = read("docs/diagnostics.md");
  const codes = (await catalogues()).map((c) => c.code);
  expect(new Set(codes).size, "codes are used once").toBe(codes.length);
  expect(codes.filter((code) => !page.includes(`### ${code}: `))).toEqual([]);
});

/** What links of a page can lead to: its headings, as GitHub names them, and marked places. */
const anchorsOf = (text: string): Set<string> => {
  const headings = [...text.matchAll(/^#+ (.+)$/gmu)].map((m) =>
    m[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/gu, "-"),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)">/gu)].map((m) => m[1]!)]);
};

test("links between pages lead somewhere", () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/gu)].flatMap((m) => {
      const [, file = "", anchor] = m;
      const target = file === "" ? page : join(page, "..", file);
      try {
        const text = read(target);
        return anchor === undefined || anchorsOf(text).has(anchor) ? [] : [`${page}: ${m[0]}`];
      } catch {
        return [`${page}: ${m[0]}`];
      }
    }),
  );
  expect(broken).toEqual([]);
});
