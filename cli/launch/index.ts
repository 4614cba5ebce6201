#!/usr/bin/env node
/** What `fwp` is after a build: runs the command line from one file, and keeps what V8 made of it. */
import { startCompanion } from "../build/companion.ts";
import type { runCommandLine } from "../main.ts";
import { bePatient } from "../patience.ts";
import { loadKept } from "./kept.ts";
import { bothLoaded } from "./loaded.ts";

/** Commands that have work for a second thread. */
const HELPED: ReadonlySet<string> = new Set(["build"]);

/** A command that prints its help calls few of the functions that it runs with. */
const asksForHelp = (args: readonly string[]): boolean =>
  args.includes("--help") || args.includes("-h");

/** Comes when all is written that was printed. */
async function written(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<unknown>((resolve) => stream.write("", resolve));
  }
}

async function launch(command: string): Promise<void> {
  // Code is of the flags that it was made under.
  bePatient(command);
  const companion = HELPED.has(command) ? startCompanion(new URL("./thread.js", import.meta.url)) : null; // prettier-ignore
  const main = loadKept<{ readonly runCommandLine: typeof runCommandLine }>("main.cjs", command);
  if (companion !== null) bothLoaded(companion.loaded);
  const code = await main.exports.runCommandLine(companion);
  // The functions that a command calls are known when it has run.
  if (code === 0 && !asksForHelp(process.argv)) main.keep();
  if (companion !== null) {
    await companion.done();
    await written();
    // At once: to take apart what both threads have made would take longer than to let it go.
    process.exit(code);
  }
}

void launch(process.argv[2] ?? "");
