import type { Command } from "commander";
import { checkProject } from "../../compiler/check/check.ts";
import type { Setting } from "../../compiler/check/settings.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import type { LayerDecl, ModelDecl } from "../../grammar/ast.ts";
import { cliProblem } from "../catalogue.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import { explainStep, type Explained } from "../explain/facts.ts";
import { explanationText } from "../explain/text.ts";
import { formOptions, formWish, type FormFlags } from "../forms.ts";
import { printJson } from "../output.ts";
import { chooseStep, soundProject, throwErrors } from "../project.ts";
import { addSetOption, parseSettings, placeSettings } from "../settings.ts";

interface Options extends FormFlags {
  readonly of?: string;
  readonly set: readonly string[];
  readonly json?: boolean;
}

function explain(file: string, options: Options, context: Context): void {
  const wish = formWish(options);
  const settings: readonly Setting[] = parseSettings(options.set);
  const project = soundProject(file);
  const all = [...project.main.own.values()].filter(
    (d): d is LayerDecl | ModelDecl => d.kind === "layer" || d.kind === "model",
  );
  if (all.length === 0) {
    throw cliProblem("fwp8002", project.main.file, { kind: "layer or model" });
  }
  const chosen = options.of === undefined ? all : [chooseStep(project, options.of)];
  if (chosen.length > 1 && settings.length > 0) {
    throw new UsageError("--set needs --of NAME when the file has several layers or models");
  }
  throwErrors(checkProject(project));
  const explained = chosen.map((decl): Explained => {
    const found = explainStep(project, decl, settings, wish);
    if (!("failed" in found)) return found;
    const { diagnostics } = found.failed;
    if (chosen.length === 1) throw new DiagnosticError(placeSettings(diagnostics));
    const missing = diagnostics.map((d) => d.message).join("; ");
    return { kind: decl.kind, name: decl.name.text, missing };
  });
  if (options.json === true) printJson(context, { file: project.main.file, explained });
  else context.out(explained.map(explanationText).join("\n"));
}

export function configure(command: Command, context: Context): void {
  command
    .description(
      "Shows what becomes of layers and models: shapes, parameters, states, what is computed for all\n" +
        "time steps at once and what stays in a loop, which arguments are dropped, what a token costs.",
    )
    .argument("<file>", "a .fwp file")
    .option("--of <name>", "only this layer or model");
  formOptions(addSetOption(command))
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Widths without a value count as 64. An operation is one multiplication, addition or function of a
number; traffic is in float32.

Examples:
  fwp explain delta.fwp
  fwp explain delta.fwp --of Delta --set width=128 --set rule=additive`,
    )
    .action((file: string, options: Options) => explain(file, options, context));
}
