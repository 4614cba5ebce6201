/** The code in docs/extending.md is what it says: files that run, quotations that are found. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { processContext } from "../../cli/context.ts";
import { main } from "../../cli/main.ts";
import { root } from "../../scripts/docs.ts";

const page = readFileSync(join(root, "docs/extending.md"), "utf8");

/** Code blocks under a mark such as `<!-- file: echo.ts -->`, by what the mark names. */
function marked(mark: "file" | "quote"): [name: string, code: string][] {
  const block = new RegExp(`<!-- ${mark}: (\\S+) -->\\s*\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``, "gu");
  return [...page.matchAll(block)].map((m) => [m[1]!, m[2]!]);
}

const words = (text: string): string => text.replace(/\s+/gu, " ").trim();

test.each(marked("quote"))("the quotation from %s is found there", (file, code) => {
  expect(words(readFileSync(join(root, file), "utf8"))).toContain(words(code));
});

test("the task of one's own trains", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fwp-docs-"));
  try {
    const files = marked("file");
    expect(files.map(([name]) => name)).toEqual(["echo.ts", "echo.fwp"]);
    for (const [name, code] of files) writeFileSync(join(folder, name), code);
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const context = { ...processContext(), out: say, err: say, terminal: false };
    const run = join(folder, "run");
    const code = await main(
      ["train", join(folder, "echo.fwp"), "-o", run, "--quiet", "--json"],
      context,
    );
    expect(code, said.join("")).toBe(0);
    const { metrics } = JSON.parse(said.join("")) as { metrics: Record<string, number> };
    // Guessing scores log 5 = 1.61 and 0.2.
    expect(metrics["loss"]).toBeLessThan(0.4);
    expect(metrics["accuracy"]).toBeGreaterThan(0.9);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
