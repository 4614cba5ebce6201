/** One small spec on its way through the house, printed at every station. */
import { instantiate } from "../compiler/check/instantiate.ts";
import { loadProject } from "../compiler/check/project.ts";
import { parseExpression } from "../compiler/check/settings.ts";
import { stage } from "../compiler/derive/index.ts";
import { printGraph } from "../compiler/graph/text.ts";
import { kernelText } from "../compiler/loop/text.ts";
import { compileStep } from "../compiler/pipeline.ts";
import { compileTypeScript } from "../compiler/targets/typescript/index.ts";
import { DiagnosticError } from "../diagnostics/diagnostic.ts";

const SPEC = `layer Tiny {
  in x: [n]
  slow net { k: [n] = tanh(linear(x, bias: false)) }
  fast net { W: [n, n] = 0 }
  program { W <- W + outer(x - W @ k, k) }
  out y: [n] = W @ k
}
`;

const fenced = (language: string, text: string): string =>
  `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

/** Generated parts of docs/architecture.md. */
export function printedExample(): Record<string, string> {
  const host = { resolve: () => "", read: () => ({ error: "the example imports nothing" }) };
  const project = loadProject("tiny.fwp", SPEC, host);
  const { value } = parseExpression("2", "--set");
  const made = instantiate(project, "Tiny", [{ path: ["n"], value: value! }]);
  if (!("step" in made)) throw new DiagnosticError(made.diagnostics);
  const { step, entries, manifest } = compileStep(made.step, made.values, {
    entries: ["forward", "gradient"],
  });
  const [forward, gradient] = entries as [(typeof entries)[0], (typeof entries)[0]];
  const staged = stage(step);
  const { source } = compileTypeScript("Tiny", manifest, [forward]);
  // The head of the module (types of buffers and sizes) is the same in every package.
  const functions = source.slice(source.indexOf("/** Buffers:"));
  return {
    "example-spec": fenced("fwp", SPEC),
    "example-step": fenced("text", printGraph(step.body)),
    "example-staged": fenced("text", printGraph(staged.graph)),
    "example-kernels": fenced("text", forward.kernels.map(kernelText).join("\n\n")),
    "example-gradient": fenced(
      "text",
      gradient.spec.kernels.map((title, i) => `${i + 1}. ${title}`).join("\n"),
    ),
    "example-typescript": fenced("ts", functions),
  };
}
