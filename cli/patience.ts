/** How the engine takes commands that are done in a second or two, most of their functions called a few times only. */
import { setFlagsFromString } from "node:v8";

const BRIEF: ReadonlySet<string> = new Set(["build"]);

/**
 * How much of a function runs before V8 optimises it, about eight times what is usual: compiling a compiler to machine code
 * that is done before it pays for itself takes half of the processor's time. By V8's version, which names it differently;
 * an engine that nobody has tried is left as it is.
 */
function patience(version: string): readonly string[] {
  const major = Number.parseInt(version, 10);
  if (major === 11) return ["--interrupt-budget=1000000"];
  if (major < 12 || major > 14) return [];
  return ["--invocation-count-for-maglev=3200", "--invocation-count-for-turbofan=24000"];
}

const PATIENCE = patience(process.versions.v8);

/**
 * Young objects are collected by the thread that makes them: help from others, who have to be waited for, costs more where
 * every processor is at work.
 */
const COLLECTION = "--no-parallel-scavenge";

/** Tells the engine, if it is one that understands. */
function tell(...flags: readonly string[]): void {
  if (PATIENCE.length > 0) flags.forEach((flag) => setFlagsFromString(flag));
}

/** Before anything of the command is loaded. */
export function bePatient(command: string | undefined): void {
  if (command !== undefined && BRIEF.has(command)) tell(...PATIENCE, COLLECTION);
}

/** How many times its memory young objects get when it turns out to be little. */
const grow = (times: number): void => tell(`--semi-space-growth-factor=${times}`);

/**
 * From here on the young objects of all threads have the memory that they have by now, some megabytes. More would be touched
 * for the first time, page by page, which takes longer than to collect in what the cache holds.
 */
export const stayYoung = (): void => grow(1);

/** As it is usual: code that is kept is of the flags that it was made under, and must find the same when it is loaded. */
export const growUsually = (): void => grow(2);
