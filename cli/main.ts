/** `fwp`: finds the command, runs it, and turns whatever happens into text and an exit code. */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { DiagnosticError } from "../diagnostics/diagnostic.ts";
import type { Companion } from "./build/companion.ts";
import { cliDiagnostic, inFile } from "./catalogue.ts";
import { commands } from "./commands.ts";
import { processContext, type Context } from "./context.ts";
import { EXIT, Exit, UsageError, type ExitCode } from "./exit.ts";
import { packageVersion } from "./install.ts";
import { printDiagnostics } from "./output.ts";
import { bePatient } from "./patience.ts";

/** A description and examples, then the exit codes: what every command's help ends with. */
const EXIT_CODES =
  "\nExit codes: 0 done, 1 the input was refused, 2 wrong usage, 3 a fault of fwp itself.";

function prepare(command: Command, context: Context): Command {
  return command
    .exitOverride()
    .configureOutput({ writeOut: context.out, writeErr: context.err })
    .configureHelp({ helpWidth: 100 })
    .showHelpAfterError("(add --help for usage)");
}

async function build(args: readonly string[], context: Context): Promise<Command> {
  const program = prepare(new Command("fwp"), context)
    .description(
      "A compiler for Fast Weight Programmers: write the programming instruction as an equation,\nget a trained model.",
    )
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", EXIT_CODES);
  const asked = new Set(args);
  for (const { name, summary, load } of commands) {
    const command = prepare(program.command(name), context).summary(summary).description(summary);
    command.helpOption("-h, --help", "print help");
    // A command's file is only needed when its name is on the line: to run it or to print its help.
    if (!asked.has(name)) continue;
    const { configure } = await load();
    configure(command, context);
    command.addHelpText("after", EXIT_CODES);
  }
  return program;
}

/** Whether an array was asked for that the engine cannot give: sizes too large for this machine are no fault of fwp. */
const outOfMemory = (error: unknown): boolean =>
  error instanceof RangeError &&
  /^(?:Array buffer allocation failed|Invalid (?:typed array|array buffer|array) length(?:: \d+)?)$/u.test(
    error.message,
  );

function report(error: unknown, context: Context, args: readonly string[]): ExitCode {
  const json = args.includes("--json");
  if (error instanceof Exit) return error.code;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
  if (error instanceof UsageError) {
    context.err(`error: ${error.message}\n(add --help for usage)\n`);
    return EXIT.usage;
  }
  if (error instanceof DiagnosticError) {
    printDiagnostics(context, error.diagnostics, json);
    return EXIT.bad;
  }
  if (outOfMemory(error)) {
    const { message } = error as RangeError;
    const file = args.find((a) => a.endsWith(".fwp")) ?? "memory";
    printDiagnostics(context, [cliDiagnostic("fwp8041", inFile(file), { message })], json);
    return EXIT.bad;
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  context.err(`internal error: ${message}\nThis is a fault of fwp, please report it`);
  const stack = error instanceof Error ? error.stack : undefined;
  if (context.env["FWP_DEBUG"] === "1" && stack !== undefined) context.err(`\n${stack}\n`);
  else context.err(" (FWP_DEBUG=1 shows where it happened).\n");
  return EXIT.internal;
}

/** Runs `fwp` with these arguments (without node and script). Never throws. */
export async function main(args: readonly string[], context: Context): Promise<ExitCode> {
  try {
    const program = await build(args, context);
    if (args.length === 0) {
      context.err(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync(args, { from: "user" });
    return EXIT.success;
  } catch (error) {
    return report(error, context, args);
  }
}

function isScript(): boolean {
  const script = process.argv[1];
  if (script === undefined) return false;
  try {
    // npm links the script under another name.
    return realpathSync(script) === realpathSync(fileURLToPath(import.meta.url));
  } catch {
    return false;
  }
}

/** Runs the command of this process, and sets its exit code. Never throws. */
export async function runCommandLine(companion: Companion | null = null): Promise<ExitCode> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // Nobody reads any more (`fwp … | head`): not a failure.
      process.exit(error.code === "EPIPE" ? (process.exitCode ?? EXIT.success) : EXIT.bad);
    });
  }
  const code = await main(process.argv.slice(2), processContext(companion));
  process.exitCode = code;
  return code;
}

if (isScript()) {
  bePatient(process.argv[2]);
  void runCommandLine();
}
