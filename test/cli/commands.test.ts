import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { commands } from "../../cli/commands.ts";
import { specsFolder } from "../../cli/install.ts";
import { DELTA, TOKENS } from "./specs.ts";
import { codes, expectRefused, file, fwp, inFolder, useFolder } from "./support.ts";
import { hasCompiler } from "../support/native.ts";

useFolder();

const BROKEN = `layer L() {
  in x: [width]
  out y: [width] = lineer(x)
  out z: [3] = q
}
`;

const stdin = (): never => {
  throw new TypeError("out of order");
};

describe("fwp", () => {
  it("lists its commands, each with help that shows an example", async () => {
    const { out, code } = await fwp(["--help"]);
    expect(code).toBe(0);
    for (const { name, summary } of commands) {
      expect(out).toContain(summary);
      const help = await fwp([name, "--help"]);
      expect(help.code).toBe(0);
      expect(help.out).toContain(`Usage: fwp ${name}`);
      expect(help.out).toMatch(/Examples?:\s+fwp /);
      expect(help.out).toContain("Exit codes: ");
      expect((await fwp(["help", name])).out).toBe(help.out);
    }
  });

  it("prints its version", async () => {
    const { version } = JSON.parse(fs.readFileSync("package.json", "utf8")) as { version: string };
    expect(await fwp(["--version"])).toEqual({ code: 0, out: `${version}\n`, err: "" });
  });

  it("admits a fault of its own, the stack only when asked", async () => {
    const ended = await fwp(["fmt", "-"], { stdin });
    expect(ended.code).toBe(3);
    expect(ended.err).toContain("internal error: TypeError: out of order\n");
    expect(ended.err).not.toContain("    at ");
    expect((await fwp(["fmt", "-"], { stdin, env: { FWP_DEBUG: "1" } })).err).toContain("    at ");
  });
});

describe("fwp check", () => {
  it("finds nothing wrong with the specs of the package", async () => {
    const folder = specsFolder();
    const files = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
    const specs = files.filter((f) => f.endsWith(".fwp")).map((f) => `${folder}/${f}`);
    const ended = await fwp(["check", ...specs]);
    expect(ended).toEqual({
      code: 0,
      out: `${specs.length} files checked: no problems\n`,
      err: "",
    });
  });

  it("takes a folder for the specs in it, each once", async () => {
    const path = file("specs/a.fwp", TOKENS);
    file("specs/deep/b.fwp", TOKENS);
    file("specs/deep/notes.txt", "no spec");
    file("specs/.hidden/c.fwp", "no spec either");
    const [specs, deep] = [inFolder("specs"), inFolder("specs/deep")];
    expect((await fwp(["check", path, specs, deep])).out).toBe("2 files checked: no problems\n");
    expect((await fwp(["fmt", "--check", specs])).err).toBe("");
    file("empty/notes.txt", "no spec");
    expectRefused(await fwp(["check", inFolder("empty")]), "fwp6002");
  });

  it("reports every problem of every file and goes on", async () => {
    const ended = await fwp([
      "check",
      file("a.fwp", BROKEN),
      inFolder("none.fwp"),
      file("b.fwp", TOKENS),
    ]);
    expectRefused(ended, "fwp2101", "fwp2101", "fwp6001");
    expect(ended.err).toContain("  out y: [width] = lineer(x)\n");
    expect(ended.err).toContain("                   ^^^^^^\n");
    expect(ended.out).toBe("3 files checked: 3 errors, 0 warnings\n");
  });

  it("prints JSON for tools", async () => {
    const path = file("a.fwp", BROKEN);
    const { code, out, err } = await fwp(["check", path, "--json"]);
    expect([code, err]).toEqual([1, ""]);
    const found = JSON.parse(out) as { errors: number; diagnostics: unknown[] };
    expect(found.errors).toBe(2);
    expect(found.diagnostics[0]).toMatchObject({
      code: "fwp2101",
      severity: "error",
      file: path,
      start: { line: 3, column: 20 },
      end: { line: 3, column: 26 },
    });
  });

  it("checks experiments against tasks and optimisers", async () => {
    const experiment = `experiment e {
  model Words(vocab: 5)
  task flip_flop(lenth: 3)
  loss cross_entropy(logits, tokens)
  train { optimizer: adamm(rate: 1e-3) }
}
`;
    const { err } = await fwp(["check", file("e.fwp", TOKENS + experiment)]);
    expect(codes(err)).toEqual(["fwp6101", "fwp6101"]);
    expect(err).toContain("did you mean `length`?");
  });

  const WARNS = `layer L(rule: instruction = plain) {
  in x: [n]
  fast net { W: [n, n] = 0 }
  program { W <- rule(W, key: x, value: x, rate: sigmoid(linear(x))) }
  out y: [n] = W @ x
}
instruction plain(W: [m, n], key: [n], value: [m]) { W <- W + outer(value, key) }
`;
  it("lets warnings pass unless it is strict", async () => {
    const path = file("w.fwp", WARNS);
    const lenient = await fwp(["check", path]);
    expect(codes(lenient.err)).toEqual(["fwp2309"]);
    expect(lenient.code).toBe(0);
    expect((await fwp(["check", path, "--strict"])).code).toBe(1);
  });
});

