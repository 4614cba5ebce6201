/** The Python that the peers are installed in, and which of them are. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../cli/install.ts";
import type { Command } from "./worker.ts";

export interface Python {
  /** Null: there is none. */
  readonly program: string | null;
  /** Installed libraries and their versions. */
  readonly libraries: ReadonlyMap<string, string>;
}

/** Options that cannot be used, in words for the user. */
export class UsageError extends Error {}

const LIBRARIES = ["torch", "jax", "numpy", "onnxruntime"] as const;

const PROBE = `
import importlib.util, json, sys
from importlib import metadata
def version(name):
    try: return metadata.version(name)
    except metadata.PackageNotFoundError: return "unknown"
print(json.dumps({n: version(n) for n in sys.argv[1:] if importlib.util.find_spec(n) is not None}))
`;

/** `given`, else `$FWP_PEERS_PYTHON`, else `.peers/bin/python` in the repository. */
export function findPython(given: string | undefined): Python {
  const own = join(packageRoot(), ".peers", "bin", "python");
  const program = given ?? process.env["FWP_PEERS_PYTHON"] ?? (existsSync(own) ? own : null);
  if (program === null) return { program, libraries: new Map() };
  const found = spawnSync(program, ["-c", PROBE, ...LIBRARIES], {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (found.status !== 0) {
    const reason = found.error?.message ?? found.stderr.trim().split("\n").pop();
    throw new UsageError(`${program} does not run: ${reason}`);
  }
  const versions = JSON.parse(found.stdout) as Record<string, string>;
  return { program, libraries: new Map(Object.entries(versions)) };
}

/** The environment of all peers: so many threads, no accelerator. */
export const environmentOf = (threads: number): NodeJS.ProcessEnv => ({
  ...process.env,
  OMP_NUM_THREADS: String(threads),
  MKL_NUM_THREADS: String(threads),
  OPENBLAS_NUM_THREADS: String(threads),
  JAX_PLATFORMS: "cpu",
  CUDA_VISIBLE_DEVICES: "",
  PYTHONDONTWRITEBYTECODE: "1",
});

/** How a worker script is run for a peer. */
export const scriptCommand = (
  program: string,
  script: string,
  peer: string,
  threads: number,
  data: string,
): Command => ({
  program,
  arguments: [
    join(packageRoot(), "bench", "peers", script),
    "--peer",
    peer,
    "--threads",
    String(threads),
    "--data",
    data,
  ],
  env: environmentOf(threads),
});
