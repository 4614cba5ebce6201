/** The C compiler of this machine: which one, and what it makes for this processor. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import type { Env } from "../threads.ts";

export type { Env } from "../threads.ts";

/** Why native code does not run here, in words for the user. */
export class NativeUnavailable extends Error {}

export interface CompilerFound {
  /** Program and first arguments, as `$CC` or the search has them. */
  readonly command: readonly string[];
  readonly flags: readonly string[];
  /** Floats in a vector register. */
  readonly lanes: 4 | 8 | 16;
  /** Stands for the compiler's version and the processor that it compiles for. */
  readonly identity: string;
}

const ALWAYS = [
  "-std=c11",
  "-O3",
  // Neither changes what NaN and infinity do: functions do not report through errno, arithmetic does not trap.
  "-fno-math-errno",
  "-fno-trapping-math",
  "-ffp-contract=fast",
  "-fopenmp-simd",
  "-fPIC",
  "-pthread",
  "-shared",
  "-Werror=implicit-function-declaration",
] as const;

/** How compilers say "this very processor", the best first. */
const PROCESSOR = [["-march=native"], ["-mcpu=native"], []] as const;

const NOT_FOUND = "not found";
const TIMEOUT = 600_000;

/** Why a command does not start, by the system's code. */
const FAILURES: ReadonlyMap<string, string> = new Map([
  ["ENOENT", NOT_FOUND],
  ["EAGAIN", "the system lets no more processes be made (EAGAIN)"],
]);

export interface Ran {
  readonly ok: boolean;
  readonly output: string;
  /** What went wrong, one line. */
  readonly reason: string;
}

/** Runs a command with something on its standard input. */
export function runTool(command: readonly string[], env: Env, input = ""): Ran {
  const [program = "", ...rest] = command;
  const made = spawnSync(program, rest, {
    env: env as NodeJS.ProcessEnv,
    input,
    encoding: "utf8",
    timeout: TIMEOUT,
    maxBuffer: 64 * 2 ** 20,
  });
  const { error, status, signal, stdout, stderr } = made;
  if (error !== undefined) {
    const code = (error as NodeJS.ErrnoException).code;
    const known = code === undefined ? undefined : FAILURES.get(code);
    return { ok: false, output: "", reason: known ?? error.message };
  }
  if (status === 0) return { ok: true, output: stdout, reason: "" };
  const line = stderr.split("\n").find((l) => l.includes("error")) ?? stderr.split("\n")[0];
  const how = signal === null ? `exit code ${status}` : `ended by ${signal}`;
  return { ok: false, output: stdout, reason: line?.trim() ? `${how}: ${line.trim()}` : how };
}

/** `$CC`, or else the usual names. */
function candidates(env: Env): string[][] {
  const given = env["CC"]?.trim();
  if (given) return [given.split(/\s+/)];
  return [["cc"], ["gcc"], ["clang"]];
}

function probe(command: readonly string[], env: Env): CompilerFound | string {
  let reason = "";
  for (const processor of PROCESSOR) {
    // The macros that it defines name its version and everything that it may use of the processor.
    const macros = runTool([...command, ...processor, "-O3", "-dM", "-E", "-x", "c", "-"], env);
    const known = macros.output;
    if (macros.ok && /__GNUC__/.test(known)) {
      const lanes = /__AVX512F__/.test(known) ? 16 : /__AVX2__/.test(known) ? 8 : 4;
      const wide = lanes === 16 ? ["-mprefer-vector-width=512"] : [];
      const more = (env["FWP_CFLAGS"] ?? "").split(/\s+/).filter((flag) => flag !== "");
      const flags = [...ALWAYS, ...processor, ...wide, ...more];
      const identity = createHash("sha256").update(known).digest("hex");
      return { command, flags, lanes, identity };
    }
    reason ||= macros.ok ? "it does not take the C of GCC and Clang" : macros.reason;
    if (reason === NOT_FOUND) break;
  }
  return reason;
}

const found = new Map<string, CompilerFound | string>();

/** @throws NativeUnavailable naming every compiler that was tried and what was wrong with it. */
export function findCompiler(env: Env): CompilerFound {
  const reasons: string[] = [];
  for (const command of candidates(env)) {
    const name = command.join(" ");
    const key = JSON.stringify([name, env["PATH"], env["FWP_CFLAGS"]]);
    const result = found.get(key) ?? probe(command, env);
    found.set(key, result);
    if (typeof result !== "string") return result;
    reasons.push(`${env["CC"]?.trim() ? "$CC = " : ""}${name}: ${result}`);
  }
  throw new NativeUnavailable(`no C compiler works (${reasons.join("; ")})`);
}

/** A compiler with more flags, which win over those it has. */
export const withFlags = (c: CompilerFound, ...flags: readonly string[]): CompilerFound => ({
  ...c,
  flags: [...c.flags, ...flags],
});

/** Compiles a file to a shared library. @throws NativeUnavailable with the compiler's first complaint. */
export function compileLibrary(c: CompilerFound, source: string, target: string, env: Env): void {
  const made = runTool([...c.command, ...c.flags, "-o", target, source, "-lm"], env);
  if (!made.ok) throw new NativeUnavailable(`${c.command.join(" ")} failed (${made.reason})`);
}
