/** How the engine takes commands that are done in a second or two, most of their functions called a few times only. */
import { setFlagsFromString } from "node:v8";

const BRIEF: ReadonlySet<string> = new Set(["build"]);

export const isBrief = (command: string | undefined): boolean =>
  command !== undefined && BRIEF.has(command);

/**
 * How much of a function runs before V8 optimises it: about eight times what is usual. Compiling a compiler to machine
 * code that is done before it pays for itself took half of the processor's time.
 */
const PATIENT = "--interrupt-budget=1000000";

/** Before anything of the command is loaded. */
export function bePatient(command: string | undefined): void {
  if (isBrief(command)) setFlagsFromString(PATIENT);
}
