/** Programs in C: the delta rule and the copy of this folder, and a program that the caller gives. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../cli/install.ts";

const FLAGS = ["-O3", "-march=native", "-ffast-math"] as const;

/** `$CC`, or the usual name. */
const compiler = (): readonly string[] => process.env["CC"]?.trim().split(/\s+/) ?? ["cc"];

/** Compiles a file to a program; with threads where the compiler has OpenMP. @throws Error with the first complaint. */
export function compileC(source: string, target: string): void {
  let reason = "";
  for (const more of [["-fopenmp"], []]) {
    const [program = "cc", ...first] = compiler();
    const made = spawnSync(program, [...first, ...FLAGS, ...more, "-o", target, source, "-lm"], {
      encoding: "utf8",
      timeout: 60_000,
    });
    if (made.status === 0) return;
    reason ||= made.error?.message ?? made.stderr.split("\n")[0] ?? "";
  }
  throw new Error(`${compiler().join(" ")}: ${reason}`);
}

/** A C file of this folder, compiled into a folder for temporary files. */
export function ownProgram(file: string, folder: string): string {
  const target = join(folder, file.replace(/\.c$/u, ""));
  compileC(join(packageRoot(), "bench", "peers", file), target);
  return target;
}

/** `$FWP_HAND`: a program, or a C file that is compiled first. Null where it is not set. */
export function givenProgram(folder: string): string | null {
  const given = process.env["FWP_HAND"];
  if (given === undefined || given === "") return null;
  if (!given.endsWith(".c")) return given;
  const target = join(folder, "given_hand");
  compileC(given, target);
  return target;
}

/** Runs a given program to its end; it prints lines with `threads N: X ms`. Milliseconds on so many threads. */
export function timeGiven(program: string, threads: number, env: NodeJS.ProcessEnv): number {
  const ran = spawnSync(program, [], { env, encoding: "utf8", timeout: 30_000 });
  const lines = [...(ran.stdout ?? "").matchAll(/threads (\d+): ([\d.]+) ms/gu)];
  const found = lines.find((line) => Number(line[1]) === threads);
  if (found !== undefined) return Number(found[2]);
  const reason = ran.error?.message ?? "it printed no `threads N: X ms`";
  throw new Error(`${program}: ${reason}`);
}
