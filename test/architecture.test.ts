/** The house rules that a machine can check: who may import whom, sizes of files, what no file says. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { RULES } from "../scripts/house.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = [
  "diagnostics",
  "grammar",
  "compiler",
  "runtime",
  "cli",
  "scripts",
  "bench",
  "test",
];
/** `compiler/plan/lower.ts` → `compiler/plan`, `runtime/model.ts` → `runtime`. */
function roomOf(file: string): string {
  const [top, second = ""] = file.split("/") as [string, string?];
  const name = second.replace(/\.ts$/u, "");
  if (top === "runtime" && name === "format") return "runtime/format";
  const own = top === "compiler" && (second === "dims.ts" || !second.endsWith(".ts"));
  return own ? `compiler/${name}` : top;
}

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file.split(sep).join("/")}`),
).sort();

const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));

/** What a file imports, as written. */
function importsOf(text: string): string[] {
  const statements = text.matchAll(/^(?:import|export)\s(?:[^"';`]*?\sfrom\s)?"([^"]+)"/gmu);
  const calls = text.matchAll(/\bimport\("([^"]+)"\)/gu);
  return [...statements, ...calls].map((match) => match[1]!);
}

function forbidden(file: string, target: string): string | null {
  const room = roomOf(file);
  const rule = RULES[room];
  if (rule === undefined) return `${file}: the room ${room} has no rule`;
  if (target.startsWith(".")) {
    const to = roomOf(
      normalize(join(dirname(file), target))
        .split(sep)
        .join("/"),
    );
    return to === room || rule.rooms.includes(to) ? null : `${file} imports ${to} (${target})`;
  }
  const name = target.startsWith("node:") ? "node:" : target;
  return (rule.packages ?? []).includes(name) ? null : `${file} imports the package ${target}`;
}

test("imports point the allowed way", () => {
  const house = files.filter((file) => !/^(?:test|scripts|bench)\//u.test(file));
  const found = house.flatMap((file) =>
    importsOf(texts.get(file)!).flatMap((target) => forbidden(file, target) ?? []),
  );
  expect(found).toEqual([]);
});

test("the rules themselves have no circle", () => {
  const visit = (room: string, path: readonly string[]): void => {
    expect(path, "a circle").not.toContain(room);
    for (const next of RULES[room]?.rooms ?? []) visit(next, [...path, room]);
  };
  for (const room of Object.keys(RULES)) visit(room, []);
});

test("an import against the rules is seen", () => {
  const wrong =
    'import type { Node } from "../compiler/graph/ir.ts";\nexport { x } from "./y.ts";\n';
  expect(importsOf(wrong)).toEqual(["../compiler/graph/ir.ts", "./y.ts"]);
  expect(forbidden("runtime/model.ts", "../compiler/graph/ir.ts")).toContain("compiler/graph");
  expect(forbidden("compiler/pipeline.ts", "../runtime/model.ts")).toContain("runtime");
  expect(forbidden("compiler/plan/lower.ts", "../targets/typescript/print.ts")).not.toBeNull();
  expect(forbidden("compiler/check/check.ts", "../../grammar/ast.ts")).toBeNull();
  expect(forbidden("compiler/plan/lower.ts", "node:fs")).not.toBeNull();
});

test("files stay short", () => {
  const lines = new Map([...texts].map(([file, text]) => [file, text.split("\n").length - 1]));
  expect([...lines].filter(([, n]) => n > 600)).toEqual([]);
  const sorted = [...lines.values()].sort((a, b) => a - b);
  expect(sorted[sorted.length >> 1]).toBeLessThan(160);
});

/** A text without its strings and comments. */
const code = (text: string) =>
  text.replace(/"(?:[^"\\\n]|\\.)*"/gu, '""').replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gmu, "");

test("no `any`, no disabled type checks", () => {
  // Assembled so that this file does not find itself.
  const any = new RegExp(String.raw`(?::|\bas|[<|,])\s*${"an"}y\s*(?:[;,)=>\]|&{]|\[\]|$)`, "mu");
  const ignore = new RegExp(`@ts-${"ignore"}|@ts-${"nocheck"}`, "u");
  expect(any.test("let x: any;")).toBe(true);
  expect(any.test("f(x as any)")).toBe(true);
  const guilty = [...texts].filter(([, text]) => any.test(code(text)) || ignore.test(text));
  expect(guilty.map(([file]) => file)).toEqual([]);
});

test("no file names a place on somebody's machine", () => {
  const texts = new Map<string, string>();
  for (const folder of [...FOLDERS, "docs", "specs", "."]) {
    for (const entry of readdirSync(join(root, folder), {
      recursive: folder !== ".",
      withFileTypes: true,
    })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !/\.(?:ts|md|fwp|json|js|yml|yaml|snap)$/u.test(entry.name)) continue;
      if (entry.name === "package-lock.json") continue;
      texts.set(path.slice(root.length), readFileSync(path, "utf8"));
    }
  }
  const machine = /(?<![\w.])\/(?:home|Users|root|work|mnt|var\/folders)\/\w/u;
  expect(machine.test(`in /${"home"}/me/x`)).toBe(true);
  expect([...texts].filter(([, text]) => machine.test(text)).map(([file]) => file)).toEqual([]);
});