describe("fwp fmt", () => {
  const UNTIDY = "map  twice( x:[..] ){2*x}  // doubled\n";
  const TIDY = "map twice(x: [..]) { 2 * x } // doubled\n";

  it("formats in place, once", async () => {
    const path = file("a.fwp", UNTIDY);
    expect((await fwp(["fmt", path])).out).toBe(`${path} formatted\n`);
    expect(fs.readFileSync(path, "utf8")).toBe(TIDY);
    expect(await fwp(["fmt", path])).toEqual({ code: 0, out: "", err: "" });
  });

  it("only says so with --check", async () => {
    const path = file("a.fwp", UNTIDY);
    expect(await fwp(["fmt", "--check", path])).toMatchObject({ code: 1, err: "" });
    expect(fs.readFileSync(path, "utf8")).toBe(UNTIDY);
    expect((await fwp(["fmt", "--check", file("b.fwp", TIDY)])).code).toBe(0);
  });

  it("formats standard input onto standard output", async () => {
    expect(await fwp(["fmt", "-"], { stdin: UNTIDY })).toEqual({ code: 0, out: TIDY, err: "" });
    expectRefused(await fwp(["fmt", "-"], { stdin: "map (" }), "fwp1007");
    expectRefused(await fwp(["fmt", "-"], { stdin: Uint8Array.of(0xff) }), "fwp6007");
  });

  it("leaves a file with errors of syntax alone and formats the others", async () => {
    const [bad, good] = [file("bad.fwp", "map f(x: [..] { x"), file("good.fwp", UNTIDY)];
    const ended = await fwp(["fmt", bad, good]);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain("[fwp1");
    expect(fs.readFileSync(bad, "utf8")).toBe("map f(x: [..] { x");
    expect(fs.readFileSync(good, "utf8")).toBe(TIDY);
  });
});

describe("fwp params", () => {
  it("lists names, shapes and first values", async () => {
    const { out } = await fwp(["params", file("a.fwp", DELTA), "--set", "width=4"]);
    expect(out).toMatchInlineSnapshot(`
      "name         shape      axes                 numbers  starts as
      k.weight     [2, 3, 4]  [heads, key, width]       24  normal(0, 0.5)
      v.weight     [2, 3, 4]  [heads, key, width]       24  normal(0, 0.5)
      v.bias       [2, 3]     [heads, key]               6  0
      rate.weight  [2, 4]     [heads, width]             8  normal(0, 0.5)
      rate.bias    [2]        [heads]                    2  0
      W            [2, 3, 3]  [heads, key, key]         18  normal(0, 0.5)
      y.weight     [4, 2, 3]  [width, heads, key]       24  normal(0, 0.40825)
      Delta: 7 parameters, 106 trained numbers
      "
    `);
  });

  it("prints JSON", async () => {
    const { out } = await fwp(["params", file("a.fwp", DELTA), "--set", "width=4", "--json"]);
    const found = JSON.parse(out) as { trained: number; parameters: { name: string }[] };
    expect(found.trained).toBe(24 + 24 + 6 + 8 + 2 + 18 + 24);
    expect(found.parameters).toContainEqual({
      name: "W",
      shape: [2, 3, 3],
      axes: "[heads, key, key]",
      count: 18,
      initializer: { kind: "normal", mean: 0, deviation: 0.5 },
      trained: true,
    });
  });

  it("asks for widths", async () => {
    const ended = await fwp(["params", file("a.fwp", DELTA)]);
    expectRefused(ended, "fwp2306");
    expect(ended.err).toContain("--set width=");
  });
});

