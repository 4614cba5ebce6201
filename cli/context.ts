/** What a command may touch of the world around it, so that tests can run one without a process. */
import fs from "node:fs";
import type { FileSystem } from "../runtime/files/io.ts";

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
}

export function processContext(): Context {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: () => fs.readFileSync(0),
    env: process.env,
    terminal: process.stderr.isTTY === true,
    io: fs,
  };
}
