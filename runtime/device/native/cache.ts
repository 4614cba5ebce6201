/**
 * Compiled libraries on disk, by a hash of all that they depend on. An entry is a folder with the source, the library and
 * the library's digest; it is made beside its place and renamed, so that it is there whole or not at all, also when
 * several processes make it at once.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { isOwn, ownFolder } from "../../files/own.ts";
import { uniqueName } from "../../files/unique.ts";
import { compileLibrary, NativeUnavailable, type CompilerFound, type Env } from "./compiler.ts";

const SOURCE = "kernels.c";
const LIBRARY = "kernels.so";
const DIGEST = "kernels.sha256";
/** Changes when old entries must not be taken any more. */
const VERSION = 1;

const sha256 = (data: string | Uint8Array): string =>
  createHash("sha256").update(data).digest("hex");

/** The folder of libraries. @throws NativeUnavailable */
function cacheFolder(env: Env): string {
  const found = ownFolder(env, "native");
  if (typeof found === "string") return found;
  throw new NativeUnavailable(`no folder for compiled code can be used (${found.reasons})`);
}

/** The entry's library, if it is there and is what was put there. */
function sound(entry: string): string | null {
  try {
    if (!isOwn(entry)) return null;
    const library = join(entry, LIBRARY);
    const digest = fs.readFileSync(join(entry, DIGEST), "utf8").trim();
    return sha256(fs.readFileSync(library)) === digest ? library : null;
  } catch {
    return null;
  }
}

const remove = (path: string): void => fs.rmSync(path, { recursive: true, force: true });

/** Compiles a source in a folder that is there for it alone. @returns the library's path. */
function compileIn(folder: string, source: string, compiler: CompilerFound, env: Env): string {
  fs.mkdirSync(folder, { mode: 0o700 });
  const [file, library] = [join(folder, SOURCE), join(folder, LIBRARY)];
  fs.writeFileSync(file, source);
  compileLibrary(compiler, file, library, env);
  return library;
}

/** What goes wrong in compiling and is no NativeUnavailable yet: a full disk, a folder that is gone. */
const unstored = (error: unknown): NativeUnavailable =>
  error instanceof NativeUnavailable
    ? error
    : new NativeUnavailable(`compiled code could not be stored (${(error as Error).message})`);

/** A library that is compiled for one use and not kept: what is loaded of it stays loaded. @throws NativeUnavailable */
export function withLibrary<T>(
  source: string,
  compiler: CompilerFound,
  env: Env,
  use: (path: string) => T,
): T {
  const fresh = join(cacheFolder(env), `.${uniqueName()}`);
  try {
    let library: string;
    try {
      library = compileIn(fresh, source, compiler, env);
    } catch (error) {
      throw unstored(error);
    }
    return use(library);
  } finally {
    remove(fresh);
  }
}

/** The path of the library for a source, compiled now if need be. @throws NativeUnavailable */
export function libraryFor(source: string, compiler: CompilerFound, env: Env): string {
  const { command, flags, identity } = compiler;
  const key = sha256(JSON.stringify([VERSION, command, flags, identity, source])).slice(0, 40);
  const folder = cacheFolder(env);
  const entry = join(folder, key);
  const known = sound(entry);
  if (known !== null) return known;
  const fresh = join(folder, `.${key}.${uniqueName()}`);
  try {
    const library = compileIn(fresh, source, compiler, env);
    fs.writeFileSync(join(fresh, DIGEST), `${sha256(fs.readFileSync(library))}\n`);
    return publish(fresh, entry);
  } catch (error) {
    throw unstored(error);
  } finally {
    remove(fresh);
  }
}

/** Puts a finished entry in its place. Another process may have been faster: then its entry is as good. */
function publish(fresh: string, entry: string): string {
  for (let attempt = 0; ; attempt++) {
    try {
      fs.renameSync(fresh, entry);
      return join(entry, LIBRARY);
    } catch (error) {
      const known = sound(entry);
      if (known !== null) return known;
      if (attempt === 3) throw error;
      // What is there is broken. Moving it away first keeps a process that has it open whole.
      const old = `${fresh}.old`;
      try {
        fs.renameSync(entry, old);
      } catch {
        continue;
      }
      remove(old);
    }
  }
}