describe("fwp explain", () => {
  it("says what is hoisted, what loops, what it costs", async () => {
    // Estimates change when the target is measured anew; what is asked for does not.
    const asked = ["--set", "width=8", "--form", "chunk", "--chunk", "16"];
    const { out } = await fwp(["explain", file("a.fwp", DELTA), ...asked]);
    expect(out).toMatchInlineSnapshot(`
      "layer Delta(heads = 2, key = 3, rule: instruction = delta, phi: map = elu1)
        A small delta net.
        inputs
          x  [width]  [8]
        outputs
          y  [width]  [8]
        parameters: 186 numbers in 7 tensors
          k.weight     [heads, key, width]  [2, 3, 8]  48
          v.weight     [heads, key, width]  [2, 3, 8]  48
          v.bias       [heads, key]         [2, 3]      6
          rate.weight  [heads, width]       [2, 8]     16
          rate.bias    [heads]              [2]         2
          W            [heads, key, key]    [2, 3, 3]  18
          y.weight     [width, heads, key]  [8, 2, 3]  48
        states: 18 numbers per sequence
          W  [heads, key, key]  [2, 3, 3]  18  starts as the parameter W
        order of computation: 1 loop over time
          1. for all steps at once: k, v, rate; 264 operations per token
          2. loop over time: states W; computed in it: y; 132 operations per token
          3. for all steps at once: y; 96 operations per token
        recurrences
          W: delta; one read of the old state is written back at the key that was read; time can be run in
          chunks
            W <- W + rate * outer(v - W @ key, key)
            W_t = W_{t−1} B + C,  A = I,  B = I − rate key keyᵀ,  C = rate v keyᵀ
            where
              key  = phi(k)
            training (batch 8, 512 steps): chunks of 16, because the command line asks for it
            prefill (batch 1, 2048 steps): chunks of 16, because the command line asks for it
            streaming: step, because steps come one at a time
        cost per token: 492 operations, 72 B of state read, 72 B written
      "
    `);
  });

  it("counts by the definition", async () => {
    // One product of a matrix with a vector: n * m multiplications, n * (m - 1) additions and one bias each.
    const spec = "layer L() {\n in x: [m]\n out y: [n] = linear(x)\n}\n";
    const args = ["explain", file("a.fwp", spec), "--set", "m=5", "--set", "n=7", "--json"];
    const { explained } = JSON.parse((await fwp(args)).out) as {
      explained: { operations: number; parameterNumbers: number; stages: { kind: string }[] }[];
    };
    expect(explained[0]).toMatchObject({
      operations: 2 * 5 * 7 + 7,
      parameterNumbers: 5 * 7 + 7,
      traffic: { read: 0, written: 0 },
    });
    expect(explained[0]!.stages.map((s) => s.kind)).toEqual(["once"]);
  });

  it("lists dropped arguments and assumed widths", async () => {
    const args = ["explain", file("a.fwp", DELTA), "--set", "rule=additive"];
    const { out } = await fwp(args);
    expect(out).toContain("dropped: rule is additive here, which takes no rate");
    expect(out).toContain("for width = 64");
    expect(out).not.toContain("rate.weight");
  });

  it("says so where what is computed for all steps at once has no name", async () => {
    const spec = `layer Memory(n = 3) {
  in k: [n]
  fast net { W: [n, n] = 0 }
  program { W <- 0.9 * W + outer(k, tanh(k)) }
  out y: [n] = W @ k
}
`;
    const { out } = await fwp(["explain", file("a.fwp", spec)]);
    expect(out).toMatch(/1\. for all steps at once: what has no name of its own; \d+ operations/);
  });

  it("explains every layer and model of the package", async () => {
    for (const name of [...fs.readdirSync(specsFolder()), "std/layers.fwp"]) {
      if (!name.endsWith(".fwp")) continue;
      const ended = await fwp(["explain", `${specsFolder()}/${name}`]);
      expect(ended.err).toBe("");
      expect(ended.out).not.toContain("not explained");
    }
  });
});

describe("fwp doctor", () => {
  it("says what works and why the rest does not", async () => {
    const { code, out } = await fwp(["doctor", "--json"]);
    expect(code).toBe(0);
    const found = JSON.parse(out) as {
      auto: string;
      targets: { name: string; works: boolean; about: string }[];
    };
    expect(found.auto).toBe("typescript");
    const working = found.targets.filter((t) => t.works).map((t) => t.name);
    expect(working).toEqual([...(hasCompiler ? ["native"] : []), "wasm", "typescript", "oracle"]);
    expect(found.targets.every((t) => t.about.length > 0)).toBe(true);
    expect((await fwp(["doctor"])).out).toContain("--device auto takes typescript");
  });
});

describe("fwp new", () => {
  it("makes a project that checks, is formatted, explains and trains", async () => {
    const path = inFolder("My Project!");
    expect((await fwp(["new", path])).code).toBe(0);
    const { name } = JSON.parse(fs.readFileSync(`${path}/package.json`, "utf8")) as {
      name: string;
    };
    expect(name).toBe("my-project");
    const spec = `${path}/model.fwp`;
    expect((await fwp(["check", "--strict", spec])).err).toBe("");
    expect((await fwp(["fmt", "--check", spec])).out).toBe("");
    expect((await fwp(["explain", spec])).code).toBe(0);
    const run = `${path}/run`;
    const trained = await fwp(["train", spec, "-o", run, "--set", "steps=2", "--set", "batch=2"]);
    expect(trained.code, trained.err).toBe(0);
    expect(fs.existsSync(run)).toBe(true);
  });

  it("takes an empty folder", async () => {
    fs.mkdirSync(inFolder("p"));
    expect((await fwp(["new", inFolder("p")])).code).toBe(0);
    expect(fs.readdirSync(inFolder("p")).sort()).toContain("model.fwp");
    expectRefused(await fwp(["new", inFolder("p")]), "fwp8040");
  });
});
