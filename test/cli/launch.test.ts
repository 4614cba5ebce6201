/** `fwp` as it is installed: one file, and what V8 made of it, kept for the next time. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, root, type Installed } from "../support/installed.ts";

const TEXT = "layer A(n = 64) { in x: [n]  out y: [n] = tanh(linear(x)) }\n";
let home: Installed;
let spec: string;
let caches: string;

beforeAll(() => {
  home = install();
  spec = join(home.folder, "a.fwp");
  writeFileSync(spec, TEXT);
  caches = mkdtempSync(join(tmpdir(), "fwp-code-test-"));
}, 120_000);
afterAll(() => {
  home.dispose();
  rmSync(caches, { recursive: true, force: true });
});

function run(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [home.cli, ...args], {
    cwd: home.folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...env },
  });
  return { status, stdout, stderr };
}
const CHECKED = { status: 0, stdout: "1 file checked: no problems\n", stderr: "" };
const kept = (cache: string): string[] => readdirSync(join(cache, "fwp", "code"));

describe("code that is kept", () => {
  test("each command has its own, written when it has run and then read", () => {
    const cache = join(caches, "each");
    const env = { XDG_CACHE_HOME: cache };
    // Help says little of what a command does.
    expect(run(env, "check", "--help").status).toBe(0);
    expect(kept(cache)).toEqual([]);
    expect(run(env, "check", spec)).toEqual(CHECKED);
    const [first] = kept(cache);
    const path = join(cache, "fwp", "code", first!);
    const before = readFileSync(path);
    expect(run(env, "check", spec)).toEqual(CHECKED);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(run(env, "params", spec).status).toBe(0);
    expect(kept(cache)).toHaveLength(2);
  });

  test("what is broken is made anew, and what failed keeps nothing", () => {
    const cache = join(caches, "broken");
    const env = { XDG_CACHE_HOME: cache };
    expect(run(env, "check", join(home.folder, "none.fwp")).status).toBe(1);
    expect(kept(cache)).toHaveLength(0);
    run(env, "check", spec);
    const path = join(cache, "fwp", "code", kept(cache)[0]!);
    const whole = readFileSync(path);
    for (const broken of [whole.subarray(0, 10), whole.map((x, i) => (i === 1000 ? x ^ 1 : x))]) {
      writeFileSync(path, broken);
      expect(run(env, "check", spec)).toEqual(CHECKED);
      expect(readFileSync(path).length).toBeGreaterThan(broken.length / 2);
      expect(readFileSync(path).equals(broken)).toBe(false);
    }
  });

  test("where none is wanted, and where nobody but the user may write, there is none", () => {
    const cache = join(caches, "none");
    expect(run({ XDG_CACHE_HOME: cache, NODE_DISABLE_COMPILE_CACHE: "1" }, "check", spec)).toEqual(CHECKED); // prettier-ignore
    expect(() => kept(cache)).toThrow();
    const open = mkdtempSync(join(caches, "open-"));
    const env = { XDG_CACHE_HOME: open, TMPDIR: "/proc" };
    run(env, "check", spec);
    for (const name of kept(open)) rmSync(join(open, "fwp", "code", name));
    chmodSync(join(open, "fwp", "code"), 0o777);
    expect(run(env, "check", spec)).toEqual(CHECKED);
    expect(kept(open)).toEqual([]);
    expect(run({ XDG_CACHE_HOME: "/proc", TMPDIR: "/proc" }, "check", spec)).toEqual(CHECKED);
  });
});

test("a package is the same whether a thread works beside or not", () => {
  const whole = (folder: string) =>
    readdirSync(join(home.folder, folder)).map((f) => [f, readFileSync(join(home.folder, folder, f)).toString("base64")]); // prettier-ignore
  const args = (folder: string) => [home.cli, "build", spec, "-o", folder];
  const options = { cwd: home.folder, env: { ...process.env, XDG_CACHE_HOME: caches } };
  const beside = spawnSync(process.execPath, args("beside"), { ...options, encoding: "utf8" });
  // Engines complain about flags that they do not know, and go on.
  expect([beside.status, beside.stderr]).toEqual([0, ""]);
  // On one processor there is nobody to work beside.
  const alone = spawnSync("taskset", ["-c", "0", process.execPath, ...args("alone")], options);
  expect(alone.status).toBe(0);
  expect(whole("alone")).toEqual(whole("beside"));
});

test("a build keeps the code of both threads, and finds it again under the flags of the day", () => {
  const cache = join(caches, "build");
  // What V8 refuses is written again, as another file.
  const codes = () => {
    const folder = join(cache, "fwp", "code");
    return readdirSync(folder).map((name) => [name, statSync(join(folder, name)).ino]);
  };
  const build = () => run({ XDG_CACHE_HOME: cache }, "build", spec, "-o", "kept").status;
  expect(build()).toBe(0);
  const first = codes();
  expect(first).toHaveLength(2);
  expect(build()).toBe(0);
  expect(codes()).toEqual(first);
});

test("a build that is refused ends, and leaves no thread to wait for", () => {
  const bad = join(home.folder, "bad.fwp");
  writeFileSync(bad, TEXT.replace("tanh", "tanhh"));
  const options = { cwd: home.folder, encoding: "utf8", timeout: 60_000 } as const;
  const build = (...args: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [home.cli, "build", ...args], options);
    return [status, /fwp\d+|--output/u.exec(stderr)?.[0]];
  };
  expect(build(bad, "-o", "bad")).toEqual([1, expect.stringMatching(/^fwp/u)]);
  expect(build(spec)).toEqual([2, "--output"]);
  expect(build("--help")[0]).toBe(0);
});

test("what a command loads while it runs is found with kept code as without", () => {
  const cache = join(caches, "load");
  const task = join(root, "test", "train-cli");
  for (const name of ["tiny.fwp", "tiny_task.js"]) copyFileSync(join(task, name), join(home.folder, name)); // prettier-ignore
  for (const out of ["first", "second"]) {
    const args = ["train", "tiny.fwp", "-o", out, "--set", "steps=1", "--device", "typescript"];
    const { status, stderr } = run({ XDG_CACHE_HOME: cache }, ...args);
    expect([status, stderr.includes("Warning")]).toEqual([0, false]);
  }
  expect(kept(cache)).toHaveLength(1);
});
