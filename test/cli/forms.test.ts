/** `--form`, `--chunk` and `schedule`, from the command line. */
import fs from "node:fs";
import { describe, expect, it } from "vitest";
import type { Choice } from "../../compiler/choose/index.ts";
import { DELTA } from "./specs.ts";
import { expectRefused, file, fwp, inFolder, useFolder } from "./support.ts";

useFolder();

const scheduled = (form: string): string =>
  DELTA.replace("  program {", `  schedule { W: ${form} }\n  program {`);

interface Explained {
  readonly explained: readonly {
    readonly recurrences: readonly {
      readonly forms: Readonly<Record<"training" | "prefill" | "streaming", Choice>>;
    }[];
  }[];
}

async function formsOf(spec: string, ...flags: string[]) {
  const { out, err } = await fwp(["explain", file("a.fwp", spec), "--json", ...flags]);
  expect(err).toBe("");
  return (JSON.parse(out) as Explained).explained[0]!.recurrences[0]!.forms;
}

describe("fwp explain", () => {
  it("gives the choice for every use with the estimates of all candidates", async () => {
    const { training, prefill, streaming } = await formsOf(DELTA);
    for (const choice of [training, prefill]) {
      expect(choice).toMatchObject({
        states: ["W"],
        by: "cost",
        alternative: "chunk",
        obstacle: null,
      });
      const [loop, ...chunks] = choice.candidates;
      expect(loop!.form).toBe("sequential");
      expect(chunks.length).toBeGreaterThan(1);
      expect(chunks.map((c) => [c.form, c.length])).toEqual(chunks.map((_, i) => ["chunk", 8 * 2 ** i])); // prettier-ignore
      for (const { cost, milliseconds } of choice.candidates) {
        expect(milliseconds).toBeGreaterThan(0);
        expect(cost.flops).toBeGreaterThan(0);
        expect(cost.depth).toBeGreaterThan(0);
      }
    }
    expect(training.candidates[0]!.cost.flops).toBeGreaterThan(
      prefill.candidates[0]!.cost.flops / 2,
    );
    expect(streaming).toMatchObject({ form: "step", length: null });
  });

  it("takes what the spec schedules, and before it what a flag asks for", async () => {
    const spec = scheduled("chunk(24)");
    expect((await formsOf(spec)).training).toMatchObject({
      form: "chunk",
      length: 24,
      by: "schedule",
    });
    const flagged = await formsOf(spec, "--form", "chunk", "--chunk", "8");
    expect(flagged.prefill).toMatchObject({ form: "chunk", length: 8, by: "flag" });
    expect(flagged.streaming.form).toBe("step");
    const text = (await fwp(["explain", file("b.fwp", spec)])).out;
    expect(text).toMatch(/training \(.*\): chunks of 24, because the spec schedules it/);
    expect(text).toMatch(/streaming: step/);
  });
});

describe("a form that the state lacks", () => {
  it("is refused in a spec, with its place", async () => {
    const spec = scheduled("scan(4)");
    const path = file("a.fwp", spec);
    const build = ["build", path, "-o", inFolder("p"), "--set", "width=4"];
    for (const command of [["explain", path], build]) {
      const ended = await fwp(command);
      expectRefused(ended, "fwp4601");
      expect(ended.err).toContain("a.fwp:");
    }
    expectRefused(await fwp(["check", path]), "fwp4501", "fwp4601");
    expect(fs.existsSync(inFolder("p"))).toBe(false);
  });

  it("is refused on the command line", async () => {
    const path = file("a.fwp", DELTA);
    expectRefused(await fwp(["explain", path, "--form", "scan"]), "fwp4601");
    for (const flags of [
      ["--form", "chunks"],
      ["--chunk", "1.5"],
      ["--form", "sequential", "--chunk", "4"],
    ]) {
      expect((await fwp(["explain", path, ...flags])).code, flags.join(" ")).toBe(2);
    }
  });
});

describe("fwp build", () => {
  it("records the forms in program.json and tells them in the README", async () => {
    const folder = inFolder("p");
    const spec = file("a.fwp", scheduled("chunk(12)"));
    const ended = await fwp(["build", spec, "-o", folder, "--set", "width=4"]);
    expect(ended.code, ended.err).toBe(0);
    const { forms } = JSON.parse(fs.readFileSync(`${folder}/program.json`, "utf8")) as {
      forms: unknown;
    };
    expect(forms).toEqual([
      { entry: "forward", states: ["W"], form: "chunk", length: 12 },
      { entry: "step", states: ["W"], form: "step", length: null },
    ]);
    expect(fs.readFileSync(`${folder}/README.md`, "utf8")).toContain("`chunk(12)`");
  });
});
