/** `fwp verify`: green on right programs, red on wrong ones, and what it does with a bad command line. */
import { describe, expect, it } from "vitest";
import { instantiate } from "../../compiler/check/instantiate.ts";
import { constant } from "../../compiler/dims.ts";
import { concretize, type StepProgram } from "../../compiler/graph/index.ts";
import { verify } from "../../cli/commands/verify.ts";
import { Exit } from "../../cli/exit.ts";
import { openProject } from "../../cli/project.ts";
import { numberSetting } from "../../cli/settings.ts";
import { typescriptCandidates, type Candidates } from "../../cli/verify/candidates.ts";
import { Expectation } from "../../cli/verify/measure.ts";
import { ATTENTION, DELTA } from "./specs.ts";
import { codes, expectRefused, file, fwp, useFolder } from "./support.ts";

useFolder();

interface Result {
  readonly layer: string;
  readonly sizes: Readonly<Record<string, number>>;
  readonly form: string;
  readonly device: string;
  readonly precision: string;
  readonly forward: { readonly error: number | null; readonly value: string } | null;
  readonly gradient: { readonly error: number | null; readonly value: string } | null;
  readonly compared: number;
  readonly incomparable: readonly { time: number; values: readonly string[] | null }[];
  readonly fault: string | null;
  readonly outcome: string;
}

interface Report {
  readonly comparisons: number;
  readonly failed: number;
  readonly incomparable: number;
  readonly results: readonly Result[];
}

/** W <- c k vᵀ with a factor, on the state. */
const memory = (factor: string) => `layer Memory(heads = 2) {
  in x: [width]
  slow net {
    k: [heads, width] = linear(x)
    v: [heads, width] = linear(x)
  }
  fast net { W: [heads, width, width] = 0 }
  program { W <- ${factor} * W + outer(v, k) }
  out y: [heads, width] = W @ k
}
`;

const unused = (): never => {
  throw new Error("not used");
};

/** `fwp verify` in this process with other programs to hold against the oracle. */
async function verifyWith(
  path: string,
  candidates: Candidates,
): Promise<{ code: number; out: string }> {
  let out = "";
  const context = {
    out: (text: string) => void (out += text),
    err: unused,
    stdin: unused,
    env: {},
    terminal: false,
    io: {} as never,
  };
  const options = { set: [], seed: "1", rounds: "1", quick: true };
  try {
    await verify([path], options, context, candidates);
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    return { code: error.code, out };
  }
  return { code: 0, out };
}

/** What a run writes to standard error. */
const show = async (terminal: boolean, path: string) => {
  let err = "";
  const context = { out: () => {}, err: (text: string) => void (err += text), stdin: unused, env: {}, terminal, io: {} as never }; // prettier-ignore
  await verify([path], { set: [], seed: "1", rounds: "1", quick: true }, context);
  return err;
};

