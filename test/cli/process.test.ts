/** The command as npm installs it: compiled JavaScript in a process of its own. */
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { specsFolder } from "../../cli/install.ts";
import { DELTA } from "./specs.ts";
import { file, fwp, inFolder, readTensors, tensors, useFolder, wave } from "./support.ts";

useFolder();

// Inside the package, so that its specs and dependencies are found as from dist/.
const built = resolve("node_modules/.cache/fwp-test");
const script = `${built}/cli/main.js`;

beforeAll(() => {
  fs.rmSync(built, { recursive: true, force: true });
  const compiler = resolve("node_modules/typescript/bin/tsc");
  const options = ["-p", "tsconfig.build.json", "--outDir", built];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...options]);
  expect(status, String(stdout)).toBe(0);
  return () => fs.rmSync(built, { recursive: true, force: true });
}, 120_000);

const node = (...args: readonly string[]) => nodeWith({}, ...args);
const nodeWith = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
  spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...env },
  });

describe("the compiled command", () => {
  it("runs through a link, as npm makes one", () => {
    const link = inFolder("fwp");
    fs.symlinkSync(script, link);
    const { status, stdout, stderr } = node(link, "check", file("a.fwp", "import std.maps\n"));
    expect([status, stdout, stderr]).toEqual([0, "1 file checked: no problems\n", ""]);
  });

  it("ends with 0, 1 or 2", () => {
    const codes = [["doctor"], ["check", inFolder("none.fwp")], ["check"]].map(
      (args) => node(script, ...args).status,
    );
    expect(codes).toEqual([0, 1, 2]);
  });

  it("runs a layer", () => {
    const input = tensors("in.safetensors", { x: wave([1, 3, 4]) });
    const output = inFolder("out.safetensors");
    const args = ["run", file("a.fwp", DELTA), "--input", input, "--output", output];
    expect(node(script, ...args)).toMatchObject({ status: 0, stderr: "" });
    expect([...readTensors(output).keys()]).toEqual(["state.W", "y"]);
  });

  it("is silent when nobody reads what it prints", async () => {
    const child = spawn(process.execPath, [script, "explain", `${specsFolder()}/associative.fwp`]);
    child.stdout.destroy();
    let err = "";
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    const code = await new Promise((done) => child.on("close", done));
    expect([code, err]).toEqual([0, ""]);
  });

  it("draws the same weights in a thread as without one", async () => {
    const spec = "model Wide { in t: token[2048]\n out y: [512] = embed(t, 512) }\n";
    const [beside, here] = [inFolder("beside"), inFolder("here")];
    const args = (folder: string) => ["build", file("wide.fwp", spec), "-o", folder];
    expect(node(script, ...args(beside))).toMatchObject({ status: 0, stderr: "" });
    // From the sources there is no script for a thread.
    expect(await fwp(args(here))).toMatchObject({ code: 0, err: "" });
    for (const name of fs.readdirSync(here)) {
      const [a, b] = [beside, here].map((folder) => fs.readFileSync(`${folder}/${name}`));
      expect(a!.equals(b!), name).toBe(true);
    }
  });

  describe("verify in several processes", () => {
    const flags = ["--quick", "--device", "typescript"];

    it("finds the same, in the same order", () => {
      const files = [file("a.fwp", DELTA), file("b.fwp", DELTA.replace("sigmoid", "tanh"))];
      const [one, two] = ["1", "2"].map((jobs) =>
        node(script, "verify", ...files, ...flags, "--jobs", jobs),
      );
      expect([one!.status, two!.status]).toEqual([0, 0]);
      expect(one!.stdout).toContain(`${files[1]!}\n`);
      expect(two!.stdout).toBe(one!.stdout);
    });

    it("takes the end of a process for a failure, and goes on", () => {
      // Without a listener of its own: what comes before the worker listens must wait for it.
      const dies = `const { emit } = process; process.emit = function (name, message, ...rest) {
        const first = name === "message" && message?.kind === "unit" && message.unit.round === 0;
        if (first) process.kill(process.pid, "SIGKILL");
        return emit.call(this, name, message, ...rest);
      };`;
      const hook = `--import=data:text/javascript,${encodeURIComponent(dies)}`;
      const { status, stdout } = nodeWith(
        { NODE_OPTIONS: hook },
        script,
        "verify",
        file("a.fwp", DELTA),
        ...flags,
        "--jobs",
        "2",
      );
      expect(status).toBe(1);
      expect(stdout).toContain("FAIL (the process ended by SIGKILL)");
      expect(stdout).toMatch(/: 1 failure\n\d+ values compared/);
      expect(stdout).toMatch(/ sequential +typescript f64 .* ok\n/);
    });

    it("says once what is wrong", () => {
      const picky = "layer Picky() {\n  in x: [width]\n  out y: [width - 1000] = linear(x)\n}\n";
      const ended = node(script, "verify", file("picky.fwp", picky), "--jobs", "2");
      expect([ended.status, ended.stdout]).toEqual([1, ""]);
      expect(ended.stderr.match(/fwp8301/gu)).toHaveLength(1);
    });
  });
});
