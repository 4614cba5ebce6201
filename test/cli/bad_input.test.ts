/** Whatever is wrong with what a command is given: a diagnostic, exit code 1 or 2, and nothing half-written. */
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { FileSystem } from "../../runtime/files/io.ts";
import { DELTA } from "./specs.ts";
import {
  expectRefused,
  file,
  fwp,
  inFolder,
  listing,
  tensors,
  useFolder,
  wave,
  type Ended,
} from "./support.ts";

useFolder();

const x = { x: wave([1, 2, 4]) };

const outOfSpace = (): Error =>
  Object.assign(new Error("no space left on device"), { code: "ENOSPC" });

/** A disk that has no room left after `room` bytes. */
function fullDisk(room: number): FileSystem {
  let written = 0;
  const writeSync = (fd: number, data: Uint8Array, from: number, length: number): number => {
    const fits = Math.min(length, room - written);
    if (fits <= 0) throw outOfSpace();
    written += fits;
    return fs.writeSync(fd, data, from, fits);
  };
  return { ...fs, writeSync: writeSync as FileSystem["writeSync"] };
}

const runWith = (spec: string, input: string, ...options: string[]): Promise<Ended> =>
  fwp(["run", spec, "--input", input, "--output", inFolder("out.safetensors"), ...options]);

describe("a spec", () => {
  const readers: readonly (readonly string[])[] = [
    ["check"],
    ["fmt"],
    ["explain"],
    ["params"],
    ["run", "--input", "none", "--output", "none"],
  ];

  it.each(readers)("that does not exist: fwp %s", async (name, ...rest) => {
    expectRefused(await fwp([name!, inFolder("none.fwp"), ...rest]), "fwp6001");
  });

  it.each(readers)("that is a folder: fwp %s", async (name, ...rest) => {
    expectRefused(await fwp([name!, inFolder("."), ...rest]), "fwp6002");
  });

  it.each(readers)("of 50 MB: fwp %s", async (name, ...rest) => {
    const path = file("big.fwp", new Uint8Array(50 * 2 ** 20).fill(0x20));
    expectRefused(await fwp([name!, path, ...rest]), "fwp6006");
  });

  it.each(readers)("that is not UTF-8: fwp %s", async (name, ...rest) => {
    const path = file("latin.fwp", Uint8Array.of(0x2f, 0x2f, 0x20, 0xff, 0x0a));
    const ended = await fwp([name!, path, ...rest]);
    expectRefused(ended, "fwp6007");
    expect(ended.err).toContain("byte 3 does not belong to a character");
  });

  it("that imports itself in a circle", async () => {
    const a = file("a.fwp", 'import "./b.fwp"\n');
    file("b.fwp", 'import "./sub/c.fwp"\n');
    file("sub/c.fwp", 'import "../a.fwp"\n');
    const ended = await fwp(["check", a]);
    expectRefused(ended, "fwp2002");
    expect(ended.err).toMatch(/a\.fwp → .*b\.fwp → .*c\.fwp → .*a\.fwp/);
  });

  it("whose import is missing, a folder or not UTF-8", async () => {
    file("latin.fwp", Uint8Array.of(0xff));
    fs.mkdirSync(inFolder("sub.fwp"));
    const path = file("a.fwp", 'import "./none.fwp"\nimport "./latin.fwp"\nimport "./sub.fwp"\n');
    expectRefused(await fwp(["check", path]), "fwp2001", "fwp2001", "fwp2001");
  });

  it("that is empty, or binary", async () => {
    expect((await fwp(["check", file("empty.fwp", "")])).code).toBe(0);
    const ended = await fwp(["check", file("zeros.fwp", new Uint8Array(300))]);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain("[fwp1");
  });

  it("nested a thousand deep", async () => {
    const path = file("deep.fwp", `map m(x: [..]) { ${"(".repeat(1000)}x${")".repeat(1000)} }`);
    const ended = await fwp(["check", path]);
    expect(ended.err).not.toMatch(/internal error|RangeError/);
    expect([0, 1]).toContain(ended.code);
  });
});

