/** Folders for code that is made once and loaded again and again: a user's own, so that nobody else can put code there. */
import fs from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { makeFolders } from "./io.ts";
import { uniqueName } from "./unique.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** Places for code of a kind, in order of preference. */
function places(env: Env, kind: string): string[] {
  const list: string[] = [];
  const { XDG_CACHE_HOME: xdg, HOME: home } = env;
  // The specification of XDG tells to ignore relative paths.
  if (xdg?.startsWith("/")) list.push(join(xdg, "fwp", kind));
  else if (home || homedir()) list.push(join(home || homedir(), ".cache", "fwp", kind));
  list.push(join(env["TMPDIR"] ?? tmpdir(), `fwp-${kind}-${userName()}`));
  return list;
}
function userName(): string {
  try {
    return String(userInfo().uid);
  } catch {
    return "user";
  }
}

/** Whether a folder is this user's and only this user can write there. @throws Error if there is none. */
export function isOwn(path: string): boolean {
  const uid = process.getuid?.();
  const stat = fs.lstatSync(path);
  return stat.isDirectory() && (uid === undefined || (stat.uid === uid && (stat.mode & 0o022) === 0)); // prettier-ignore
}

/** The first folder for code of a kind that can be written and that only this user can write; or why there is none. */
export function ownFolder(env: Env, kind: string): string | { readonly reasons: string } {
  const reasons: string[] = [];
  for (const folder of places(env, kind)) {
    try {
      makeFolders(folder, 0o700);
      if (!isOwn(folder)) throw new Error("others may write there");
      const trial = join(folder, `.${uniqueName()}`);
      fs.mkdirSync(trial);
      fs.rmdirSync(trial);
      return folder;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      reasons.push(`${folder}: ${code ?? (error as Error).message}`);
    }
  }
  return { reasons: reasons.join("; ") };
}
