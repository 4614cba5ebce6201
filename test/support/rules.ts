/** Rules written as text: each the body of a layer with keys, values, queries and rates for the taking. */
import { instantiate } from "../../compiler/check/instantiate.ts";
import { loadProject } from "../../compiler/check/project.ts";
import { fixSizes } from "../../compiler/pipeline.ts";
import type { StepProgram } from "../../compiler/graph/ir.ts";
import { diskHost } from "./specs.ts";

export interface RuleSizes {
  readonly heads?: number;
  readonly key?: number;
  readonly value?: number;
}

/**
 * A step with the inputs that the text uses of: keys and queries k, k2, k3, q, p, a: `[heads, key]`, decays d: `[heads, key]`;
 * values v, v2, v3, w: `[heads, value]`, rates per row r, e: `[heads, value]`; numbers b, b2, b3, g: `[heads]`; x: `[key]`.
 */
export function ruleStep(text: string, sizes: RuleSizes = {}): StepProgram {
  const { heads = 2, key = 3, value = 4 } = sizes;
  const inputs: Readonly<Record<string, string>> = {
    ...Object.fromEntries(["k", "k2", "k3", "q", "p", "a", "d"].map((n) => [n, "[heads, key]"])),
    ...Object.fromEntries(["v", "v2", "v3", "w", "r", "e"].map((n) => [n, "[heads, value]"])),
    ...Object.fromEntries(["b", "b2", "b3", "g"].map((n) => [n, "[heads]"])),
    x: "[key]",
  };
  const used = Object.entries(inputs).filter(([n]) => new RegExp(`\\b${n}\\b`, "u").test(text));
  const source = [
    "import std.instructions",
    "import std.maps",
    `layer Rule(heads = ${heads}, key = ${key}, value = ${value}) {`,
    ...used.map(([n, shape]) => `  in ${n}: ${shape}`),
    text,
    "}",
  ].join("\n");
  const project = loadProject("rule.fwp", source, diskHost);
  const found = instantiate(project, "Rule", []);
  const problems = [...project.diagnostics, ...found.diagnostics].filter((d) => d.severity === "error"); // prettier-ignore
  if (problems.length > 0 || !("step" in found)) {
    throw new Error(problems.map((d) => `${d.code} ${d.message}`).join("\n"));
  }
  return fixSizes(found.step, found.values);
}
