/**
 * What V8 made of the command line's source when a command ran before, kept on disk: reading it back takes a fraction of
 * the time of parsing and compiling again. Each command has its own, with the functions that it calls. Where it is
 * missing, broken or of another version, and where nothing can be written, commands only start more slowly.
 */
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { ownFolder, type Env } from "../../runtime/files/own.ts";

const DIGEST = 32;
/** Milliseconds after which what nobody has written again may go: a month. */
const OLD = 30 * 24 * 3600 * 1000;

const sha256 = (...data: readonly (string | Uint8Array)[]): Buffer =>
  data.reduce((hash, x) => hash.update(x), createHash("sha256")).digest();

export interface KeptCode {
  /** Null: there is none that can be trusted. */
  readonly data: Buffer | null;
  /** Keeps it for next time, if that is possible. */
  keep(data: Buffer): void;
}

const NOWHERE: KeptCode = { data: null, keep: () => undefined };

/** `source`: of which the code is. `$NODE_DISABLE_COMPILE_CACHE` keeps none, as for Node's own cache. */
export function keptCode(env: Env, source: Uint8Array, command: string): KeptCode {
  if (env["NODE_DISABLE_COMPILE_CACHE"]) return NOWHERE;
  const folder = ownFolder(env, "code");
  if (typeof folder !== "string") return NOWHERE;
  const { version, arch, execArgv } = process;
  const of = JSON.stringify([version, process.versions.v8, arch, execArgv, command]);
  const path = join(folder, sha256(of, source).toString("hex").slice(0, 40));
  return { data: read(path), keep: (data) => write(folder, path, data) };
}

function read(path: string): Buffer | null {
  try {
    const bytes = fs.readFileSync(path);
    const data = bytes.subarray(DIGEST);
    // V8 does not look whether it is what it wrote.
    return sha256(data).equals(bytes.subarray(0, DIGEST)) ? data : null;
  } catch {
    return null;
  }
}

function write(folder: string, path: string, data: Buffer): void {
  const fresh = `${path}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    fs.writeFileSync(fresh, Buffer.concat([sha256(data), data]), { mode: 0o600, flag: "wx" });
    fs.renameSync(fresh, path);
    for (const name of fs.readdirSync(folder)) {
      const old = join(folder, name);
      if (fs.statSync(old).mtimeMs < Date.now() - OLD) fs.rmSync(old);
    }
  } catch {
    fs.rmSync(fresh, { force: true });
  }
}
