import type { Command } from "commander";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { format } from "../../grammar/print.ts";
import { problem } from "../../runtime/catalogue.ts";
import { writeFileAtomic } from "../../runtime/files/io.ts";
import type { Context } from "../context.ts";
import { EXIT, Exit, UsageError } from "../exit.ts";
import { readSpec, shownPath, specFiles } from "../host.ts";
import { printDiagnostics, rememberSource } from "../output.ts";

interface Options {
  readonly check?: boolean;
}

const STDIN = "<stdin>";

function readStdin(context: Context): string {
  const bytes = context.stdin();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw problem("fwp6007", STDIN, { path: STDIN, offset: 0 });
  }
}

/** Standard input formatted on standard output. */
function formatStdin(options: Options, context: Context): boolean {
  const text = readStdin(context);
  rememberSource(STDIN, text);
  const formatted = format(text, STDIN);
  if (formatted.diagnostics.length > 0) throw new DiagnosticError(formatted.diagnostics);
  if (options.check !== true) context.out(formatted.text);
  return options.check !== true || formatted.text === text;
}

/** Whether all is well with the file. */
function formatFile(path: string, options: Options, context: Context): boolean {
  const file = shownPath(path);
  const text = readSpec(path);
  const formatted = format(text, file);
  // A file with errors of syntax is left as it is: what could not be read cannot be printed.
  if (formatted.diagnostics.length > 0) throw new DiagnosticError(formatted.diagnostics);
  if (formatted.text === text) return true;
  if (options.check === true) {
    context.out(`${file} is not formatted\n`);
    return false;
  }
  writeFileAtomic(path, formatted.text, context.io);
  context.out(`${file} formatted\n`);
  return true;
}

function fmt(files: readonly string[], options: Options, context: Context): void {
  if (files.includes("-") && files.length > 1) {
    throw new UsageError("`-` (standard input) stands alone");
  }
  let fine = true;
  for (const file of files) {
    try {
      const one = file === "-" ? formatStdin(options, context) : formatFile(file, options, context);
      fine = one && fine;
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      printDiagnostics(context, error.diagnostics, false);
      fine = false;
    }
  }
  if (!fine) throw new Exit(EXIT.bad);
}

export function configure(command: Command, context: Context): void {
  command
    .description(
      "Formats files in place: one style, comments kept. Files with errors of syntax are left alone.",
    )
    .argument(
      "<file...>",
      ".fwp files or folders of them, or - to format standard input onto standard output",
    )
    .option("--check", "change nothing; exit with 1 if a file is not formatted")
    .addHelpText(
      "after",
      `
Examples:
  fwp fmt model.fwp
  fwp fmt --check specs/*.fwp
  fwp fmt - < model.fwp`,
    )
    .action((files: string[], options: Options) => fmt(specFiles(files), options, context));
}