const header = (json: string, data = 0): Uint8Array => {
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
};

describe("a file of tensors", () => {
  const lying = (length: bigint): Uint8Array => {
    const bytes = header("{}");
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };

  it.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "fwp6020"],
    ["shorter than its header's length", Uint8Array.of(1, 2, 3), "fwp6020"],
    ["with a header longer than the file", lying(500n), "fwp6020"],
    ["with a header of exabytes", lying(2n ** 63n), "fwp6022"],
    ["with a header that is not JSON", header("{{{"), "fwp6021"],
    [
      "with less data than it says",
      header('{"x":{"dtype":"F32","shape":[1,2,4],"data_offsets":[0,32]}}', 8),
      "fwp6020",
    ],
    [
      "with a shape that its data cannot have",
      header('{"x":{"dtype":"F32","shape":[1,2,400],"data_offsets":[0,32]}}', 32),
      "fwp6025",
    ],
    [
      "with tensors that overlap",
      header(
        '{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
        12,
      ),
      "fwp6025",
    ],
    [
      "with a negative size",
      header('{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4),
      "fwp6021",
    ],
    [
      "of unknown elements",
      header('{"x":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}', 8),
      "fwp6024",
    ],
  ])("%s", async (_, bytes, code) => {
    const spec = file("spec.fwp", DELTA);
    const damaged = file("damaged.safetensors", bytes);
    expectRefused(await runWith(spec, damaged), code);
    expectRefused(await runWith(spec, tensors("in.safetensors", x), "--params", damaged), code);
    expect(listing()).not.toContain("out.safetensors");
  });

  it("cut off anywhere", async () => {
    const spec = file("spec.fwp", DELTA);
    const whole = fs.readFileSync(tensors("in.safetensors", x));
    for (let length = 0; length < whole.length; length += 7) {
      const ended = await runWith(spec, file("cut.safetensors", whole.subarray(0, length)));
      expect(ended.code).toBe(1);
      expect(ended.err).toMatch(/^error\[fwp602\d\]/);
    }
  });

  it("with weights that are NaN", async () => {
    const spec = file(
      "spec.fwp",
      "layer L() {\n in x: [n]\n out y: [1] = linear(x, bias: false)\n}\n",
    );
    const weights = { "y.weight": { shape: [1, 2], data: Float32Array.of(0, Number.NaN) } };
    const input = tensors("in.safetensors", { x: wave([1, 1, 2]) });
    const ended = await runWith(spec, input, "--params", tensors("nan.safetensors", weights));
    expectRefused(ended, "fwp8035");
    expect(ended.err).toContain("`y.weight` holds NaN at position 1");
  });
});

const attempt = (...settings: string[]): Promise<Ended> =>
  runWith(
    file("spec.fwp", DELTA),
    tensors("in.safetensors", x),
    ...settings.flatMap((s) => ["--set", s]),
  );

describe("a setting", () => {
  it.each<[string, string, string[]]>([
    ["that nothing takes", "hats=2", ["fwp2307"]],
    ["inside what is no layer", "heads.key=2", ["fwp2307"]],
    ["without a value", "heads", ["fwp8010"]],
    ["of nothing", "=2", ["fwp8010"]],
    ["with an unknown name", "phi=elu7", ["fwp2101"]],
    ["that is cut off", "phi=dpfp(", ["fwp1009"]],
  ])("%s", async (_, setting, expected) => {
    expectRefused(await attempt(setting), ...expected);
    expect(listing()).not.toContain("out.safetensors");
  });

  it("is shown where it stands on the command line", async () => {
    const { err } = await attempt("heads=2", "phi=elu7");
    expect(err).toMatch(/--> --set:\d+:5\n/);
    expect(err).toContain("phi=elu7");
  });

  it("of the wrong kind", async () => {
    for (const setting of ["heads=0.5", "heads=-1", "heads=true", "phi=3", "rule=elu1"]) {
      const ended = await attempt(setting);
      expect(ended.code, setting).toBe(1);
      expect(ended.err, setting).toMatch(/^error\[fwp2\d{3}\]/);
    }
  });
});

