import type { Command } from "commander";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { problem } from "../../runtime/catalogue.ts";
import { fileProblem, writeFileAtomic } from "../../runtime/files/io.ts";
import { uniqueName } from "../../runtime/files/unique.ts";
import { cliProblem } from "../catalogue.ts";
import type { Context } from "../context.ts";
import { packageVersion } from "../install.ts";
import { projectFiles } from "../template.ts";

/** Whether the path is free: nothing there, or an empty folder. @throws DiagnosticError fwp8040, fwp6008. */
function checkFree(path: string, shown: string): "new" | "empty" {
  if (!existsSync(path)) return "new";
  try {
    if (readdirSync(path).length > 0) throw cliProblem("fwp8040", shown, { path: shown });
    return "empty";
  } catch (error) {
    if (error instanceof DiagnosticError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") {
      throw problem("fwp6008", shown, { path: shown });
    }
    throw fileProblem(error, shown);
  }
}

/** Writes a project beside its place and renames it there: all of it or nothing. */
function create(shown: string, context: Context): void {
  const path = resolve(shown);
  const place = checkFree(path, shown);
  const beside = join(dirname(path), `.${basename(path)}.${uniqueName()}.tmp`);
  // What to remove when something fails: the folders made above the project, or its beginnings alone.
  let made: string | undefined;
  try {
    made = mkdirSync(dirname(path), { recursive: true }) ?? beside;
    mkdirSync(beside);
    for (const [name, text] of projectFiles(basename(path), packageVersion())) {
      mkdirSync(dirname(join(beside, name)), { recursive: true });
      writeFileAtomic(join(beside, name), text, context.io);
    }
    if (place === "empty") rmdirSync(path);
    renameSync(beside, path);
  } catch (error) {
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
    if (error instanceof DiagnosticError) {
      // The temporary name means nothing to the user.
      throw new DiagnosticError(
        error.diagnostics.map((d) => ({
          ...d,
          message: d.message.replaceAll(beside, shown),
          place: { ...d.place, file: d.place.file.replace(beside, shown) },
        })),
      );
    }
    throw fileProblem(error, shown);
  }
  context.out(`made ${shown}\n\n  cd ${shown}\n  npm install\n  npm run train\n`);
}

export function configure(command: Command, context: Context): void {
  command
    .description("Starts a project that trains: a spec, a task of its own, a README.")
    .argument("<dir>", "the folder to make; it must not exist or be empty")
    .addHelpText(
      "after",
      "\nExample:\n  fwp new my-model && cd my-model && npm install && npm run train",
    )
    .action((dir: string) => create(dir, context));
}