describe("fwp verify", () => {
  it("finds every form of a delta net on every device as in the oracle", async () => {
    const { code, out, err } = await fwp(["verify", file("delta.fwp", DELTA), "--quick", "--json"]);
    expect([code, err]).toEqual([0, ""]);
    const { comparisons, failed, incomparable, results } = JSON.parse(out) as Report;
    expect([failed, incomparable]).toEqual([0, 0]);
    expect(comparisons).toBe(results.length);
    const forms = ["plain", "sequential", "sequential, cut", "step", "chunk 3", "chunk 3, cut"];
    for (const form of forms) {
      for (const precision of ["f32", "f64"]) {
        const own = results.filter((r) => r.form === form && r.precision === precision);
        expect(own.length, form).toBeGreaterThanOrEqual(2);
        const bounds = precision === "f32" ? [1e-5, 1e-4] : [1e-12, 1e-10];
        for (const { forward, gradient } of own) {
          expect(forward!.error).toBeLessThan(bounds[0]!);
          expect(gradient!.error).toBeLessThan(bounds[1]!);
        }
      }
    }
    // Float32 is not float64: the errors are measured, not assumed.
    expect(results.some((r) => r.precision === "f32" && r.forward!.error! > 1e-9)).toBe(true);
    const sizes = new Set(results.map((r) => JSON.stringify(r.sizes)));
    expect(sizes.size).toBeGreaterThan(1);
  });

  it("prints a table and a summary", async () => {
    const path = file("attention.fwp", ATTENTION);
    const { code, out } = await fwp(["verify", path, "--set", "key=2", "--quick", "--rounds", "1"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^layer +sizes +form +device +forward +gradient +worst at +result\n/);
    expect(out).toMatch(/\nAttention +width=\d steps=1,2,7,19 +plain +typescript f32 .* ok\n/);
    expect(out).not.toContain("chunk");
    expect(out).toMatch(
      /\n1 layer or model, 8 comparisons with the oracle: no failures\n\d+ values compared\n$/,
    );
  });

  it("the seed says which numbers, and which sizes", async () => {
    const path = file("memory.fwp", memory("0.5"));
    const run = async (seed: string) => (await fwp(["verify", path, "--seed", seed, "--quick", "--rounds", "1"])).out; // prettier-ignore
    const first = await run("1");
    expect(await run("1")).toBe(first);
    expect(await run("2")).not.toBe(first);
  });

  it("says where a wrong program is wrong, and ends with 1", async () => {
    const path = file("memory.fwp", memory("0.5"));
    const other = file("other.fwp", memory("0.501"));
    /** The step of the other file at the same sizes: the same ports, another decay. */
    const wrong = (step: StepProgram): StepProgram => {
      const [heads, width] = step.states[0]!.shape.map((d) => constant(d)!) as [number, number];
      const settings = [numberSetting("heads", heads), numberSetting("width", width)];
      const found = instantiate(openProject(other), "Memory", settings);
      if (!("step" in found)) throw new Error(found.diagnostics.map((d) => d.message).join("\n"));
      return concretize(found.step, found.values);
    };
    const right = await verifyWith(path, typescriptCandidates);
    expect(right.code).toBe(0);
    const { code, out } = await verifyWith(path, (step) => typescriptCandidates(wrong(step)));
    expect(code).toBe(1);
    expect(out.match(/ FAIL\n/g)!.length).toBe(right.out.match(/ ok\n/g)!.length);
    expect(out).toMatch(
      /sequential +typescript f64 +\d\.\de-\d .* (?:y|state\.W), \d+ steps? +FAIL\n/,
    );
    expect(out).toMatch(/: \d+ failures\n\d+ values compared/);
  });

  it("takes a program that breaks off, or leaves something out, for a failure", async () => {
    const path = file("memory.fwp", memory("0.5"));
    const { code, out } = await verifyWith(path, (step) => {
      const [first, second] = typescriptCandidates(step);
      return [
        {
          ...first!,
          run: () => {
            throw new Error("no memory");
          },
        },
        {
          ...second!,
          run: (given) =>
            second!.run(given).map((r) => new Map([...r].filter(([name]) => name !== "d.x"))),
        },
      ];
    });
    expect(code).toBe(1);
    expect(out).toContain("FAIL (1 step: no memory)");
    expect(out).toMatch(/inf +d\.x, 1 step +FAIL\n/);
    expect(out).toContain("2 failures\n");
  });

  it("does not compare what overflows", async () => {
    const path = file("memory.fwp", memory("1e40"));
    const { code, out } = await fwp(["verify", path, "--quick", "--rounds", "1", "--json"]);
    expect(code).toBe(0);
    const { failed, incomparable, results } = JSON.parse(out) as Report;
    expect(failed).toBe(0);
    expect(incomparable).toBeGreaterThan(0);
    // With its decay held at one it does not overflow.
    const narrow = results.filter((r) => r.precision === "f32" && !r.form.includes("decay 1"));
    expect(new Set(narrow.map((r) => r.outcome))).toEqual(new Set(["not comparable"]));
    expect(narrow[0]!.forward).toBeNull();
  });

  it("draws its progress on a terminal, and wipes it; elsewhere a line for each of several", async () => {
    const path = file("memory.fwp", memory("0.5"));
    const several = file("several.fwp", `${DELTA}\n${ATTENTION}`);
    expect(await show(false, path)).toBe("");
    expect(await show(false, several)).toBe(`1/2 ${several} Delta\n2/2 ${several} Attention\n`);
    const drawn = await show(true, path);
    expect(drawn).toContain("Memory: 1 of 1, chunk 3, typescript f64");
    expect(drawn.endsWith("\r\u001B[K")).toBe(true);
  });

  it("refuses what it cannot work with", async () => {
    const path = file("two.fwp", `${DELTA}\n${ATTENTION}`);
    expectRefused(await fwp(["verify", path, "--of", "Other"]), "fwp8001");
    expectRefused(
      await fwp(["verify", file("none.fwp", "map f(x: [n]) -> [n] { x }\n")]),
      "fwp8002",
    );
    const broken = await fwp(["verify", file("broken.fwp", "layer L() { out y: [3] = z }\n")]);
    expect(broken.code).toBe(1);
    expect(codes(broken.err).length).toBeGreaterThan(0);
    for (const flags of [
      ["--rounds", "0"],
      ["--rounds", "two"],
      ["--seed", "-1"],
      ["--set", "heads=2"],
      ["--of", "Delta", path],
      ["--form", "chunk"],
    ]) {
      const ended = await fwp(["verify", path, ...flags]);
      expect(ended.code, flags.join(" ")).toBe(2);
      expect(ended.out).toBe("");
    }
  });

  it("says when no small sizes fit", async () => {
    const picky = `layer Picky() {
  in x: [width]
  out y: [width - 1000] = linear(x)
}
`;
    const ended = await fwp(["verify", file("picky.fwp", picky)]);
    expectRefused(ended, "fwp8301");
  });
});

const of = (...data: number[]) => ({ shape: [data.length], data: Float64Array.from(data) });

const fits = (x: number, precision: "f32" | "f64") => {
  const one = new Map([["y", of(x)]]);
  return new Expectation(one, [one]).fits(precision);
};

describe("the measure", () => {
  const values = new Map([
    ["y", of(1, -1)],
    ["d.x", of(100, 100)],
    ["d.q", of(0, 1e-16)],
  ]);
  const expectation = new Expectation(values, [values]);

  it("is relative, but for gradients that are nothing beside the others", () => {
    const found = new Map([...values, ["y", of(1.001, -1.001)], ["d.q", of(1e-12, 0)]] as const);
    const { worst } = expectation.compare(found, ["forward", "gradient"], "f64");
    expect(worst.get("forward")!.error).toBeCloseTo(1e-3, 12);
    expect(worst.get("forward")!.ratio).toBeGreaterThan(1);
    expect(worst.get("gradient")!.ratio).toBeLessThan(1);
  });

  const forward = (e: Expectation, found: ReadonlyMap<string, ReturnType<typeof of>>, precision: "f32" | "f64") =>
    e.compare(found, ["forward"], precision); // prettier-ignore

  it("does not compare what rounding the inputs changes anyway, and says so", () => {
    const near = new Map([...values, ["y", of(1.01, -1.01)]] as const);
    const found = new Map([...values, ["y", of(1.07, -1.07)]] as const);
    const loose = new Expectation(values, [near]);
    expect(forward(expectation, found, "f32").worst.get("forward")!.ratio).toBeGreaterThan(1);
    expect([expectation.undetermined, loose.undetermined]).toEqual([0, 1]);
    // The worst of several roundings counts.
    expect(new Expectation(values, [values, near]).undetermined).toBe(1);
    expect(forward(loose, found, "f32")).toEqual({
      worst: new Map(),
      compared: 0,
      undetermined: ["y"],
    });
    expect(forward(loose, found, "f64").worst.get("forward")!.ratio).toBeGreaterThan(1);
    // Further off than rounding explains, or as near as it should be: compared.
    const off = new Map([...values, ["y", of(1.5, -1.5)]] as const);
    expect(forward(loose, off, "f32").worst.get("forward")!.ratio).toBeGreaterThan(1);
    expect(forward(loose, values, "f32")).toMatchObject({ compared: 1, undetermined: [] });
  });

  it("rounds again before it calls a value wrong, and only then", () => {
    const near = new Map([...values, ["y", of(1.01, -1.01)]] as const);
    const found = new Map([...values, ["y", of(1.07, -1.07)]] as const);
    let asked = 0;
    const again = () => {
      asked++;
      return near;
    };
    const lazy = new Expectation(values, [values], [again, again]);
    expect(forward(lazy, values, "f32")).toMatchObject({ compared: 1, undetermined: [] });
    expect(asked).toBe(0);
    expect(forward(lazy, found, "f32")).toMatchObject({ compared: 0, undetermined: ["y"] });
    expect(asked).toBe(2);
    const off = new Map([...values, ["y", of(1.5, -1.5)]] as const);
    expect(forward(lazy, off, "f32").worst.get("forward")!.ratio).toBeGreaterThan(1);
    expect(asked).toBe(2);
  });

  it("takes NaN, another shape and a value too many for failures", () => {
    const ratio = (name: string, tensor: ReturnType<typeof of>) =>
      forward(expectation, new Map([...values, [name, tensor]] as const), "f32").worst.get("forward")!.ratio; // prettier-ignore
    expect(ratio("y", of(NaN, 1))).toBe(Infinity);
    expect(ratio("y", of(1))).toBe(Infinity);
    expect(ratio("z", of(1))).toBe(Infinity);
    expect(ratio("y", of(1, -1))).toBe(0);
  });

  it("knows what is too large to compare", () => {
    expect(expectation.fits("f32")).toBe(true);
    expect([fits(1e20, "f32"), fits(1e20, "f64"), fits(NaN, "f64")]).toEqual([false, true, false]);
  });
});
