/** The commands on native code. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCompiler } from "../support/native.ts";
import { expectRefused, file, fwp, useFolder } from "./support.ts";

useFolder();

const MEMORY = `layer Memory(heads: int) {
  in x: [width]
  slow net {
    k: [heads, width] = linear(x)
    v: [heads, width] = linear(x)
  }
  fast net { W: [heads, width, width] = 0 }
  program { W <- 0.5 * W + outer(v, k) }
  out y: [heads, width] = W @ k
}
`;

describe.runIf(hasCompiler)("with a C compiler", () => {
  const before = process.env["FWP_CFLAGS"];
  // Quick to compile: every form is a program of its own.
  beforeAll(() => void (process.env["FWP_CFLAGS"] = "-O0"));
  afterAll(() => {
    if (before === undefined) delete process.env["FWP_CFLAGS"];
    else process.env["FWP_CFLAGS"] = before;
  });

  it("fwp verify compares every form in both precisions", async () => {
    const ended = await fwp(["verify", file("memory.fwp", MEMORY), "--device", "native", "--json"]);
    expect([ended.code, ended.err]).toEqual([0, ""]);
    const { failed, results } = JSON.parse(ended.out) as {
      failed: number;
      results: readonly { device: string; form: string; precision: string }[];
    };
    expect(failed).toBe(0);
    expect(new Set(results.map((r) => r.device))).toEqual(new Set(["native"]));
    expect(new Set(results.map((r) => r.precision))).toEqual(new Set(["f32", "f64"]));
    expect(results.map((r) => r.form)).toContain("chunk 3");
  });
});

it("says what is missing without one", async () => {
  const before = process.env["CC"];
  process.env["CC"] = "/bin/false";
  try {
    const { out } = await fwp(["doctor"]);
    expect(out).toMatch(/no +native +no C compiler works \(\$CC = \/bin\/false: exit code 1\)/);
    const spec = file("memory.fwp", MEMORY);
    expectRefused(await fwp(["verify", spec, "--device", "native"]), "fwp8022");
    expect((await fwp(["verify", spec, "--rounds", "1"])).code).toBe(0);
  } finally {
    if (before === undefined) delete process.env["CC"];
    else process.env["CC"] = before;
  }
});
