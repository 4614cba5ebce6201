/** A folder written as a whole or not at all: beside its place under a name of its own, then renamed. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import {
  fileProblem,
  type FileSystem,
  makeFolder,
  writeFileAtomic,
} from "../../runtime/files/io.ts";

export interface FolderContent {
  /** What the files hold, by name. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** Writes more into the folder. */
  readonly more: (folder: string, io: FileSystem) => void;
}

const remove = (folder: string): void => fs.rmSync(folder, { recursive: true, force: true });

/**
 * Replaces `target`, which must be absent, empty, or accepted by `replaceable`; else `refuse` says why not.
 * @throws DiagnosticError of writing files, the old folder then being as it was.
 */
export function writeFolder(
  target: string,
  content: FolderContent,
  replaceable: (folder: string) => boolean,
  refuse: () => Error,
  io: FileSystem,
): void {
  const place = resolve(target);
  const beside = (kind: string) =>
    join(dirname(place), `.${basename(place)}.${process.pid}-${randomBytes(4).toString("hex")}.${kind}`); // prettier-ignore
  // What is made can be made again: it need not outlast a power cut, for which each file would wait for the disk twice.
  const quick: FileSystem = { ...io, fsyncSync: () => undefined };
  const [fresh, old] = [beside("new"), beside("old")];
  const there = fs.existsSync(place);
  if (there) {
    if (!fs.statSync(place).isDirectory()) throw refuse();
    if (fs.readdirSync(place).length > 0 && !replaceable(place)) throw refuse();
  }
  try {
    makeFolder(fresh);
    for (const [name, data] of content.files) writeFileAtomic(join(fresh, name), data, quick);
    content.more(fresh, quick);
    if (there) fs.renameSync(place, old);
    try {
      fs.renameSync(fresh, place);
    } catch (error) {
      if (there) fs.renameSync(old, place);
      throw error;
    }
    remove(old);
  } catch (error) {
    remove(fresh);
    throw fileProblem(error, place);
  }
}
