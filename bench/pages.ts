/** Results on disk, and the page docs/benchmarks.md that is made of them. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../cli/install.ts";
import type { PeerResults } from "./peers/results.ts";
import type { KernelTime } from "../cli/profile/measure.ts";
import { page, type Results } from "./report.ts";

export interface Kept extends Results {
  readonly kernels: readonly KernelTime[];
}

const place = (...names: readonly string[]): string => join(packageRoot(), ...names);
const RESULTS = ["bench", "results.json"] as const;
const PEERS = ["bench", "peers", "results.json"] as const;

/** Where the comparison with the peers is kept. */
export const peersFile = (): string => place(...PEERS);

/** Whole or not at all: a run that is cut short leaves what was there. */
function replace(path: string, text: string): void {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, text);
  renameSync(fresh, path);
}

const read = <T>(path: string): T | null =>
  existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : null;

async function pretty(text: string, parser: "json" | "markdown"): Promise<string> {
  const { format } = await import("prettier");
  return format(text, { printWidth: 100, parser });
}

export const keepPlain = (path: string, value: unknown): void =>
  replace(path, `${JSON.stringify(value, null, 2)}\n`);

/** Makes the page from what is on disk. False where there is nothing. */
export async function writePage(): Promise<boolean> {
  const kept = read<Kept>(place(...RESULTS));
  if (kept === null) return false;
  const text = page(kept, kept.kernels, read<PeerResults>(peersFile()));
  replace(place("docs", "benchmarks.md"), await pretty(text, "markdown"));
  return true;
}

export async function keepResults(results: Kept): Promise<void> {
  replace(place(...RESULTS), await pretty(JSON.stringify(results), "json"));
  await writePage();
}

export async function keepPeers(results: PeerResults): Promise<void> {
  replace(peersFile(), await pretty(JSON.stringify(results), "json"));
  await writePage();
}
