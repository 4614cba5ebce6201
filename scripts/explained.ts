/** What `fwp explain --json` prints for every spec, and the table of classes in docs/recurrences.md. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { processContext } from "../cli/context.ts";
import type { Explained } from "../cli/explain/explained.ts";
import type { Explanation } from "../cli/explain/facts.ts";
import { main } from "../cli/main.ts";
import { InternalError } from "../diagnostics/diagnostic.ts";

export interface ExplainedSpec {
  /** Seen from specs/. */
  readonly file: string;
  /** The text of the file. */
  readonly text: string;
  readonly layer: Explanation;
}

/** Every layer and model of specs/, in the order of the files. */
export async function explainedSpecs(root: string): Promise<ExplainedSpec[]> {
  const folder = join(root, "specs");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".fwp"))
    .sort();
  const found: ExplainedSpec[] = [];
  for (const file of files) {
    let printed = "";
    const context = { ...processContext(), out: (piece: string) => void (printed += piece), err: () => {} }; // prettier-ignore
    const path = relative(process.cwd(), join(folder, file));
    if ((await main(["explain", path, "--json"], context)) !== 0) continue;
    const { explained } = JSON.parse(printed) as { explained: readonly Explained[] };
    for (const layer of explained) {
      if (layer.kind === "experiment") continue;
      if ("missing" in layer) throw new InternalError(`${file}: ${layer.name}: ${layer.missing}`);
      found.push({ file, text: readFileSync(path, "utf8"), layer });
    }
  }
  return found;
}

/** What stands in brackets and has a year in it; null if nothing does. */
function cited(doc: string): string | null {
  for (const [, inside] of doc.replaceAll(/\s+/gu, " ").matchAll(/\(((?:[^()]|\([^()]*\))*)\)/gu)) {
    if (/\b(?:19|20)\d\d\b/u.test(inside!)) return inside!;
  }
  return null;
}

/** The source that a layer's comment names, else the one that its file names, in its first comment or in any other. */
export function sourceOf(doc: string | null, text: string): string {
  const own = cited(doc ?? "");
  if (own !== null) return own;
  const comments = (sign: string): string =>
    text
      .split("\n")
      .filter((l) => l.startsWith(sign))
      .map((l) => l.slice(sign.length).trim())
      .join(" ");
  const first = /^(?:\/\/(?!\/)[^\n]*\n)+/u.exec(text)?.[0].replaceAll(/^\/\/ ?/gmu, "").replaceAll("\n", " ") ?? ""; // prettier-ignore
  const named = /^[^:.]*: (?<source>.*\b(?:19|20)\d\d\b)/u.exec(first)?.groups?.["source"];
  return named ?? cited(first) ?? cited(comments("///")) ?? "—";
}

export const CLASS_HEAD = ["spec", "layer", "source", "state", "class", "A", "B", "over chunks of time", "in the literature"]; // prettier-ignore

/** `codeOf`: what the literature calls the class of the states, joined by commas, of a layer. */
export function classRows(
  specs: readonly ExplainedSpec[],
  codeOf: (file: string, layer: string, states: string) => string,
): string[][] {
  return specs.flatMap(({ file, layer, text }) =>
    layer.recurrences.map((r) => {
      const states = r.states.join(", ");
      const matrices = r.transitions.map((t) =>
        t.G === null ? [t.A ?? "see `explain`", t.B ?? "see `explain`"] : [`(${t.G}) ⊙`, ""],
      );
      const [a, b] = matrices.length === 1 ? matrices[0]! : ["—", "—"];
      const acts = r.side === "value" ? " (value side)" : "";
      return [
        `\`${file}\``,
        layer.name,
        sourceOf(layer.doc, text),
        `\`${states}\``,
        `\`${r.class}\`${acts}`,
        a!,
        b!,
        r.obstacle !== null
          ? `no: ${r.obstacle}`
          : r.forms.prefill.alternative === "scan"
            ? "by a scan"
            : "yes",
        codeOf(file, layer.name, states),
      ];
    }),
  );
}
