/** A folder written as a whole or not at all: beside its place under a name of its own, then renamed. */
import fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileProblem, type FileSystem, makeFolder } from "../../runtime/files/io.ts";
import { uniqueName } from "../../runtime/files/unique.ts";

/** Writes what a folder holds, through `io`. */
export type FolderWriter = (folder: string, io: FileSystem) => Promise<void>;

const remove = (folder: string): void => fs.rmSync(folder, { recursive: true, force: true });

/**
 * Replaces `target`, which must be absent, empty, or accepted by `replaceable`; else `refuse` says why not.
 * @throws DiagnosticError of writing files, the old folder then being as it was.
 */
export async function writeFolder(
  target: string,
  write: FolderWriter,
  replaceable: (folder: string) => boolean,
  refuse: () => Error,
  io: FileSystem,
): Promise<void> {
  const place = resolve(target);
  const beside = (kind: string) =>
    join(dirname(place), `.${basename(place)}.${uniqueName()}.${kind}`); // prettier-ignore
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
    await write(fresh, quick);
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
