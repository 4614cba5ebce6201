import fs, {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type FileSystem, readTextFile, writeFileAtomic } from "../../runtime/files/io.ts";
import { codesFrom, diagnosticsFrom, temporaryFolder } from "./helpers.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

function failing(call: keyof FileSystem, code: string): FileSystem {
  const fail = () => {
    throw Object.assign(new Error(code), { code });
  };
  return { ...fs, [call]: fail };
}

describe("reading text", () => {
  test("a byte order mark is not part of the text", () => {
    writeFileSync(at("bom.txt"), "\u{feff}φ");
    expect(readTextFile(at("bom.txt"))).toBe("φ");
  });

  test("says what is wrong with a file", async () => {
    mkdirSync(at("a-folder"));
    writeFileSync(at("large"), "x".repeat(11));
    writeFileSync(at("plain"), "x");
    expect(await codesFrom(() => readTextFile(at("nowhere")))).toEqual(["fwp6001"]);
    expect(await codesFrom(() => readTextFile(at("a-folder")))).toEqual(["fwp6002"]);
    expect(await codesFrom(() => readTextFile(at("large"), { maxBytes: 10 }))).toEqual(["fwp6006"]);
    expect(await codesFrom(() => readTextFile(at("plain/below")))).toEqual(["fwp6008"]);
  });

  test.each([
    ["a lone continuation byte", [0x61, 0x62, 0x80, 0x63], 2],
    ["a character cut off by the end", [0x61, 0xe2, 0x82], 2],
    ["an overlong form", [0xc0, 0xaf], 0],
  ])("names the byte that is not UTF-8: %s", async (name, bytes, offset) => {
    const path = at(`bad ${name}`);
    writeFileSync(path, Uint8Array.from(bytes));
    const [found] = await diagnosticsFrom(() => readTextFile(path));
    expect(found!.code).toBe("fwp6007");
    expect(found!.message).toContain(`byte ${offset} `);
  });
});

describe("writing", () => {
  test("replaces a file as a whole", () => {
    writeFileAtomic(at("new"), "one");
    writeFileAtomic(at("new"), [Uint8Array.of(0x74), Uint8Array.of(0x77, 0x6f)]);
    expect(readFileSync(at("new"), "utf8")).toBe("two");
  });

  test.each([
    ["writeSync", "ENOSPC", "fwp6004"],
    ["fsyncSync", "EIO", "fwp6005"],
    ["renameSync", "EACCES", "fwp6003"],
    ["openSync", "EROFS", "fwp6003"],
  ] as const)(
    "a failure of %s (%s) leaves the old file and nothing else",
    async (call, code, expected) => {
      const own = at(`failing-${call}`);
      mkdirSync(own);
      writeFileAtomic(join(own, "kept"), "old");
      const write = () => writeFileAtomic(join(own, "kept"), "new", failing(call, code));
      expect(await codesFrom(write)).toEqual([expected]);
      expect(readFileSync(join(own, "kept"), "utf8")).toBe("old");
      expect(readdirSync(own)).toEqual(["kept"]);
    },
  );

  test("a full device is reported by the system itself", async () => {
    if (!existsSync("/dev/full")) return;
    const full = { ...fs, openSync: () => fs.openSync("/dev/full", "w") } as FileSystem;
    expect(await codesFrom(() => writeFileAtomic(at("f"), "text", full))).toEqual(["fwp6004"]);
    expect(existsSync(at("f"))).toBe(false);
  });

  test("needs a folder that is there, and no folder in the way", async () => {
    mkdirSync(at("in-the-way"));
    symlinkSync(at("in-the-way"), at("link"));
    expect(await codesFrom(() => writeFileAtomic(at("missing/file"), ""))).toEqual(["fwp6010"]);
    expect(await codesFrom(() => writeFileAtomic(at("in-the-way"), ""))).toEqual(["fwp6002"]);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
