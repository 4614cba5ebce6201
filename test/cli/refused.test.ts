/** Where the system lets no threads or no processes be made, or a compiler fails after all: everything works without. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, root, type Installed } from "../support/installed.ts";
import { hasCompiler } from "../support/native.ts";

let home: Installed;

beforeAll(() => {
  home = install();
  for (const file of ["tiny.fwp", "tiny_task.js"]) {
    copyFileSync(join(root, "test", "train-cli", file), join(home.folder, file));
  }
}, 120_000);
afterAll(() => home.dispose());

function fwp(args: readonly string[], more: NodeJS.ProcessEnv) {
  const env = { ...process.env, HOME: home.folder, XDG_CACHE_HOME: undefined, ...more };
  const { status, stdout, stderr } = spawnSync(process.execPath, [home.cli, ...args], {
    cwd: home.folder,
    encoding: "utf8",
    env,
  });
  return { status, stdout, stderr };
}

/** Refuses threads to compiled kernels, and Node's workers if it is told to: those have stacks of four megabytes. */
const NO_THREADS = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with) {
  Dl_info from;
  size_t stack = 0;
  if (how) pthread_attr_getstacksize(how, &stack);
  if (stack == 4 << 20 && getenv("NO_WORKERS")) return EAGAIN;
  void *caller = __builtin_return_address(0);
  if (dladdr(caller, &from) && from.dli_fname && strstr(from.dli_fname, "kernels.so")) return EAGAIN;
  return ((create *)dlsym(RTLD_NEXT, "pthread_create"))(thread, how, run, with);
}
`;

/** A compiler that manages small files only. */
const POOR_COMPILER = `#!/bin/sh
for file in "$@"; do
  case "$file" in *kernels.c)
    if [ $(wc -c < "$file") -gt 4000 ]; then echo "fatal error: no memory" >&2; exit 1; fi;;
  esac
done
exec cc "$@"
`;

const refusing = () => ({
  LD_PRELOAD: join(home.folder, "shim.so"),
  FWP_THREADS: "3",
  FWP_CFLAGS: "-O1",
});

const build = (folder: string, env: NodeJS.ProcessEnv) =>
  fwp(["build", "tiny.fwp", "--of", "Tiny", "-o", join(home.folder, folder)], { ...refusing(), ...env }); // prettier-ignore
const wasm = (folder: string): Buffer => readFileSync(join(home.folder, folder, "kernels.wasm"));

describe.runIf(hasCompiler && process.platform === "linux")("where threads are refused", () => {
  beforeAll(() => {
    const source = join(home.folder, "shim.c");
    writeFileSync(source, NO_THREADS);
    const flags = ["-shared", "-fPIC", "-o", join(home.folder, "shim.so"), source, "-ldl"];
    execFileSync("cc", flags, { stdio: "pipe" });
  });

  test("fwp doctor says so", () => {
    const { stdout } = fwp(["doctor"], refusing());
    expect(stdout).toMatch(/yes +native .*one thread of 3: the system lets no more be made/);
    expect(fwp(["doctor"], { ...refusing(), LD_PRELOAD: "" }).stdout).toMatch(/yes +native .* 3 threads\n/); // prettier-ignore
  });

  test("fwp build does without a thread beside it", () => {
    const { status, stdout, stderr } = build("alone", { NO_WORKERS: "1" });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout.replaceAll("alone", "beside")).toBe(build("beside", {}).stdout);
    expect(wasm("alone").equals(wasm("beside"))).toBe(true);
  });

  test("native code runs on one", { timeout: 120_000 }, () => {
    const run = join(home.folder, "run");
    const ended = fwp(["train", "tiny.fwp", "-o", run, "--set", "steps=20", "--set", "batch=64", "--device", "native", "--json"], refusing()); // prettier-ignore
    expect(ended.status, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: "finished", target: "native" });
  });
});

test("fwp verify does without processes that do not start", { timeout: 120_000 }, () => {
  const preload = join(home.folder, "refuse.cjs");
  // What Node prints when it gets no threads is kept from the user.
  writeFileSync(preload, `if (process.send) { console.error("no threads"); process.abort(); }\n`);
  const env = { NODE_OPTIONS: `--require ${preload}`, CC: "/bin/false" };
  const { status, stdout, stderr } = fwp(["verify", "tiny.fwp", "--quick", "--jobs", "3"], env);
  expect(stderr).toBe("no other process can be started: what is left is verified in this one\n");
  expect(stdout).toContain("no failures");
  expect(status).toBe(0);
});

test.runIf(hasCompiler)(
  "fwp profile takes another device where the compiler fails",
  { timeout: 120_000 },
  () => {
    const cc = join(home.folder, "poor-cc");
    writeFileSync(cc, POOR_COMPILER);
    chmodSync(cc, 0o755);
    const args = ["profile", "tiny.fwp"];
    expect(fwp(args, { CC: cc }).stdout).toMatch(/^tiny: train on (?:wasm|typescript)/);
    expect(fwp([...args, "--device", "native"], { CC: cc }).stderr).toMatch(/fwp8022.*no memory/);
  },
);

test.runIf(process.platform === "linux")(
  "a home that nothing can be made in holds nothing up",
  { timeout: 60_000 },
  () => {
    const { stdout } = fwp(["doctor"], { HOME: "/proc", TMPDIR: "/proc" });
    expect(stdout).toMatch(/no +native .*\/proc\/\.cache\/fwp\/native: E/);
  },
);
