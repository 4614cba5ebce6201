/** Where there is no C compiler, or no koffi: everything works, and `fwp doctor` says what is missing. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, root, type Installed } from "../support/installed.ts";

let home: Installed;
/** A folder with nothing but `node` in it. */
let bin = "";
/** Preloaded, it keeps koffi from being found. */
let blocker = "";

beforeAll(() => {
  home = install();
  bin = join(home.folder, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, "node"));
  blocker = join(home.folder, "blocker.cjs");
  writeFileSync(
    blocker,
    `const Module = require("node:module");
const resolve = Module._resolveFilename;
Module._resolveFilename = function (name, ...rest) {
  if (name !== "koffi") return resolve.call(this, name, ...rest);
  throw Object.assign(new Error("Cannot find module 'koffi'"), { code: "MODULE_NOT_FOUND" });
};
`,
  );
  for (const file of ["tiny.fwp", "tiny_task.js"]) {
    copyFileSync(join(root, "test", "train-cli", file), join(home.folder, file));
  }
}, 120_000);
afterAll(() => home.dispose());

interface Lack {
  readonly name: string;
  readonly compiler: boolean;
  readonly koffi: boolean;
  /** What `fwp doctor` says of native code. */
  readonly reason: RegExp;
}

const LACKS: readonly Lack[] = [
  { name: "a C compiler", compiler: false, koffi: true, reason: /no +native +no C compiler works \(cc: not found/ }, // prettier-ignore
  { name: "koffi", compiler: true, koffi: false, reason: /no +native +(the package koffi does not load|no C compiler works)/ }, // prettier-ignore
];

describe.each(LACKS)("without $name", ({ name, compiler, koffi, reason }) => {
  const folder = () => join(home.folder, name.replaceAll(" ", "_"));
  const env = (): NodeJS.ProcessEnv => ({
    PATH: compiler ? process.env["PATH"] : bin,
    HOME: home.folder,
    ...(koffi ? {} : { NODE_OPTIONS: `--require ${blocker}` }),
  });
  const node = (...args: readonly string[]): string =>
    execFileSync(process.execPath, args, {
      cwd: home.folder,
      encoding: "utf8",
      env: env(),
      stdio: ["ignore", "pipe", "pipe"],
    });
  const fwp = (...args: readonly string[]): string => node(home.cli, ...args);

  test("fwp doctor says so", () => {
    const text = fwp("doctor");
    expect(text).toMatch(reason);
    expect(text).toMatch(/yes +typescript/);
    expect(text).toMatch(koffi ? /yes +koffi/ : /no +koffi +not installed/);
    expect(text).toMatch(/--device auto takes (?:wasm|typescript)/);
  });

  test("specs are trained, measured, verified, built and used", { timeout: 300_000 }, () => {
    const run = join(folder(), "run");
    const trained = JSON.parse(fwp("train", "tiny.fwp", "-o", run, "--set", "steps=30", "--json")) as { target: string; status: string }; // prettier-ignore
    expect(trained.status).toBe("finished");
    expect(trained.target).toMatch(/^(?:wasm|typescript)$/);
    expect(fwp("eval", run)).toMatch(/^step 30 {2}loss /);
    expect(fwp("verify", "tiny.fwp", "--of", "Tiny", "--quick")).toContain("no failures");
    expect(fwp("profile", "tiny.fwp")).toMatch(/^tiny: train on (?:wasm|typescript)/);
    const built = join(folder(), "package");
    fwp("build", "--checkpoint", run, "-o", built);
    const use = `const { Tiny } = await import(${JSON.stringify(join(built, "index.js"))});
const { outputs } = Tiny.create().run({ token: [1, 2, 3] }, { batch: 1, time: 3 });
console.log(outputs.logits.length, outputs.logits.every(Number.isFinite));`;
    expect(node("--input-type=module", "--eval", use)).toBe("15 true\n");
  });

  test("native code is refused with the reason where it is asked for", () => {
    expect(() => fwp("train", "tiny.fwp", "-o", join(folder(), "no"), "--device", "native")).toThrow(/fwp8022/); // prettier-ignore
  });
});
