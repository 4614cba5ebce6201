/** What a command may touch of the world around it, so that tests can run one without a process. */
import fs from "node:fs";
import type { FileSystem } from "../runtime/files/io.ts";
import type { Companion } from "./build/companion.ts";

export interface Context {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Everything on standard input. */
  readonly stdin: () => Uint8Array;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether progress may be redrawn on standard error. */
  readonly terminal: boolean;
  /** How files are written; replaced in tests to make a disk fail. */
  readonly io: FileSystem;
  /** A thread that waits for work, if one was started with the process. */
  readonly companion?: Companion | null;
}

export function processContext(companion: Companion | null = null): Context {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: () => fs.readFileSync(0),
    env: process.env,
    terminal: process.stderr.isTTY === true,
    io: fs,
    companion,
  };
}
