/** Files, with the operating system's failures as diagnostics. */
import fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { TextDecoder } from "node:util";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { problem } from "../catalogue.ts";
import { uniqueName } from "./unique.ts";

/** The calls that writing needs; replaced in tests to make a disk fail. */
export type FileSystem = Pick<
  typeof fs,
  "openSync" | "writeSync" | "fsyncSync" | "closeSync" | "renameSync" | "unlinkSync"
>;

const TEXT_LIMIT = 16 * 2 ** 20;

/** The diagnostic for what the operating system threw. */
export function fileProblem(error: unknown, path: string): DiagnosticError {
  if (error instanceof DiagnosticError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  switch (code) {
    case "ENOENT":
      return problem("fwp6001", path, { path });
    case "EISDIR":
      return problem("fwp6002", path, { path });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return problem("fwp6003", path, { path, reason: code });
    case "ENOSPC":
    case "EDQUOT":
      return problem("fwp6004", path, { path });
    case "ENOTDIR":
    case "EEXIST":
      return problem("fwp6008", path, { path });
    default: {
      const reason = error instanceof Error ? error.message : String(error);
      return problem("fwp6005", path, { path, reason });
    }
  }
}

/**
 * The bytes of a file.
 * @throws DiagnosticError fwp6001–fwp6006: missing, a folder, no permission, longer than `maxBytes`.
 */
export function readBytes(path: string, maxBytes: number = 2 ** 31 - 1): Uint8Array {
  try {
    const stat = fs.statSync(path);
    if (stat.isDirectory()) throw problem("fwp6002", path, { path });
    const limit = (bytes: number) => problem("fwp6006", path, { path, bytes, limit: maxBytes });
    if (stat.size > maxBytes) throw limit(stat.size);
    const bytes = fs.readFileSync(path);
    // A device or a pipe has no size to ask beforehand.
    if (bytes.length > maxBytes) throw limit(bytes.length);
    return bytes;
  } catch (error) {
    throw fileProblem(error, path);
  }
}

/** The offset of the first byte that is not UTF-8: the longest prefix that decodes ends there. */
function firstBadByte(bytes: Uint8Array): number {
  const decodes = (end: number): boolean => {
    try {
      // `stream` lets the prefix end inside a character.
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (middle <= bytes.length && decodes(middle)) good = middle;
    else bad = middle;
  }
  return Math.min(good, bytes.length - 1);
}

/**
 * A UTF-8 text file, without its byte order mark.
 * @throws DiagnosticError fwp6001–fwp6007: missing, a folder, no permission, longer than `maxBytes` (16 MB unless given),
 * not UTF-8.
 */
export function readTextFile(path: string, options: { readonly maxBytes?: number } = {}): string {
  const bytes = readBytes(path, options.maxBytes ?? TEXT_LIMIT);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw problem("fwp6007", path, { path, offset: firstBadByte(bytes) });
  }
}

/**
 * A JSON file.
 * @throws DiagnosticError as `readTextFile`, and fwp6009 when it is not JSON.
 */
export function readJsonFile(path: string): unknown {
  const text = readTextFile(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw problem("fwp6009", path, { path, reason: (error as Error).message });
  }
}

function syncFolder(path: string, io: FileSystem): void {
  // Makes the rename itself durable. Some file systems refuse to sync a folder; the file is whole all the same.
  try {
    const folder = io.openSync(dirname(path), "r");
    try {
      io.fsyncSync(folder);
    } finally {
      io.closeSync(folder);
    }
  } catch {
    return;
  }
}

/** Where a path leads: renaming over a link would replace the link, over a device the device. */
function placeOf(path: string): { readonly path: string; readonly replaceable: boolean } {
  try {
    const stat = fs.statSync(path);
    if (stat.isDirectory()) throw problem("fwp6002", path, { path });
    return stat.isFile()
      ? { path: fs.realpathSync(path), replaceable: true }
      : { path, replaceable: false };
  } catch (error) {
    if (error instanceof DiagnosticError) throw error;
    // Nothing there yet; what else is wrong shows when it is written.
    return { path, replaceable: true };
  }
}

function writeAll(io: FileSystem, file: number, pieces: readonly Uint8Array[]): void {
  for (const piece of pieces) {
    for (let done = 0; done < piece.length;) {
      done += io.writeSync(file, piece, done, piece.length - done);
    }
  }
}

/** Into a device or a pipe (`/dev/stdout`): there is nothing to rename. */
function writeThrough(path: string, pieces: readonly Uint8Array[], io: FileSystem): void {
  const file = io.openSync(path, "w");
  try {
    writeAll(io, file, pieces);
  } finally {
    io.closeSync(file);
  }
}

/**
 * Writes a file as a whole or not at all: beside its place under a name of its own, flushed, then renamed over it. A
 * reader, and a run that is killed at any moment, sees the old file or the new one. The temporary file is removed when
 * anything fails. A device or a pipe is written directly.
 * @throws DiagnosticError fwp6002–fwp6008, fwp6010 when there is no such folder.
 */
export function writeFileAtomic(
  target: string,
  content: Uint8Array | string | readonly Uint8Array[],
  io: FileSystem = fs,
): void {
  const pieces =
    typeof content === "string"
      ? [new TextEncoder().encode(content)]
      : content instanceof Uint8Array
        ? [content]
        : content;
  const { path, replaceable } = placeOf(target);
  const temporary = join(dirname(path), `.${basename(path)}.${uniqueName()}.tmp`);
  let made = false;
  try {
    if (!replaceable) {
      writeThrough(path, pieces, io);
      return;
    }
    const file = io.openSync(temporary, "wx");
    made = true;
    try {
      writeAll(io, file, pieces);
      io.fsyncSync(file);
    } finally {
      io.closeSync(file);
    }
    io.renameSync(temporary, path);
    made = false;
    syncFolder(path, io);
  } catch (error) {
    if (made) {
      try {
        io.unlinkSync(temporary);
      } catch {
        // The first failure is the one to report.
      }
    }
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw missing
      ? problem("fwp6010", target, { path: target, folder: dirname(target) })
      : fileProblem(error, target);
  }
}

/** Makes a folder and those above it. @throws DiagnosticError fwp6003–fwp6008. */
export function makeFolder(path: string): void {
  try {
    makeFolders(path);
  } catch (error) {
    throw fileProblem(error, path);
  }
}

/**
 * The same with the system's errors. Node's own way to do it never ends below folders that say there is nothing in them when
 * something is to be made there, as /proc does.
 */
export function makeFolders(path: string, mode = 0o777): void {
  try {
    fs.mkdirSync(path, { mode });
    return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    const above = dirname(path);
    if (code !== "ENOENT" || fs.existsSync(above)) throw error;
    makeFolders(above, mode);
  }
  makeFolders(path, mode);
}
