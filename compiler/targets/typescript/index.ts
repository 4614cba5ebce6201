/** The `typescript` target: runs on any JavaScript engine and needs nothing. */
import type { ProgramManifest } from "../../../runtime/format/program.ts";
import type { CompiledEntry } from "../../plan/entry.ts";
import { emit, textOf, type EmittedModule } from "./emit.ts";
import { kernelsModule } from "./module.ts";

/** What a manifest says besides its target and its entries. */
export type ManifestBase = Omit<ProgramManifest, "target" | "entries">;

export interface CompiledModule extends EmittedModule {
  readonly manifest: ProgramManifest;
}

/** Entries as the module `name`, in all its faces. */
export const typescriptOf = (name: string, entries: readonly CompiledEntry[]): EmittedModule =>
  emit(kernelsModule(name, entries));

/** The same with what the program says of itself. */
export const compileTypeScript = (
  name: string,
  base: ManifestBase,
  entries: readonly CompiledEntry[],
): CompiledModule => ({
  manifest: { ...base, target: "typescript", entries: entries.map((e) => e.spec) },
  ...typescriptOf(name, entries),
});

/** Entries as JavaScript alone, to run at once. */
export const javascriptOf = (name: string, entries: readonly CompiledEntry[]): string =>
  textOf(kernelsModule(name, entries), "javascript");
