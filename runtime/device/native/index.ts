/** Native code: C compiled on this machine. */
import type { ProgramManifest } from "../../format/program.ts";
import { findCompiler, NativeUnavailable, type CompilerFound, type Env } from "./compiler.ts";
import { loadNative } from "./load.ts";

export { NativeUnavailable, type Env } from "./compiler.ts";
export { loadNative, possibleThreads, threadCount, type Build } from "./load.ts";

/** A C file with one entry that doubles a number: enough to try everything that a real one needs. */
const TRIAL = `#include <math.h>
#include <stdint.h>
void fwp_trial(void *const *buffers, const int64_t *sizes) {
  const float *in = buffers[0];
  float *out = buffers[1];
  for (int64_t i = 0; i < sizes[0]; i++) out[i] = 2 * sqrtf(in[i] * in[i]);
}
void fwp_bind(void **table, int64_t place, void *memory) { table[place] = memory; }
int64_t fwp_threads(int64_t threads) { return threads; }
`;

const MANIFEST: ProgramManifest = {
  format: "fwp-program",
  version: 1,
  name: "trial",
  target: "native",
  inputs: [],
  outputs: [],
  parameters: [],
  states: [],
  entries: [
    {
      name: "trial",
      inputs: [{ role: "input", name: "x", type: "f32", shape: ["batch"] }],
      outputs: [{ role: "output", name: "y", type: "f32", shape: ["batch"] }],
      scratch: [],
      kernels: [],
    },
  ],
};

export type Support =
  | { readonly works: true; readonly compiler: CompilerFound }
  | { readonly works: false; readonly reason: string };

const tried = new Map<string, Support>();

/** Whether native code runs here: a compiler is asked to make some, which is loaded and called. Once per process. */
export function nativeSupport(env: Env = process.env): Support {
  const key = JSON.stringify(
    ["CC", "FWP_CFLAGS", "PATH", "XDG_CACHE_HOME", "HOME"].map((name) => env[name]),
  );
  const known = tried.get(key);
  if (known !== undefined) return known;
  const result = trial(env);
  tried.set(key, result);
  return result;
}

function trial(env: Env): Support {
  try {
    const compiler = findCompiler(env);
    const run = loadNative(TRIAL, MANIFEST, env).instantiate("trial", { batch: 3, time: 1, past: 0 }); // prettier-ignore
    run.input("input", "x").set([1, -2, 3]);
    run.run();
    const got = [...run.output("output", "y")].join();
    if (got === "2,4,6") return { works: true, compiler };
    return { works: false, reason: `compiled code gives wrong results here (${got})` };
  } catch (error) {
    if (error instanceof NativeUnavailable) return { works: false, reason: error.message };
    return { works: false, reason: `compiled code does not load (${(error as Error).message})` };
  }
}
