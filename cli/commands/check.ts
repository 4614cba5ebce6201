import type { Command } from "commander";
import { checkProject } from "../../compiler/check/check.ts";
import type { Environment } from "../../compiler/check/experiments.ts";
import type { Project } from "../../compiler/check/project.ts";
import { DiagnosticError, type Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { Context } from "../context.ts";
import { EXIT, Exit } from "../exit.ts";
import { specFiles } from "../host.ts";
import { diagnosticsJson, plural, printJson, renderDiagnostics } from "../output.ts";
import { openProject } from "../project.ts";

interface Options {
  readonly json?: boolean;
  readonly strict?: boolean;
}

/** Tasks and optimisers are loaded for files that train something, and only for those. */
async function environmentOf(project: Project): Promise<Environment | null> {
  const trains = [...project.main.own.values()].some(
    (d) => d.kind === "experiment" || d.kind === "ablation",
  );
  if (!trains) return null;
  const { environment } = await import("../environment.ts");
  return environment(process.cwd());
}

async function checkFile(file: string): Promise<readonly Diagnostic[]> {
  try {
    const project = openProject(file);
    const env = await environmentOf(project);
    const found = checkProject(project, env);
    if (found.some((d) => d.severity === "error")) return found;
    const { lintProject } = await import("../lint.ts");
    return [...found, ...lintProject(project, env)];
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
}

async function check(files: readonly string[], options: Options, context: Context): Promise<void> {
  const found: Diagnostic[] = [];
  for (const file of files) found.push(...(await checkFile(file)));
  const errors = found.filter((d) => d.severity === "error").length;
  const warnings = found.length - errors;
  const summary = `${plural(files.length, "file")} checked: ${
    found.length === 0
      ? "no problems"
      : `${plural(errors, "error")}, ${plural(warnings, "warning")}`
  }`;
  if (options.json === true) {
    printJson(context, {
      files: files.length,
      errors,
      warnings,
      diagnostics: diagnosticsJson(found),
    });
  } else {
    if (found.length > 0) context.err(`${renderDiagnostics(found)}\n`);
    context.out(`${summary}\n`);
  }
  if (errors > 0 || (options.strict === true && warnings > 0)) throw new Exit(EXIT.bad);
}

export function configure(command: Command, context: Context): void {
  command
    .description("Reports every problem of the files and of the files they import, in one go.")
    .argument("<file...>", ".fwp files, or folders of them")
    .option("--json", "print diagnostics as JSON on standard output")
    .option("--strict", "exit with 1 for warnings too")
    .addHelpText(
      "after",
      `
Examples:
  fwp check model.fwp
  fwp check specs/*.fwp --json`,
    )
    .action((files: string[], options: Options) => check(specFiles(files), options, context));
}
