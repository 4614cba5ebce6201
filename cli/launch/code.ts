/**
 * What V8 made of the command line's source when a command ran before, kept on disk: reading it back takes a fraction of
 * the time of parsing and compiling again. Each command has its own, with the functions that it calls. Where it is
 * missing, broken or of another version, and where nothing can be written, commands only start more slowly.
 */
import fs from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ownFolder, type Env } from "../../runtime/files/own.ts";
import { uniqueName } from "../../runtime/files/unique.ts";

/** Milliseconds after which what nobody has written again may go: a month. */
const OLD = 30 * 24 * 3600 * 1000;

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
  const { length } = source;
  const of = JSON.stringify([version, process.versions.v8, arch, execArgv, command, length, crc32(source)]); // prettier-ignore
  const path = join(folder, crc32(of).toString(16).padStart(8, "0"));
  return { data: read(path, of), keep: (data) => write(folder, path, data, of) };
}

/**
 * After the code, which V8 wants at an address of its liking, what it is of, and a checksum of both: V8 does not look
 * whether it is what it wrote. Whoever can write here can run code anyway, so the sum is against accidents only.
 */
function ending(data: Uint8Array, of: string): Buffer {
  const name = Buffer.from(of);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(name, crc32(data)));
  return Buffer.concat([name, sum]);
}

function read(path: string, of: string): Buffer | null {
  try {
    const bytes = fs.readFileSync(path);
    const data = bytes.subarray(0, Math.max(0, bytes.length - Buffer.byteLength(of) - 4));
    return ending(data, of).equals(bytes.subarray(data.length)) ? data : null;
  } catch {
    return null;
  }
}

function write(folder: string, path: string, data: Buffer, of: string): void {
  const fresh = `${path}.${uniqueName()}`;
  try {
    fs.writeFileSync(fresh, Buffer.concat([data, ending(data, of)]), { mode: 0o600, flag: "wx" });
    fs.renameSync(fresh, path);
    for (const name of fs.readdirSync(folder)) {
      const old = join(folder, name);
      if (fs.statSync(old).mtimeMs < Date.now() - OLD) fs.rmSync(old);
    }
  } catch {
    fs.rmSync(fresh, { force: true });
  }
}