describe("a disk that fills", () => {
  it.each([0, 1, 40, 200])("after %i bytes: fwp run leaves nothing", async (room) => {
    const spec = file("spec.fwp", DELTA);
    const input = tensors("in.safetensors", x);
    const output = inFolder("out.safetensors");
    const before = listing();
    const args = ["run", spec, "--input", input, "--output", output];
    expectRefused(await fwp(args, { io: fullDisk(room) }), "fwp6004");
    expect(listing()).toEqual(before);
  });

  it("fwp run keeps the file that was there", async () => {
    const args = ["run", file("spec.fwp", DELTA), "--input", tensors("in.safetensors", x)];
    const output = file("out.safetensors", "the old one");
    expectRefused(await fwp([...args, "--output", output], { io: fullDisk(100) }), "fwp6004");
    expect(fs.readFileSync(output, "utf8")).toBe("the old one");
  });

  it("fwp fmt keeps the file as it was", async () => {
    const untidy = `${DELTA}\n\n\n\nmap  f( x:[..] ){x}`;
    const spec = file("spec.fwp", untidy);
    expectRefused(await fwp(["fmt", spec], { io: fullDisk(50) }), "fwp6004");
    expect(fs.readFileSync(spec, "utf8")).toBe(untidy);
    expect(listing()).toEqual(["spec.fwp"]);
  });

  it.each([0, 300, 2500])("after %i bytes: fwp new leaves no folder", async (room) => {
    expectRefused(await fwp(["new", inFolder("project")], { io: fullDisk(room) }), "fwp6004");
    expectRefused(await fwp(["new", inFolder("a/b/project")], { io: fullDisk(room) }), "fwp6004");
    expect(listing()).toEqual([]);
  });

  it.runIf(fs.existsSync("/dev/full"))("a device that is always full", async () => {
    // By a link: if it were replaced, the device would not be.
    const output = inFolder("out.safetensors");
    fs.symlinkSync("/dev/full", output);
    const input = tensors("in.safetensors", x);
    const ended = await fwp(["run", file("s.fwp", DELTA), "--input", input, "--output", output]);
    expectRefused(ended, "fwp6004");
    expect(fs.readlinkSync(output)).toBe("/dev/full");
  });
});

describe("a place to write", () => {
  it("in no folder, or a folder itself", async () => {
    const args = ["run", file("spec.fwp", DELTA), "--input", tensors("in.safetensors", x)];
    expectRefused(await fwp([...args, "--output", inFolder("no/out")]), "fwp6010");
    expectRefused(await fwp([...args, "--output", inFolder(".")]), "fwp6002");
  });

  it("for a project: a folder that holds something, a file, a file on the way", async () => {
    file("full/note.txt", "mine");
    expectRefused(await fwp(["new", inFolder("full")]), "fwp8040");
    expectRefused(await fwp(["new", join(inFolder("full"), "note.txt")]), "fwp6008");
    expectRefused(await fwp(["new", join(inFolder("full"), "note.txt", "p")]), "fwp6008");
    expect(fs.readdirSync(inFolder("full"))).toEqual(["note.txt"]);
  });
});

describe("a command line", () => {
  it.each<readonly string[]>([
    [],
    ["frobnicate"],
    ["check"],
    ["check", "--frob", "x.fwp"],
    ["run", "x.fwp"],
    ["run", "x.fwp", "--input", "i"],
    ["fmt", "-", "x.fwp"],
    ["new"],
    ["doctor", "extra"],
    ["--frob"],
  ])("that is wrong: %s %s %s", async (...args) => {
    const ended = await fwp(args.filter((a) => a !== undefined));
    expect(ended.code).toBe(2);
    expect(ended.err).toMatch(/error: |Usage: /);
    expect(ended.out).toBe("");
  });
});
