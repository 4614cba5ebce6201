/** Native code: its cache on disk, and everything that can be missing. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"; // prettier-ignore
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseDevice, loadStep } from "../../cli/devices.ts";
import { chooseStep, instantiateStep, soundProject } from "../../cli/project.ts";
import { DiagnosticError } from "../../diagnostics/diagnostic.ts";
import { loadNative, nativeSupport } from "../../runtime/device/native/index.ts";
import type { ProgramManifest } from "../../runtime/format/program.ts";
import { hasCompiler } from "../support/native.ts";
import { install } from "../support/installed.ts";

let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "fwp-native-test-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An environment with a cache of its own. */
const envWith = (name: string, more: Record<string, string> = {}) => ({
  ...process.env,
  FWP_DEVICE: undefined,
  FWP_CFLAGS: "-O0",
  XDG_CACHE_HOME: join(folder, name),
  ...more,
});

/** A compiler that is a shell script. */
function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

const MANIFEST: ProgramManifest = {
  format: "fwp-program",
  version: 1,
  name: "test",
  target: "native",
  inputs: [],
  outputs: [],
  parameters: [],
  states: [],
  entries: [
    {
      name: "run",
      inputs: [{ role: "input", name: "x", type: "f32", shape: ["batch"] }],
      outputs: [{ role: "output", name: "y", type: "f32", shape: ["batch"] }],
      scratch: [{ name: "s", type: "f64", length: 5, first: 0, last: 0 }],
      kernels: [],
    },
  ],
};
const source = (times: number): string => `#include <stdint.h>
void fwp_run(void *const *buffers, const int64_t *sizes) {
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t i = 0; i < sizes[0]; i++) y[i] = ${times} * x[i] + (((uintptr_t)y | (uintptr_t)buffers[2]) % 64 != 0);
}
void fwp_bind(void **table, int64_t place, void *memory) { table[place] = memory; }
int64_t fwp_threads(int64_t threads) { return threads; }
`;

/** What the program of `source(times)` makes of 1, 2, … */
function run(times: number, env: NodeJS.ProcessEnv, batch = 3): number[] {
  const made = loadNative(source(times), MANIFEST, env).instantiate("run", { batch, time: 1, past: 0 }); // prettier-ignore
  made.input("input", "x").set(Array.from({ length: batch }, (_, i) => i + 1));
  made.run();
  return [...made.output("output", "y")];
}

const entriesOf = (name: string): string[] => readdirSync(join(folder, name, "fwp", "native"));

describe.runIf(hasCompiler)("the cache", () => {
  test("keeps what was compiled, in memory that starts on cache lines", () => {
    const env = envWith("kept");
    expect(run(2, env)).toEqual([2, 4, 6]);
    const [entry, ...others] = entriesOf("kept");
    expect(others).toEqual([]);
    const library = join(folder, "kept", "fwp", "native", entry!, "kernels.so");
    const made = statSync(library).mtimeMs;
    expect(run(2, env, 1)).toEqual([2]);
    expect(statSync(library).mtimeMs).toBe(made);
    expect(run(3, env)).toEqual([3, 6, 9]);
    expect(run(2, { ...env, FWP_CFLAGS: "-O1" })).toEqual([2, 4, 6]);
    expect(entriesOf("kept")).toHaveLength(3);
    expect(run(2, { ...env, FWP_CFLAGS: " " })).toEqual([2, 4, 6]);
  });

  test.each([
    ["a library that was cut off", "kernels.so", "ELF"],
    ["another digest", "kernels.sha256", "0".repeat(64)],
  ])("%s is made anew", (name, file, text) => {
    const env = envWith(`broken ${file}`);
    // Loaded only below: a library that is in use must not change.
    mkdirSync(join(folder, `broken ${file}`), { recursive: true });
    run(5, env);
    const [entry] = entriesOf(`broken ${file}`);
    const path = join(folder, `broken ${file}`, "fwp", "native", entry!, file);
    rmSync(path);
    writeFileSync(path, text);
    expect(run(5, env), name).toEqual([5, 10, 15]);
    expect(readFileSync(path, "latin1")).not.toBe(text);
    expect(entriesOf(`broken ${file}`)).toEqual([entry]);
  });

  test.skipIf(process.getuid === undefined)("what others can write is not taken", () => {
    const env = envWith("open");
    const place = join(folder, "open", "fwp", "native");
    mkdirSync(place, { recursive: true });
    chmodSync(place, 0o777);
    expect(run(7, { ...env, TMPDIR: join(folder, "instead") })).toEqual([7, 14, 21]);
    expect(readdirSync(place)).toEqual([]);
  });

  test("several processes make one entry", async () => {
    const home = install();
    try {
      const spec = join(home.folder, "a.fwp");
      writeFileSync(spec, "layer A { in x: [3]  out y: [3] = tanh(x) }\n");
      writeFileSync(join(home.folder, "run.mjs"), PROCESS);
      const env = envWith("many");
      const { spawn } = await import("node:child_process");
      const ended = Array.from({ length: 4 }, () => {
        const child = spawn(process.execPath, [join(home.folder, "run.mjs"), source(11)], { env });
        let out = "";
        child.stdout.on("data", (d) => (out += String(d)));
        child.stderr.on("data", (d) => (out += String(d)));
        return new Promise<string>((done) => child.on("close", () => done(out.trim())));
      });
      expect(await Promise.all(ended)).toEqual(Array.from({ length: 4 }, () => "11,22,33"));
      expect(entriesOf("many")).toHaveLength(1);
    } finally {
      home.dispose();
    }
  });
});

