/** `fwp build` of a language model, and what compiling its C adds: the first time, and when it is in the cache. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../cli/install.ts";
import { nativeSupport } from "../runtime/device/native/index.ts";
import { medianOf, QUICK, type Effort } from "./measure.ts";
import type { Row } from "./parts.ts";

/** Milliseconds. */
const [BUILD_LIMIT, COLD_LIMIT, CACHE_LIMIT] = [1000, 15_000, 1000];

/** Milliseconds of a whole process. */
function processTime(args: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env });
  if (status !== 0) throw new Error(`node ${args.join(" ")} failed: ${stderr.toString()}`);
  return performance.now() - start;
}

const row = (what: string, milliseconds: number, limit: number): Row => ({
  group: "building",
  what,
  milliseconds,
  gigaflops: null,
  note: `limit ${limit} ms`,
  limit,
});

export function buildingRows(effort: Effort): Row[] {
  const root = packageRoot();
  // Inside the installation, where packages find `fwp/runtime`.
  const parent = join(root, "generated");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "bench-"));
  const cache = mkdtempSync(join(tmpdir(), "fwp-bench-cache-"));
  try {
    const spec = join(root, "bench", "peers", "language_model.fwp");
    const built = join(folder, "package");
    const build = [join(root, "dist", "bin", "fwp.js"), "build", spec, "--of", "DeltaLM", "-o", built]; // prettier-ignore
    const rounds = effort === QUICK ? 2 : 5;
    const times = Array.from({ length: rounds }, () => {
      rmSync(built, { recursive: true, force: true });
      return processTime(build);
    });
    const rows = [row("`fwp build` of a language model of 3.3 million parameters, whole process", medianOf(times), BUILD_LIMIT)]; // prettier-ignore
    if (!nativeSupport().works) return rows;
    const url = pathToFileURL(join(built, "index.js")).href;
    const use = `const { DeltaLM } = await import(${JSON.stringify(url)}); DeltaLM.create().run({ tokens: [1, 2, 3] }, { batch: 1, time: 3 });`;
    const args = ["--input-type=module", "--eval", use];
    const env = { ...process.env, XDG_CACHE_HOME: cache, FWP_DEVICE: "native" };
    const cold = processTime(args, env);
    const again = Array.from({ length: rounds }, () => processTime(args, env));
    return [
      ...rows,
      row("its package's first answer, C compiled, whole process", cold, COLD_LIMIT),
      row("the same with the C in the cache", medianOf(again), CACHE_LIMIT),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(cache, { recursive: true, force: true });
  }
}
