/** The `typescript` target: runs on any JavaScript engine and needs nothing. */
import type { ProgramManifest } from "../../../runtime/format/program.ts";
import type { CompiledEntry } from "../../plan/entry.ts";
import { javascriptOf } from "./javascript.ts";
import { typescriptOf } from "./module.ts";

/** What a manifest says besides its target and its entries. */
export type ManifestBase = Omit<ProgramManifest, "target" | "entries">;

function manifestOf(base: ManifestBase, entries: readonly CompiledEntry[]): ProgramManifest {
  return { ...base, target: "typescript", entries: entries.map((e) => e.spec) };
}

/** The quick way, for running at once: JavaScript straight from the loops. */
export function compileJavaScript(
  base: ManifestBase,
  entries: readonly CompiledEntry[],
): { readonly manifest: ProgramManifest; readonly javascript: string } {
  return { manifest: manifestOf(base, entries), javascript: javascriptOf(entries) };
}

/** For packages: readable TypeScript, and the JavaScript that it transpiles to. */
export async function compileTypeScript(
  name: string,
  base: ManifestBase,
  entries: readonly CompiledEntry[],
): Promise<{
  readonly manifest: ProgramManifest;
  readonly source: string;
  readonly javascript: string;
}> {
  const { source, javascript } = await typescriptOf(name, entries);
  return { manifest: manifestOf(base, entries), source, javascript };
}