const PROCESS = `
import { loadNative } from "./node_modules/fwp/dist/runtime/device/native/index.js";
const manifest = ${JSON.stringify(MANIFEST)};
const made = loadNative(process.argv[2], manifest).instantiate("run", { batch: 3, time: 1, past: 0 });
made.input("input", "x").set([1, 2, 3]);
made.run();
console.log([...made.output("output", "y")].join());
`;

/** A layer as `fwp run --device …` loads it. */
function load(choice: ReturnType<typeof chooseDevice>, env: NodeJS.ProcessEnv): string {
  const path = join(folder, "tiny.fwp");
  writeFileSync(path, "layer Tiny { in x: [2]  out y: [2] = tanh(x) }\n");
  const project = soundProject(path);
  const made = instantiateStep(project, chooseStep(project, undefined).name.text, []);
  const program = loadStep(made.step, made.values, choice, { entries: ["forward"] }, env);
  const run = program.instantiate("forward", { batch: 1, time: 1, past: 0 });
  run.input("input", "x").set([0, 1]);
  run.run();
  expect(run.output("output", "y")[1]).toBeCloseTo(Math.tanh(1), 6);
  return program.manifest.target;
}

describe("without", () => {
  const cases: [string, () => NodeJS.ProcessEnv, RegExp][] = [
    ["a compiler on the path", () => envWith("a", { PATH: "" }), /cc: not found; gcc: not found/],
    [
      "a compiler that works",
      () => envWith("b", { CC: "/bin/false" }),
      /\$CC = \/bin\/false: exit/,
    ],
    ["a compiler of C", () => envWith("c", { CC: "/bin/echo" }), /does not take the C of GCC/],
    [
      "a compiler that gets further than its macros",
      () => {
        const fails = 'case "$*" in *" -dM "*) echo "#define __GNUC__ 4";; *) echo "x.c: error: no" >&2; exit 4;; esac'; // prettier-ignore
        return envWith("d", { CC: script("half", fails) });
      },
      /failed \(exit code 4: x\.c: error: no\)/,
    ],
    [
      "a compiler whose code loads",
      () => {
        const empty = 'case "$*" in *" -dM "*) echo "#define __GNUC__ 4";; esac; while [ $# -gt 1 ]; do [ "$1" = -o ] && echo nothing > "$2"; shift; done'; // prettier-ignore
        return envWith("e", { CC: script("empty", empty) });
      },
      /does not load/,
    ],
    [
      "a folder for compiled code",
      () => {
        const file = join(folder, "file");
        writeFileSync(file, "");
        const cc = script("macros", 'echo "#define __GNUC__ 4"');
        return envWith("f", { CC: cc, XDG_CACHE_HOME: file, TMPDIR: file });
      },
      /no folder for compiled code can be used \(.*file.*ENOTDIR/,
    ],
  ];
  test.each(cases)("%s", (_, makeEnv, reason) => {
    const env = makeEnv();
    const support = nativeSupport(env);
    expect(support.works ? "works" : support.reason).toMatch(reason);
    const choice = chooseDevice("auto", env);
    expect(choice).toMatchObject({ device: "wasm", auto: true });
    expect(choice.why).toMatch(reason);
    expect(load(choice, env)).toBe("wasm");
    // What worked when the device was chosen may not work any more.
    const hopeful = { device: "native", auto: true, why: null } as const;
    expect(load(hopeful, env)).toBe("wasm");
    expect(() => chooseDevice("native", env)).toThrow(DiagnosticError);
    expect(() => load({ ...hopeful, auto: false }, env)).toThrow(/native.* does not work here/);
  });

  test.runIf(hasCompiler)("nothing missing, auto is native", () => {
    const env = envWith("g");
    expect(chooseDevice("auto", env)).toEqual({ device: "native", auto: true, why: null });
    expect(load(chooseDevice("auto", env), env)).toBe("native");
    expect(existsSync(join(folder, "g"))).toBe(true);
    const other = { ...env, FWP_DEVICE: "typescript" };
    expect(chooseDevice("auto", other)).toMatchObject({ device: "typescript", auto: true });
  });
});
